"""The results of tests that a node hands over."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from pipeline import ExecutionContext
from pipeline._test_report import attached, checked
from supervisor import ERROR, RESULT, Launch

LIMIT = 900_000


def case(outcome: str = "passed", **more: Any) -> Dict[str, Any]:
    return {"name": "adds", "outcome": outcome, **more}


def fitted(
    cases: List[Dict[str, Any]], answer: Any = None
) -> Dict[str, Any]:
    suites = [{"name": "unit", "cases": cases}]
    told = attached(answer or {}, checked(suites))
    tests: Dict[str, Any] = told["tests"]
    return tests


REPORT = """
context.report_tests([{"name": "old", "cases": []}])
context.report_tests([
    {"name": "unit", "cases": [
        {"name": "adds", "class": "Sums", "seconds": 0.25,
         "outcome": "passed", "message": "none", "details": "none"},
        {"name": "carries", "outcome": "failed", "message": "1 + 1 is 3",
         "details": "sums.py:7"},
    ]},
], omitted=2)
"""
REPORTED = {
    "suites": [
        {
            "name": "unit",
            "cases": [
                {
                    "name": "adds",
                    "class": "Sums",
                    "seconds": 0.25,
                    "outcome": "passed",
                },
                {
                    "name": "carries",
                    "class": "",
                    "seconds": 0.0,
                    "outcome": "failed",
                    "message": "1 + 1 is 3",
                    "details": "sums.py:7",
                },
            ],
        }
    ],
    "omitted": 2,
}


def test_the_last_report_goes_with_the_result(launch: Launch) -> None:
    worker = launch(REPORT + 'return {"o": 1}')
    for _ in range(2):
        answer, _ = worker.answer(worker.send_execute("probe"))
        assert answer.kind == RESULT
        assert answer.values()[0] == {
            "fallback": False,
            "cache_key": None,
            "tests": REPORTED,
        }


@pytest.mark.parametrize("end", ["raise ValueError('no')", "return 5"])
def test_the_last_report_goes_with_the_error(launch: Launch, end: str) -> None:
    worker = launch(REPORT + end)
    assert worker.error(worker.send_execute("probe"))["tests"] == REPORTED


def test_where_nothing_was_reported_no_answer_says_so(launch: Launch) -> None:
    worker = launch('return {"o": 1} if self.parameters else 5')
    answer, _ = worker.answer(worker.send_execute("probe", {"a": 1}))
    assert "tests" not in answer.values()[0]
    assert "tests" not in worker.error(worker.send_execute("probe"))


def test_a_report_is_nobodys_outside_of_a_worker() -> None:
    ExecutionContext().report_tests([{"name": "a", "cases": [case()]}])


@pytest.mark.parametrize(
    ("suites", "words"),
    [
        ([5], r"suites\[0\] isn't a mapping"),
        ([{"name": "a"}], r"suites\[0\]: 'cases' isn't a list"),
        ([{"name": 5, "cases": []}], "'name' is int, not text"),
        ([{"cases": [5]}], r"suites\[0\].cases\[0\] isn't a mapping"),
        ([{"cases": [case("flaky")]}], "'outcome' is 'flaky', not one of"),
        ([{"cases": [case(seconds=-1)]}], "'seconds' isn't from 0"),
        ([{"cases": [case(seconds=float("nan"))]}], "'seconds' isn't from 0"),
        ([{"cases": [case(seconds=10**400)]}], "'seconds' isn't from 0"),
        ([{"cases": [case(seconds="1")]}], "'seconds' isn't a number"),
        ([{"cases": [case("failed", details=b"")]}], "'details' is bytes"),
    ],
)
def test_a_report_of_another_shape_is_refused_with_the_place(
    suites: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ExecutionContext().report_tests(suites)


@pytest.mark.parametrize("omitted", [-1, True, 1.5, None, 10**10])
def test_the_number_of_omitted_cases_is_one(omitted: Any) -> None:
    with pytest.raises(ValueError, match="omitted"):
        ExecutionContext().report_tests([], omitted)


def test_texts_are_cut_and_become_characters() -> None:
    long = case("error", message="ü" * 5_000, details="a\ud800b")
    told = fitted([long])["suites"][0]["cases"][0]
    assert told["message"] == "ü" * 4_095 + "…"
    assert told["details"] == "a?b"


def test_of_too_many_cases_those_that_passed_go_first() -> None:
    cases = [case("failed"), case("skipped"), case("error")] * 3_000
    cases += [case(name=f"passed {n}") for n in range(2_000)]
    tests = fitted(cases)
    kept = tests["suites"][0]["cases"]
    assert len(kept) == 10_000 and tests["omitted"] == 1_000
    assert kept[-1]["name"] == "passed 999"
    assert kept[:9_000] == fitted(cases[:9_000])["suites"][0]["cases"]


def test_what_is_too_long_loses_details_first() -> None:
    cases = [
        case("failed", message="m", details="ü" * 4_000) for _ in range(200)
    ]
    tests = fitted([case(), *cases, case("skipped")])
    assert 0.98 * LIMIT < len(json.dumps(tests, ensure_ascii=False).encode())
    kept = tests["suites"][0]["cases"]
    assert len(kept) == 202 and tests["omitted"] == 0
    # The first ones keep them.
    with_details = ["details" in one for one in kept]
    assert with_details[1:] == sorted(with_details[1:], reverse=True)
    assert 100 < sum(with_details) < 120


def test_what_is_still_too_long_loses_cases_that_passed() -> None:
    cases = [case("failed", message="m" * 4_000) for _ in range(150)]
    passed = [case(name=f"{n} {'p' * 3_000}") for n in range(150)]
    tests = fitted([*passed, *cases])
    kept = tests["suites"][0]["cases"]
    outcomes = [one["outcome"] for one in kept]
    assert outcomes.count("failed") == 150
    assert 90 < outcomes.count("passed") < 100
    assert tests["omitted"] == 150 - outcomes.count("passed")
    assert kept[0]["name"].startswith("0 ")


def test_a_suite_goes_with_its_last_case() -> None:
    suites = [
        {"name": f"{n} {'s' * 4_000}", "cases": [case(), case("skipped")]}
        for n in range(1_000)
    ]
    suites.append({"name": "bad", "cases": [case("failed")]})
    tests = attached({}, checked(suites))["tests"]
    told = json.dumps(tests).encode()
    assert 0.98 * LIMIT < len(told) <= LIMIT
    assert tests["suites"][-1]["name"] == "bad"
    left = sum(len(suite["cases"]) for suite in tests["suites"])
    assert left + tests["omitted"] == 2_001
    assert all(suite["cases"] for suite in tests["suites"])


def test_a_report_leaves_an_error_its_room(launch: Launch) -> None:
    worker = launch(
        r"""
        details = "\u0001" * 4_000
        context.report_tests([{"name": "unit", "cases": [
            {"name": str(n), "outcome": "failed", "details": details}
            for n in range(500)]}])
        if self.parameters:
            raise ValueError("\u0001" * 100_000)
        return {"o": 1}
        """
    )
    got, _ = worker.answer(worker.send_execute("probe", {"fail": 1}))
    assert got.kind == ERROR
    assert 1_000_000 < len(got.body) <= 1_048_576
    assert len(got.object["tests"]["suites"][0]["cases"]) == 500
    got, _ = worker.answer(worker.send_execute("probe"))
    tests = got.values()[0]["tests"]
    size = len(json.dumps(tests, ensure_ascii=False).encode())
    assert 0.9 * LIMIT < size <= LIMIT
