"""Starts the server under test as its own process, and makes tokens for it."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = os.environ.get("VECHE_BIN", str(TARGET / "debug" / "veche"))
SECRET = "e2e-token-secret-of-32-bytes-or-more"
API_KEY = "e2e-api-key"
START_DEADLINE_SECS = 20

OPEN = {"allow_subscribe_for_client": True, "history_ttl": "300s", "force_recovery": True}
CONFIG = {
    "health": {"enabled": True},
    "http_api": {"key": API_KEY},
    "client": {"token": {"hmac_secret_key": SECRET}},
    "channel": {
        "without_namespace": {
            "allow_subscribe_for_client": True,
            "allow_publish_for_client": True,
            "allow_history_for_client": True,
            "allow_presence_for_client": True,
            "history_size": 400,
            "history_ttl": "300s",
            "presence": True,
            "join_leave": True,
            "force_recovery": True,
            "allow_tags_filter": True,
        },
        "namespaces": [
            {"name": "match", "history_size": 100, "allowed_delta_types": ["fossil"], "delta_publish": True, **OPEN},
            {"name": "state", "history_size": 1, "force_recovery_mode": "cache", **OPEN},
            {"name": "short", "history_size": 2, **OPEN},
        ],
    },
}


def token(**claims):
    """A token with these claims, signed by HS256."""

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    body = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (body + b"." + part(hmac.digest(SECRET.encode(), body, hashlib.sha256))).decode()


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server; `stop` kills it. Sections of its configuration may be given."""

    def __init__(self, **sections):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="veche-e2e-")
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+b")
        config = pathlib.Path(self.folder.name) / "config.json"
        config.write_text(json.dumps(CONFIG | sections))
        self.command = [BINARY, "--config", str(config), "--http_server.address=127.0.0.1", f"--http_server.port={self.port}"]
        self.start()

    def start(self):
        """Starts, or starts again on the same port, and waits for its health."""
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_DEADLINE_SECS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                # Not listening yet; the poll below is how long a look takes.
                try:
                    self.process.wait(timeout=0.02)
                except subprocess.TimeoutExpired:
                    continue
        self.log.seek(0)
        raise RuntimeError(f"{BINARY} did not become healthy; its log:\n{self.log.read().decode()}")

    def call(self, method, /, **body):
        """Calls a method of the server API that must succeed."""
        reply = self.answer(method, **body)
        if "error" in reply:
            raise RuntimeError(f"API {method}: {reply['error']}")
        return reply["result"]

    def answer(self, method, /, **body):
        """Calls a method of the server API; the whole answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{method}", json.dumps(body).encode(), {"X-API-Key": API_KEY}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def kill(self):
        """Ends the process at once, as a crash would."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self):
        """Ends the process if it runs, and removes its files."""
        if self.process.poll() is None:
            self.kill()
        self.log.close()
        self.folder.cleanup()
