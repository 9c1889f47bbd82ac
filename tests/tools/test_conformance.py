"""tools/conformance.py knows every clause by its tests, and no test by a clause that is none."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))
import conformance  # noqa: E402

CLAUSES = """# A remark.
= RFC6749 | The Framework | https://example.org/6749
3.1 By GET.
4.2 - Not there.
= OIDC-Core | Core | https://example.org/core
2 Claims.
"""


class Conformance(unittest.TestCase):
    def setUp(self):
        self.documents = conformance.read_clauses(CLAUSES)

    def take(self, text):
        return conformance.take_tests(self.documents, "tests/http/x.test.ts", text)

    def test_names_and_cases_are_found(self):
        self.assertEqual([], self.take('test("RFC6749-3.1 a | b", …); ["OIDC-Core-2 c", {}],'
                                       ' "OIDCProvider x", "WebAuthn.enable"'))
        self.assertEqual([], conformance.missing(self.documents))
        page = conformance.write_page(self.documents)
        self.assertIn("## RFC 6749: [The Framework](https://example.org/6749)", page)
        self.assertIn("| 2 | Claims. | `x`: c |", page)

    def test_a_clause_without_a_test_is_found(self):
        self.take('test("RFC6749-3.1 a", …)')
        self.assertEqual(["tests/clauses.txt: OIDC-Core 2 has no test"],
                         conformance.missing(self.documents))

    def test_a_name_that_is_of_no_clause_is_found(self):
        for name in ("RFC6749-9.9 a", "RFC6749 3.1: a", "RFC1-1 a", "OIDC-Core-2: a"):
            self.assertEqual(1, len(self.take(f'test("{name}", …)')), name)

    def test_a_line_that_is_none_is_found(self):
        for text in ("2 A clause of nothing.", CLAUSES + "2 Twice.", CLAUSES + "Two: Claims."):
            with self.assertRaises(ValueError):
                conformance.read_clauses(text)


if __name__ == "__main__":
    unittest.main()
