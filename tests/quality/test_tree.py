"""The source tree keeps the rules of rules.py."""

import pathlib
import unittest

import conformance
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("engine", "fs", "mount-helpers", "tests")
SCRIPTS = ("check", "quickstart", ".ci/run")


def read_sources():
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*"))]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if path.suffix in (".h", ".hpp", ".cc", ".cpp", ".c", ".py") and path.is_file()
    }


class SourceTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sources = read_sources()
        cls.compiled = {path: text for path, text in cls.sources.items() if not path.endswith(".py")}

    def assert_clean(self, findings):
        findings = [finding for group in findings for finding in group]
        self.assertFalse(findings, "\n" + "\n".join(findings))

    def test_is_not_empty(self):
        for room in ("engine/src/", "engine/base/", "fs/", "tests/"):
            self.assertTrue(any(path.startswith(room) for path in self.compiled), room)

    def test_includes_go_one_way(self):
        tree = set(self.compiled)
        self.assert_clean(rules.wrong_direction(path, text, tree) for path, text in self.compiled.items())

    def test_fuse_stays_in_its_rooms_and_liburing_in_its_backend(self):
        self.assert_clean(rules.wrong_library(path, text) for path, text in self.compiled.items())

    def test_files_are_short(self):
        self.assert_clean(rules.too_long(path, text) for path, text in self.sources.items())

    def test_file_names_are_snake_case(self):
        self.assert_clean(rules.bad_name(path) for path in self.sources)

    def test_headers_are_guarded(self):
        self.assert_clean(rules.unguarded_header(path, text) for path, text in self.compiled.items())

    def test_open_questions_name_an_issue(self):
        self.assert_clean(rules.open_questions(path, text) for path, text in self.compiled.items())

    def test_links_of_the_documents_lead_somewhere(self):
        pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")]
        self.assertTrue(pages)
        self.assert_clean(
            rules.broken_links(str(page.relative_to(ROOT)), page.read_text(encoding="utf-8"),
                               lambda path: (ROOT / path).exists())
            for page in pages
        )

    def test_page_of_conformance_has_every_clause_on_both_roads(self):
        clauses = conformance.read_clauses((ROOT / "docs/contract.md").read_text(encoding="utf-8"))
        self.assertEqual(len(clauses), 42)
        rows = conformance.rows_of((ROOT / "docs/conformance.md").read_text(encoding="utf-8"))
        self.assertEqual(rows, [(clause, road) for clause in clauses for road in conformance.ROADS])

    def test_scripts_take_their_packages_from_packages_txt(self):
        for script in SCRIPTS:
            self.assertNotIn("apt-get", (ROOT / script).read_text(encoding="utf-8"), script)


if __name__ == "__main__":
    unittest.main()
