"""Which test shows which clause of docs/contract.md on which road, from what ctest saw.

    conformance.py REPORT PAGE    reads ctest's JUnit report and writes the page; exit status 1 with one line for each
                                  thing that is wrong

Pure but for main(). A test shows a clause when its name says Contract_CLAUSE_Fact.
"""

import dataclasses
import pathlib
import re
import sys
import tomllib
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROADS = ("A", "M")

CLAUSE_ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)
CLAUSE_IN_NAME = re.compile(r"(?<![A-Za-z0-9])Contract_([^_./]*)")
PASSED, FAILED = "passed", "FAILED"


@dataclasses.dataclass(frozen=True)
class Case:
    """A test case; its result is PASSED, FAILED, or why it was skipped."""

    name: str
    result: str


@dataclasses.dataclass
class Rules:
    """contract.toml: the programs of road M, and for each road and clause what its tests do not show, and why."""

    road_m: list
    reasons: dict  # No test can show it.
    partly: dict  # The tests show the rest.


def read_clauses(contract):
    return CLAUSE_ROW.findall(contract)


def read_rules(text):
    table = tomllib.loads(text)
    return Rules(table["road_m"], table.get("reasons", {}), table.get("partly", {}))


def skip_reason(case):
    """What the test said: gtest on the line after its own, a script on its last one."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
    for said, reason in zip(lines, lines[1:]):
        if said.endswith(": Skipped"):
            return reason
    return lines[-1] if lines else "no reason given"


def result_of(case):
    if case.get("status") == "run":
        return PASSED
    skipped = case.find("skipped")
    # Whatever else is not run, such as a program that is not there, is no test that said why.
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return f"skipped: {skip_reason(case)}"
    return FAILED


def read_report(text):
    return [Case(case.get("name"), result_of(case)) for case in xml.etree.ElementTree.fromstring(text).iter("testcase")]


def road_of(name, rules):
    return "M" if name.startswith(tuple(rules.road_m)) else "A"


def clauses_of(name):
    return CLAUSE_IN_NAME.findall(name)


def fact_of(name):
    """What follows the last clause, and the parameter behind it: ("WriteIsCovered", "fsync")."""
    fact, _, parameter = name.rsplit("Contract_", 1)[-1].partition("_")[2].partition("/")
    return fact, parameter


def sort_into_cells(cases, rules):
    """(clause, road) → the cases that show it."""
    cells = {}
    for case in cases:
        for clause in dict.fromkeys(clauses_of(case.name)):
            cells.setdefault((clause, road_of(case.name, rules)), []).append(case)
    return cells


def find_errors(clauses, cases, rules):
    cells = sort_into_cells(cases, rules)
    errors = [
        f"{case.name}: there is no clause {clause or '(none)'} in docs/contract.md"
        for case in cases
        for clause in clauses_of(case.name)
        if clause not in clauses
    ]
    for kind, table in (("reasons", rules.reasons), ("partly", rules.partly)):
        for road, entries in table.items():
            errors += [f"contract.toml, {kind}.{road}: there is no clause {clause} on a road {road}"
                       for clause in entries if clause not in clauses or road not in ROADS]
    for clause in clauses:
        for road in ROADS:
            errors += cell_errors(clause, road, (clause, road) in cells, rules)
    return sorted(errors)


def cell_errors(clause, road, has_tests, rules):
    reason = clause in rules.reasons.get(road, {})
    partly = clause in rules.partly.get(road, {})
    if has_tests and reason:
        return [f"contract.toml, reasons.{road}: {clause} has a test; what that does not show goes to partly.{road}"]
    if not has_tests and partly:
        return [f"contract.toml, partly.{road}: {clause} has no test; the reason goes to reasons.{road}"]
    if not has_tests and not reason:
        return [f"clause {clause} has neither a test nor a reason (contract.toml) on road {road}"]
    return []


# ---- The page ----

HEAD = """# Conformance

Which tests show which clause of [the contract](contract.md) on which road: **A** the engine's own API, **M** an
unmodified program on a mounted directory. `./check` writes this page from what its tests did; a line is changed by a
test, or by a reason in [contract.toml](../tests/quality/contract.toml). A test is named here by what follows the clause
in its name.

| clause | road | result | shown by |
|---|---|---|---|
"""


def list_facts(cases):
    """Each fact once; those that were tried with the same parameters, and ended alike, together."""
    parameters = {}
    for case in cases:
        fact, parameter = fact_of(case.name)
        parameters.setdefault((case.result, fact), set()).add(parameter)
    groups = {}
    for (result, fact), tried in sorted(parameters.items()):
        groups.setdefault((result, tuple(sorted(tried - {""}))), []).append(fact)
    return "; ".join(sorted(group_text(facts, tried, result) for (result, tried), facts in groups.items()))


def group_text(facts, tried, result):
    each = "each: " if len(facts) > 1 else ""
    return (", ".join(facts) + (f" ({each}{', '.join(tried)})" if tried else "")
            + ("" if result == PASSED else f" **{result}**"))


def verdict(cases):
    results = {case.result for case in cases}
    if FAILED in results:
        return FAILED
    return PASSED if PASSED in results else "skipped"


def row(clause, road, cases, rules):
    rest = rules.partly.get(road, {}).get(clause)
    if cases:
        shown = list_facts(cases) + (f". Not shown: {rest}" if rest else "")
        result = verdict(cases) + (" in part" if rest and verdict(cases) == PASSED else "")
    else:
        shown = rules.reasons.get(road, {}).get(clause, "")
        result = "no test" if shown else "MISSING"
    return f"| {clause} | {road} | {result} | {' '.join(shown.split()).replace('|', chr(92) + '|')} |\n"


def render(clauses, cases, rules):
    cells = sort_into_cells(cases, rules)
    return HEAD + "".join(row(clause, road, cells.get((clause, road), []), rules)
                          for clause in clauses for road in ROADS)


def rows_of(page):
    """(clause, road) of each row of the page."""
    return re.findall(r"^\| ([A-Z]\d+) \| ([A-Z]) \|", page, re.MULTILINE)


def main(report, page):
    clauses = read_clauses((ROOT / "docs/contract.md").read_text(encoding="utf-8"))
    rules = read_rules((ROOT / "tests/quality/contract.toml").read_text(encoding="utf-8"))
    cases = read_report(pathlib.Path(report).read_bytes())
    pathlib.Path(page).write_text(render(clauses, cases, rules), encoding="utf-8")
    errors = find_errors(clauses, cases, rules)
    for error in errors:
        print(f"conformance: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
