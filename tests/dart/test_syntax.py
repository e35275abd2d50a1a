"""The Dart of the Flutter sample and of the documentation is Dart, as far as a grammar can tell."""

import re
import unittest
from pathlib import Path

from tree_sitter_language_pack import get_parser

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples/flutter/lib").glob("*.dart"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def faults(source: bytes) -> list[str]:
    """Lines of what the grammar does not know."""
    found = []
    nodes = [get_parser("dart").parse(source).root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            found.append(f"line {node.start_point[0] + 1}: {source[node.start_byte:node.end_byte][:60]!r}")
        nodes.extend(node.children)
    return sorted(found)


class Syntax(unittest.TestCase):
    def test_the_sample_has_no_faults(self):
        self.assertTrue(FILES)
        for file in FILES:
            with self.subTest(file=file.name):
                self.assertEqual(faults(file.read_bytes()), [])

    def test_the_snippets_of_the_documentation_have_no_faults(self):
        snippets = [
            (page.name, snippet)
            for page in PAGES
            for snippet in re.findall(r"^```dart[^\n]*\n(.*?)^```$", page.read_text(), re.S | re.M)
        ]
        self.assertTrue(snippets)
        for name, snippet in snippets:
            with self.subTest(page=name):
                self.assertEqual(faults(snippet.encode()), [])

    def test_faults_are_found(self):
        for wrong in (b"void main() { print('x' }", b"final class A { const A(this.a; }", b"int x = ;"):
            self.assertNotEqual(faults(wrong), [])


if __name__ == "__main__":
    unittest.main()
