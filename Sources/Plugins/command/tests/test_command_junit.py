"""JUnit XML, as its many writers write it."""

from __future__ import annotations

import io
import time
from typing import Any, Dict, List, Optional

import pytest

import command_junit
from command_failures import CommandError
from command_junit import Results, seconds


def results(*texts: Any) -> Results:
    read = Results()
    for text in texts:
        content = text if isinstance(text, bytes) else text.encode()
        read.read(io.BytesIO(content), "report.xml", int)
    return read


def suites(*texts: Any) -> List[Dict[str, Any]]:
    return results(*texts).suites


def cases(body: str) -> List[Dict[str, Any]]:
    (suite,) = suites(f'<testsuite name="s">{body}</testsuite>')
    told: List[Dict[str, Any]] = suite["cases"]
    return told


def problem(text: Any) -> str:
    with pytest.raises(CommandError) as caught:
        results(text)
    assert caught.value.hint
    return str(caught.value)


def told(
    name: str,
    class_: str = "",
    time: float = 0.0,
    outcome: str = "passed",
    **more: str,
) -> Dict[str, Any]:
    return {
        "name": name,
        "class": class_,
        "seconds": time,
        "outcome": outcome,
        **more,
    }


PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite
name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.142"
timestamp="2024-05-01T12:00:00.1" hostname="h"><testcase
classname="tests.test_a" name="test_one[ü]" time="0.001" /><testcase
classname="tests.test_a" name="test_two" time="0.002"><failure
message="assert 1 == 2">def test_two():
&gt;   assert 1 == 2
E   assert 1 == 2</failure></testcase><testcase classname="tests.test_a"
name="test_three" time="0.000"><skipped type="pytest.skip" message="not now"
>/tests/test_a.py:9: not now</skipped></testcase><testcase
classname="tests.test_a" name="test_four" time="0.003"><error
message="failed on teardown">trace</error><system-out>x</system-out>
</testcase></testsuite></testsuites>"""


def test_pytest_is_understood() -> None:
    assert suites(PYTEST) == [
        {
            "name": "pytest",
            "cases": [
                told("test_one[ü]", "tests.test_a", 0.001),
                told(
                    "test_two",
                    "tests.test_a",
                    0.002,
                    "failed",
                    message="assert 1 == 2",
                    details="def test_two():\n>   assert 1 == 2\n"
                    "E   assert 1 == 2",
                ),
                told(
                    "test_three",
                    "tests.test_a",
                    0.0,
                    "skipped",
                    message="not now",
                    details="/tests/test_a.py:9: not now",
                ),
                told(
                    "test_four",
                    "tests.test_a",
                    0.003,
                    "error",
                    message="failed on teardown",
                    details="trace",
                ),
            ],
        }
    ]


SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="surefire-test-report-3.0.xsd" version="3.0"
 name="org.example.ATest" time="1,234.5" tests="3" errors="0" skipped="1"
 failures="1">
  <properties><property name="java.version" value="17"/></properties>
  <testcase name="slow" classname="org.example.ATest" time="1,234.5"/>
  <testcase name="flaky" classname="org.example.ATest" time="0.1">
    <flakyFailure message="no" type="E"><stackTrace><![CDATA[at A]]>
    </stackTrace><system-out>x</system-out></flakyFailure>
  </testcase>
  <testcase name="bad" classname="org.example.ATest" time="0.2">
    <failure message="expected: &lt;1&gt;" type="org.opentest4j.Failed"
    ><![CDATA[org.opentest4j.Failed: <1>
\tat org.example]]></failure>
    <rerunFailure message="again" type="E"><failure>deep</failure>
    </rerunFailure>
    <rerunError message="again" type="E"/>
  </testcase>
  <testcase name="off" classname="org.example.ATest"><skipped/></testcase>
</testsuite>"""


def test_maven_is_understood_and_attempts_made_anew_do_not_count() -> None:
    assert suites(SUREFIRE) == [
        {
            "name": "org.example.ATest",
            "cases": [
                told("slow", "org.example.ATest", 1234.5),
                told("flaky", "org.example.ATest", 0.1),
                told(
                    "bad",
                    "org.example.ATest",
                    0.2,
                    "failed",
                    message="expected: <1>",
                    details="org.opentest4j.Failed: <1>\n\tat org.example",
                ),
                told("off", "org.example.ATest", outcome="skipped"),
            ],
        }
    ]


GOTESTSUM = """<testsuites tests="2" failures="1" errors="0" time="0.012">
\t<testsuite tests="2" failures="1" time="0.001000" name="example.org/a"
 timestamp="2024-05-01T12:00:00Z">
\t\t<properties><property name="go.version" value="go1.22"></property>
\t\t</properties>
\t\t<testcase classname="example.org/a" name="TestA" time="0.000000">
\t\t</testcase>
\t\t<testcase classname="example.org/a" name="TestB/sub" time="0.000000">
\t\t\t<failure message="Failed" type="">=== RUN   TestB/sub&#xA;a_test.go:9
</failure>
\t\t</testcase>
\t</testsuite>
</testsuites>"""


