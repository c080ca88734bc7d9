"""Reads JUnit XML, in the forms that its many writers gave it.

The file is a command's, and no more trusted than that: it is read piece by
piece, what is kept of it is bounded, and a document type is refused, for with
it come entities (CWE-776, CWE-611).
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO, Callable, Dict, List, Optional
from xml.parsers import expat

from command_failures import CommandError

# Of all files of one node together.
MAXIMUM_BYTES = 64 * 1024 * 1024
# Of those that passed, and of the others; what is beyond is counted.
MAXIMUM_CASES = 10_000
# Characters.
MAXIMUM_TEXT = 4_096
MAXIMUM_SUITES_DEEP = 64
# A year is more than any takes.
MAXIMUM_SECONDS = 31_536_000

_CHUNK = 65_536
_SUITES, _SUITE, _CASE = "testsuites", "testsuite", "testcase"
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}
_SECONDS = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+", re.ASCII)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)


class Results:
    """The tests of some files.

    :ivar suites: as `ExecutionContext.report_tests` takes them
    :ivar omitted: how many cases there were beyond those
    """

    def __init__(self) -> None:
        self.suites: List[Dict[str, Any]] = []
        self.omitted = 0
        self._bytes = 0
        self._passed = 0
        self._others = 0

    def read(
        self, file: BinaryIO, path: str, check: Callable[[], object]
    ) -> None:
        """Adds the tests of one file; those before a mistake stay.

        :param path: what to call it
        :param check: is called now and then, and may raise to end it
        :raises CommandError: with the line, when it isn't JUnit XML
        """
        parser = _Parser(self)
        size = _CHUNK
        try:
            while True:
                check()
                chunk = file.read(size)
                # More each time: Expat before 2.6 begins anew with an element
                # or comment that hasn't ended yet (CVE-2023-52425).
                size *= 2
                self._bytes += len(chunk)
                if self._bytes > MAXIMUM_BYTES:
                    raise CommandError(
                        "there are more than "
                        f"{MAXIMUM_BYTES // 1024 // 1024} MiB of test "
                        f"reports: '{path}' is beyond them",
                        "narrow the patterns of 'junit', or have the reports "
                        "written without what the tests print",
                    )
                parser.feed(chunk)
                if not chunk:
                    return
        except _Refused as error:
            why, line = str(error), parser.line
        except expat.ExpatError as error:
            why, line = expat.ErrorString(error.code), error.lineno
        raise CommandError(
            f"'{path}', line {line}, isn't a test report: {why}",
            "have the command write it as JUnit XML, or leave it out of "
            "'junit'",
        )

    def add(self, suite: Dict[str, Any], case: Dict[str, Any]) -> None:
        """Adds a case to a suite, which is added with its first case."""
        passed = case["outcome"] == "passed"
        if (self._passed if passed else self._others) >= MAXIMUM_CASES:
            self.omitted += 1
            return
        if passed:
            self._passed += 1
        else:
            self._others += 1
        if not suite["cases"]:
            self.suites.append(suite)
        suite["cases"].append(case)


class _Refused(Exception):
    """XML that isn't a test report."""


class _Text:
    """Text that comes in pieces, and of which the beginning is kept."""

    def __init__(self, text: str = "") -> None:
        self._kept = ""
        self._length = 0
        self.add(text)

    def add(self, piece: str) -> None:
        self._length += len(piece)
        if len(self._kept) < MAXIMUM_TEXT:
            self._kept += piece[: MAXIMUM_TEXT - len(self._kept)]

    def get(self) -> str:
        """The text; where it is cut, with how much was left out."""
        if self._length <= MAXIMUM_TEXT:
            return self._kept
        # Room for the note; its own number makes no difference to that.
        kept = self._kept[: MAXIMUM_TEXT - 48]
        return f"{kept}… ({self._length - len(kept):,} more characters)"


