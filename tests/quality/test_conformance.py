"""The table of the contract says what the tests did, and complains of what it cannot place."""

import unittest

import conformance
from conformance import FAILED, PASSED, Case, Rules

CLAUSES = ["L1", "P7"]


def rules(reasons=None, partly=None):
    return Rules(["mount_", "programs."], reasons or {}, partly or {})


def shown(clause, road, fact="Fact", result=PASSED):
    program = "mount_test" if road == "M" else "aio_test"
    return Case(f"{program}.Suite.Contract_{clause}_{fact}", result)


EVERYTHING = [shown(clause, road) for clause in CLAUSES for road in "AM"]


class Names(unittest.TestCase):
    def test_clause_is_found_in_every_kind_of_name(self):
        for name in ("program.Suite.Contract_L6_Fact", "program.Uring/Suite.Contract_L6_Fact/io_uring",
                     "programs.fio_Contract_L6_Fact", "program.Suite/0.Contract_L6_Fact/3"):
            self.assertEqual(conformance.clauses_of(name), ["L6"], name)

    def test_one_test_may_show_several_clauses(self):
        self.assertEqual(conformance.clauses_of("programs.aio_Contract_L1_Contract_P3_Fact"), ["L1", "P3"])

    def test_name_of_a_suite_is_no_clause(self):
        self.assertEqual(conformance.clauses_of("program.EngineContract.Contract_P3_Fact"), ["P3"])
        self.assertEqual(conformance.clauses_of("engine_contract_test.EngineContract_x.Fact"), [])

    def test_fact_is_what_follows_the_clause(self):
        self.assertEqual(conformance.fact_of("p.S.Contract_L6_Fact"), ("Fact", ""))
        self.assertEqual(conformance.fact_of("p.I/S.Contract_L6_Fact_of_two/io_uring"), ("Fact_of_two", "io_uring"))

    def test_road_is_told_by_the_program(self):
        self.assertEqual(conformance.road_of("mount_test.S.T", rules()), "M")
        self.assertEqual(conformance.road_of("programs.fio", rules()), "M")
        self.assertEqual(conformance.road_of("engine_test.mount_.T", rules()), "A")


class Report(unittest.TestCase):
    def results(self, *cases):
        return [case.result for case in conformance.read_report(f"<testsuite>{''.join(cases)}</testsuite>")]

    def test_case_that_ran_has_passed(self):
        self.assertEqual(self.results('<testcase name="a" status="run"/>'), [PASSED])

    def test_whatever_else_is_not_skipped_has_failed(self):
        self.assertEqual(
            self.results('<testcase name="a" status="fail"><failure message=""/></testcase>',
                         '<testcase name="a" status="notrun"><skipped message="Unable to find executable"/></testcase>',
                         '<testcase name="a" status="disabled"/>'),
            [FAILED] * 3)

    def test_skipped_case_says_why(self):
        skipped = '<testcase name="a" status="notrun"><skipped message="SKIP_{}"/><system-out>{}</system-out></testcase>'
        self.assertEqual(
            self.results(skipped.format("REGULAR_EXPRESSION_MATCHED", "[ RUN ] a\nx.cc:5: Skipped\nneeds root\n\n[  SKIPPED ]"),
                         skipped.format("RETURN_CODE=77", "started\nno fio here\n"),
                         skipped.format("RETURN_CODE=77", "")),
            ["skipped: needs root", "skipped: no fio here", "skipped: no reason given"])


class Errors(unittest.TestCase):
    def assert_only(self, part, cases, the_rules):
        errors = conformance.find_errors(CLAUSES, cases, the_rules)
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(part, errors[0])

    def test_complete_table_has_none(self):
        self.assertEqual(conformance.find_errors(CLAUSES, EVERYTHING, rules()), [])
        self.assertEqual(
            conformance.find_errors(CLAUSES, EVERYTHING[:3], rules({"M": {"P7": "why"}}, {"M": {"L1": "rest"}})), [])

    def test_clause_without_test_and_reason(self):
        self.assert_only("P7 has neither", EVERYTHING[:3], rules())

    def test_reason_where_a_test_is(self):
        self.assert_only("P7 has a test", EVERYTHING, rules({"M": {"P7": "why"}}))

    def test_rest_where_no_test_is(self):
        self.assert_only("P7 has no test", EVERYTHING[:3], rules(partly={"M": {"P7": "rest"}}))

    def test_unknown_clause_in_a_name(self):
        self.assert_only("no clause L99", [*EVERYTHING, shown("L99", "A")], rules())
        self.assert_only("no clause L1Fact", [*EVERYTHING, Case("p.S.Contract_L1Fact", PASSED)], rules())

    def test_unknown_clause_or_road_of_a_reason(self):
        self.assert_only("no clause L99", EVERYTHING, rules({"A": {"L99": "why"}}))
        self.assert_only("on a road X", EVERYTHING, rules({"X": {"L1": "why"}}))


class Page(unittest.TestCase):
    def rows(self, cases, the_rules):
        return conformance.render(CLAUSES, cases, the_rules).splitlines()[-4:]

    def test_each_clause_has_a_row_for_each_road(self):
        page = conformance.render(CLAUSES, EVERYTHING, rules())
        self.assertEqual(conformance.rows_of(page), [("L1", "A"), ("L1", "M"), ("P7", "A"), ("P7", "M")])

    def test_order_of_the_report_does_not_show(self):
        cases = [*EVERYTHING, shown("L1", "A", "Other/b"), shown("L1", "A", "Other/a")]
        self.assertEqual(self.rows(cases, rules()), self.rows(cases[::-1], rules()))
        self.assertEqual(self.rows(cases, rules())[0], "| L1 | A | passed | Fact; Other (a, b) |")

    def test_facts_with_the_same_parameters_share_them(self):
        cases = [shown("L1", "A", f"{fact}/{tried}") for fact in ("One", "Two") for tried in "ab"]
        self.assertEqual(self.rows(cases, rules())[0], "| L1 | A | passed | One, Two (each: a, b) |")

    def test_failure_shows(self):
        cases = [*EVERYTHING, shown("L1", "A", "Other", FAILED)]
        self.assertEqual(self.rows(cases, rules())[0], "| L1 | A | FAILED | Fact; Other **FAILED** |")

    def test_skipped_test_says_why(self):
        cases = [shown("L1", "A", result="skipped: needs root")]
        self.assertEqual(self.rows(cases, rules())[0], "| L1 | A | skipped | Fact **skipped: needs root** |")

    def test_reasons_show(self):
        the_rules = rules({"M": {"P7": "a | b\n  c"}}, {"M": {"L1": "rest"}})
        self.assertEqual(self.rows(EVERYTHING[:2], the_rules),
                         ["| L1 | A | passed | Fact |", "| L1 | M | passed in part | Fact. Not shown: rest |",
                          "| P7 | A | MISSING |  |", "| P7 | M | no test | a \\| b c |"])


if __name__ == "__main__":
    unittest.main()