def test_gotestsum_is_understood() -> None:
    (suite,) = suites(GOTESTSUM)
    assert suite["name"] == "example.org/a"
    assert suite["cases"] == [
        told("TestA", "example.org/a", 0.0),
        told(
            "TestB/sub",
            "example.org/a",
            0.0,
            "failed",
            message="Failed",
            details="=== RUN   TestB/sub\na_test.go:9",
        ),
    ]


JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="0.7">
  <testsuite name="sums" errors="0" failures="1" skipped="0" time="0.5">
    <testcase classname="sums adds" name="sums adds" time="0.003">
      <failure>Error: expect(received)
    at Object.toBe</failure>
      <failure>Error: another</failure>
    </testcase>
  </testsuite>
  <testsuite name="empty" tests="0"></testsuite>
  <testsuite name="other"><testcase name="a"/></testsuite>
</testsuites>"""


def test_jest_is_understood_and_all_failures_of_a_case_are_told() -> None:
    assert suites(JEST) == [
        {
            "name": "sums",
            "cases": [
                told(
                    "sums adds",
                    "sums adds",
                    0.003,
                    "failed",
                    message="Error: expect(received)\nError: another",
                    details="Error: expect(received)\n    at Object.toBe\n\n"
                    "Error: another",
                )
            ],
        },
        {"name": "other", "cases": [told("a")]},
    ]


NEXTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="2" failures="1" errors="0"
 uuid="9fd8" timestamp="2024-05-01T12:00:00.000+00:00" time="0.031">
    <testsuite name="crate::bin/it" tests="2" disabled="0" failures="1">
        <testcase name="adds" classname="crate::bin/it" time="0.014"/>
        <testcase name="panics" classname="crate::bin/it" time="0.015">
            <failure type="test failure">thread 'panics' panicked at a.rs:3
note: run with `RUST_BACKTRACE=1`</failure>
            <rerunFailure type="test failure">x</rerunFailure>
            <system-out>running 1 test</system-out>
        </testcase>
    </testsuite>
</testsuites>"""


def test_cargo_nextest_is_understood() -> None:
    (suite,) = suites(NEXTEST)
    assert suite["cases"] == [
        told("adds", "crate::bin/it", 0.014),
        told(
            "panics",
            "crate::bin/it",
            0.015,
            "failed",
            message="thread 'panics' panicked at a.rs:3",
            details="thread 'panics' panicked at a.rs:3\n"
            "note: run with `RUST_BACKTRACE=1`",
        ),
    ]


def test_suites_within_suites_are_named_after_both() -> None:
    text = """<testsuites name="run"><testsuite name="unit">
      <testcase name="a"/>
      <testsuite name="Sums"><testcase name="b"/>
        <testsuite><testcase name="c"/></testsuite></testsuite>
      <testcase name="d"/></testsuite><testcase name="e"/></testsuites>"""
    told = [(s["name"], [c["name"] for c in s["cases"]]) for s in suites(text)]
    assert told == [
        ("unit", ["a", "d"]),
        ("unit > Sums", ["b"]),
        ("unit > Sums", ["c"]),
        ("run", ["e"]),
    ]


def test_a_namespace_makes_no_difference() -> None:
    text = (
        '<j:testsuite xmlns:j="urn:j" name="s"><j:testcase name="a">'
        "<j:failure>no</j:failure></j:testcase></j:testsuite>"
    )
    assert suites(text)[0]["cases"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    ("body", "outcome", "message"),
    [
        ("<skipped/><failure>f</failure>", "failed", "f"),
        ("<error>e</error><failure>f</failure>", "error", "e\nf"),
        ("<failure/>", "failed", None),
        ('<failure type="T"/>', "failed", "T"),
        ('<failure message=""> \n first\nsecond</failure>', "failed", "first"),
        ("<skipped>why</skipped>", "skipped", "why"),
        ("<system-out><failure>no</failure></system-out>", "passed", None),
        ("<failure>a<b>no</b>c</failure>", "failed", "ac"),
    ],
)
def test_a_case_has_the_outcome_of_what_is_in_it(
    body: str, outcome: str, message: Optional[str]
) -> None:
    (case,) = cases(f'<testcase name="a">{body}</testcase>')
    assert (case["outcome"], case.get("message")) == (outcome, message)