class _Problem:
    """A failure, an error or a reason to skip."""

    def __init__(self, outcome: str, attributes: Dict[str, str]) -> None:
        self.outcome = outcome
        self.message = attributes.get("message", "")
        self.type = attributes.get("type", "")
        self.text = _Text()

    def summary(self) -> str:
        """What it says first."""
        lines = self.text.get().strip().split("\n", 1)
        return self.message or lines[0].strip() or self.type


class _Parser:
    """Reads one file."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._document_type
        # The elements that are open, and the suites among them.
        self._open: List[str] = []
        self._suites: List[Dict[str, Any]] = []
        self._case: Optional[Dict[str, str]] = None
        self._problems: List[_Problem] = []

    @property
    def line(self) -> int:
        """Where it is."""
        return self._parser.CurrentLineNumber

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes; no bytes are the end.

        :raises ExpatError: when it isn't XML
        :raises _Refused: when it isn't a test report
        """
        self._parser.Parse(chunk, not chunk)

    def _document_type(self, *_: Any) -> None:
        raise _Refused("it declares a document type (DTD)")

    def _start(self, name: str, attributes: Dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        above = self._open[-1] if self._open else ""
        if not above and tag not in (_SUITES, _SUITE):
            raise _Refused(f"its root is <{name[:64]}>")
        if tag in (_SUITES, _SUITE) and above in ("", _SUITES, _SUITE):
            self._begin_suite(attributes, above)
        elif tag == _CASE and above in (_SUITES, _SUITE):
            self._case = attributes
            self._problems = []
        elif tag in _OUTCOMES and above == _CASE:
            self._problems.append(_Problem(_OUTCOMES[tag], attributes))
        else:
            # What is in it is of no interest, whatever it is called.
            tag = ""
        self._open.append(tag or "-")

    def _end(self, _: str) -> None:
        tag = self._open.pop()
        if tag in (_SUITES, _SUITE):
            self._suites.pop()
        elif tag == _CASE and self._case is not None:
            self._results.add(self._suites[-1], self._told(self._case))
            self._case = None

    def _characters(self, text: str) -> None:
        if self._open[-1] in _OUTCOMES:
            self._problems[-1].text.add(text)

    def _begin_suite(self, attributes: Dict[str, str], above: str) -> None:
        if len(self._suites) >= MAXIMUM_SUITES_DEEP:
            raise _Refused(
                f"its suites are nested deeper than {MAXIMUM_SUITES_DEEP}"
            )
        name = attributes.get("name", "")
        if above == _SUITE:
            names = (self._suites[-1]["name"], name)
            name = " > ".join(part for part in names if part)
        self._suites.append({"name": _Text(name).get(), "cases": []})

    def _told(self, attributes: Dict[str, str]) -> Dict[str, Any]:
        case: Dict[str, Any] = {
            "name": _Text(attributes.get("name", "")).get(),
            "class": _Text(attributes.get("classname", "")).get(),
            "seconds": seconds(attributes.get("time", "")),
            "outcome": _outcome(self._problems, attributes),
        }
        told = [
            problem
            for problem in self._problems
            if case["outcome"] == "skipped" or problem.outcome != "skipped"
        ]
        message = "\n".join(filter(None, (p.summary() for p in told)))
        details = "\n\n".join(
            filter(None, (p.text.get().strip() for p in told))
        )
        if message:
            case["message"] = _Text(message).get()
        if details:
            case["details"] = _Text(details).get()
        return case


def _outcome(problems: List[_Problem], attributes: Dict[str, str]) -> str:
    """The first that isn't skipped counts."""
    for problem in problems:
        if problem.outcome != "skipped":
            return problem.outcome
    # GoogleTest says so of tests that are disabled.
    if problems or attributes.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def seconds(text: str) -> float:
    """A time as its writers write it; 0 where it is none.

    Some put commas between thousands: `1,234.5`.
    """
    text = text.strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if len(text) > 32 or not _SECONDS.fullmatch(text):
        return 0.0
    value = float(text)
    return value if value <= MAXIMUM_SECONDS else 0.0
