"""The OpenAPI document against the running server: schemathesis finds nothing."""

import os
import pathlib
import subprocess
import sys
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e" / "python"))
import server  # noqa: E402

MANY = ["/api", "/api/batch"]


def config(error_mode):
    """Channels keep what can be asked for, so that a request by the document is one that can be carried out."""
    api = {"key": server.API_KEY, "error_mode": error_mode}
    return {"http_api": api, "swagger": {"enabled": True}}


class Document(unittest.TestCase):
    def run_schemathesis(self, error_mode, *options):
        running = server.Server(**config(error_mode))
        try:
            command = [
                str(pathlib.Path(sys.executable).with_name("st")),
                "--config-file",
                str(HERE / "schemathesis.toml"),
                "run",
                f"http://127.0.0.1:{running.port}/swagger/openapi.json",
                *options,
            ]
            ran = subprocess.run(
                command, cwd=running.folder.name, env={**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"},
                capture_output=True, text=True, timeout=300,
            )
            self.assertEqual(ran.returncode, 0, f"\n{ran.stdout}\n{ran.stderr}")
        finally:
            running.stop()

    def test_a_request_by_the_document_succeeds_and_any_other_is_refused(self):
        """Where errors are statuses: what the document forbids is 4xx, and every answer is one it describes."""
        options = [f"--exclude-path={path}" for path in MANY]
        self.run_schemathesis("transport", "--max-examples=60", *options)

    def test_commands_within_others_are_answered_as_described(self):
        """A command of a batch fails alone, in its reply: so only what the document allows is sent."""
        options = [f"--include-path={path}" for path in MANY]
        self.run_schemathesis("transport", "--mode=positive", "--max-examples=60", *options)

    def test_every_answer_is_one_that_the_document_describes(self):
        """Where errors are told in the body: the status is 200, whatever the command came to."""
        self.run_schemathesis("", "--mode=positive", "--max-examples=30")


class Page(unittest.TestCase):
    def test_the_page_and_the_document_are_served_where_they_are_switched_on(self):
        running = server.Server(**config(""))
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/swagger") as page:
                self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
                self.assertIn("default-src 'none'", page.headers["content-security-policy"])
        finally:
            running.stop()
        running = server.Server()
        try:
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{running.port}/swagger/openapi.json")
            self.assertEqual(refused.exception.code, 404)
        finally:
            running.stop()


if __name__ == "__main__":
    unittest.main()