def test_a_test_that_was_not_run_is_skipped() -> None:
    (one, other) = cases(
        '<testcase name="a" status="notrun"/><testcase name="b" status="run"/>'
    )
    assert (one["outcome"], other["outcome"]) == ("skipped", "passed")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (" 0 ", 0.0),
        ("1.5E-4", 0.00015),
        (".5", 0.5),
        ("2.", 2.0),
        ("1,234.5", 1234.5),
        ("12,345,678", 12345678.0),
        ("", 0.0),
        ("0,5", 0.0),
        ("12,34", 0.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("1_0", 0.0),
        ("1e999", 0.0),
        ("٣", 0.0),
        ("9" * 10_000, 0.0),
        ("1s", 0.0),
    ],
)
def test_a_time_is_read_as_it_is_written_or_not_at_all(
    text: str, value: float
) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, isn't a test report: no element found"),
        ("<testsuite>\n\n<a></testsuite>", "line 3, isn't a test report: mis"),
        ("<testsuite>\n", "line 2, isn't a test report: no element found"),
        ("\n\n<html/>", "line 3, isn't a test report: its root is <html>"),
        ("<testcase/>", "its root is <testcase>"),
        ("\nnot XML", "line 2, isn't a test report: syntax error"),
        (b"<testsuite name='\xff'/>", "not well-formed"),
        ("<testsuite>&nbsp;</testsuite>", "undefined entity"),
        ("<testsuite/><testsuite/>", "junk after document element"),
        ("<testsuite>" * 65, "nested deeper than 64"),
    ],
)
def test_what_is_no_report_is_told_with_its_line(
    text: Any, words: str
) -> None:
    told = problem(text)
    assert told.startswith("'report.xml', line ") and words in told


LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE testsuite>",
        '<!DOCTYPE testsuite SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE testsuite [<!ENTITY a "b">]>',
        '<!DOCTYPE testsuite [<!ENTITY a SYSTEM "/etc/passwd">]>',
        '<!DOCTYPE testsuite [<!ENTITY % a SYSTEM "/etc/passwd"> %a;]>',
        f'<!DOCTYPE testsuite [<!ENTITY l0 "ha">{LAUGHS}]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_anything_is_made_of_it(
    text: str, encoding: str
) -> None:
    text += '<testsuite name="&l11;"><testcase/>&l11;&a;</testsuite>'
    begin = time.process_time()
    told = problem(text.encode(encoding))
    assert "line 1, isn't a test report: it declares a document" in told
    assert time.process_time() - begin < 0.5


def test_encodings_are_those_of_xml() -> None:
    text = '<testsuite name="ü"><testcase name="é"/></testsuite>'
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        head = f'<?xml version="1.0" encoding="{encoding}"?>'
        (suite,) = suites((head + text).encode(encoding))
        assert (suite["name"], suite["cases"][0]["name"]) == ("ü", "é")


def test_long_texts_are_cut_and_say_how_much_was_left_out() -> None:
    text = f"first\n{'x' * 100_000}"
    name = "n" * 5_000
    (case,) = cases(
        f'<testcase name="{name}" classname="{name}"><failure message="'
        f'{"m" * 9_000}">{text}</failure><failure>{text}</failure></testcase>'
    )
    assert all(len(case[key]) <= 4_096 for key in ("name", "class", "message"))
    assert case["message"].endswith(" more characters)")
    assert case["name"] == "n" * 4_048 + "… (952 more characters)"
    assert case["details"].startswith("first\nxxx")
    assert case["details"].endswith(" more characters)")
    exact = "e" * 4_096
    (case,) = cases(f'<testcase name="{exact}"/>')
    assert case["name"] == exact


def test_of_too_many_cases_those_that_failed_are_kept() -> None:
    passed = '<testcase name="p"/>' * 12_000
    bad = '<testcase name="f"><failure/></testcase>'
    read = results(f"<testsuite>{passed}{bad}</testsuite>")
    (suite,) = read.suites
    assert len(suite["cases"]) == 10_001 and read.omitted == 2_000
    assert suite["cases"][-1]["outcome"] == "failed"
    read = results(f"<testsuite>{bad * 10_001}</testsuite>")
    assert read.omitted == 1


def test_files_of_one_node_have_a_limit_together(monkeypatch: Any) -> None:
    text = '<testsuite name="s"><testcase name="a"/></testsuite>'
    monkeypatch.setattr(command_junit, "MAXIMUM_BYTES", 2 * len(text))
    assert len(suites(text, text)) == 2
    with pytest.raises(CommandError, match="more than 0 MiB of test reports"):
        results(text, text, text)


@pytest.mark.parametrize(
    "long", ["<system-out>{}</system-out>", "<!-- {} -->", '<p a="{}"/>']
)
def test_a_long_report_takes_no_longer_than_its_length(long: str) -> None:
    inner = "x > " * 10_000_000
    text = f"<testsuite><testcase/>{long.format(inner)}</testsuite>"
    begin = time.process_time()
    assert len(suites(text)) == 1
    assert time.process_time() - begin < 6


def test_reading_can_be_ended() -> None:
    class Enough(Exception):
        pass

    def end() -> None:
        raise Enough

    with pytest.raises(Enough):
        Results().read(io.BytesIO(b"<testsuite/>"), "report.xml", end)
