"""What a node tells of the tests that it ran, within the protocol's bounds."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline import _frames, _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional

OUTCOMES = ("passed", "failed", "error", "skipped")
MAXIMUM_CASES = 10_000
# Characters of a name, a message or details.
MAXIMUM_TEXT = 4_096
# A year is more than any takes.
MAXIMUM_SECONDS = 31_536_000
MAXIMUM_OMITTED = 1_000_000_000
# Of the whole as JSON: it shares 1 MiB with whatever else the answer says.
MAXIMUM_BYTES = 900_000

# More than what stands around the suites, and around one suite's cases.
_AROUND_SUITES = 64
_AROUND_CASES = 24


def checked(suites: Iterable[Any], omitted: int = 0) -> Dict[str, Any]:
    """A copy in the words of the protocol, its texts cut.

    :param omitted: how many cases are left out already
    :raises ValueError: when it isn't what the protocol can say, with where
    """
    if isinstance(omitted, bool) or not isinstance(omitted, int):
        raise ValueError("the number of omitted cases isn't an integer")
    if not 0 <= omitted <= MAXIMUM_OMITTED:
        raise ValueError(
            f"the number of omitted cases isn't from 0 to {MAXIMUM_OMITTED}"
        )
    return {
        "suites": [
            _suite(f"suites[{index}]", suite)
            for index, suite in enumerate(suites)
        ],
        "omitted": omitted,
    }


def attached(
    answer: Dict[str, Any], report: Optional[Dict[str, Any]]
) -> Dict[str, Any]:
    """The metadata of a result or an error's object, and with it as much of
    the report as there is room for.

    :param report: as `checked` returns it; None where nothing was reported
    """
    if report is None:
        return answer
    room = _frames.MAXIMUM_METADATA - len(_json.dumps(answer)) - 16
    fitting = _Fitting(report)
    fitting.limit(MAXIMUM_CASES, min(room, MAXIMUM_BYTES))
    return {**answer, "tests": fitting.report()}


def _suite(where: str, suite: Any) -> Dict[str, Any]:
    if not isinstance(suite, Mapping):
        raise ValueError(f"{where} isn't a mapping")
    cases = suite.get("cases")
    if not isinstance(cases, (list, tuple)):
        raise ValueError(f"{where}: 'cases' isn't a list")
    return {
        "name": _text(where, suite, "name"),
        "cases": [
            _case(f"{where}.cases[{index}]", case)
            for index, case in enumerate(cases)
        ],
    }


def _case(where: str, case: Any) -> Dict[str, Any]:
    if not isinstance(case, Mapping):
        raise ValueError(f"{where} isn't a mapping")
    outcome = case.get("outcome")
    if outcome not in OUTCOMES:
        raise ValueError(
            f"{where}: 'outcome' is {outcome!r:.80}, not one of "
            f"{', '.join(OUTCOMES)}"
        )
    told: Dict[str, Any] = {
        "name": _text(where, case, "name"),
        "class": _text(where, case, "class"),
        "seconds": _seconds(where, case.get("seconds")),
        "outcome": outcome,
    }
    if outcome != "passed":
        for key in ("message", "details"):
            text = _text(where, case, key)
            if text:
                told[key] = text
    return told


def _text(where: str, fields: Mapping[str, Any], key: str) -> str:
    text = fields.get(key)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ValueError(
            f"{where}: '{key}' is {type(text).__name__}, not text"
        )
    if len(text) > MAXIMUM_TEXT:
        text = text[: MAXIMUM_TEXT - 1] + "…"
    # Half of a surrogate pair is no character, and has no place in JSON.
    return text.encode("utf-8", "replace").decode("utf-8")


def _seconds(where: str, seconds: Any) -> float:
    if seconds is None:
        return 0.0
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise ValueError(f"{where}: 'seconds' isn't a number")
    if not 0 <= seconds <= MAXIMUM_SECONDS:
        raise ValueError(
            f"{where}: 'seconds' isn't from 0 to {MAXIMUM_SECONDS}"
        )
    return float(seconds)


class _Fitting:
    """Leaves things out until what is left fits.

    Details first, then cases: those that passed, those that were skipped,
    and at last those that failed; of each kind the last ones first.
    """

    def __init__(self, report: Dict[str, Any]) -> None:
        self._suites: List[str] = []
        self._omitted: int = report["omitted"]
        # Each with the number of its suite; None where it was left out.
        self._cases: List[Any] = []
        self._in_suite: List[int] = []
        for suite in report["suites"]:
            if suite["cases"]:
                number = len(self._suites)
                self._suites.append(suite["name"])
                self._in_suite.append(len(suite["cases"]))
                self._cases += [(number, case) for case in suite["cases"]]
        self._count = len(self._cases)
        self._sizes = [_size(case) for _, case in self._cases]
        self._around = [_size(name) + _AROUND_CASES for name in self._suites]
        self._total = _AROUND_SUITES + sum(self._around) + sum(self._sizes)

    def limit(self, cases: int, size: int) -> None:
        """Leaves out no more than it takes for that many cases and bytes."""
        order = self._order()
        while self._count > cases:
            self._omit(order.pop())
        for index in range(len(self._cases) - 1, -1, -1):
            if self._total <= size:
                return
            self._cut_details(index)
        while self._total > size and order:
            self._omit(order.pop())

    def report(self) -> Dict[str, Any]:
        """What is left, in the order in which it came."""
        suites: List[Dict[str, Any]] = [
            {"name": name, "cases": []} for name in self._suites
        ]
        for entry in self._cases:
            if entry is not None:
                suites[entry[0]]["cases"].append(entry[1])
        return {
            "suites": [suite for suite in suites if suite["cases"]],
            "omitted": self._omitted,
        }

    def _order(self) -> List[int]:
        """The cases, those that are to go first at the end."""
        kinds: Dict[str, List[int]] = {"": [], "skipped": [], "passed": []}
        for index, (_, case) in enumerate(self._cases):
            kinds.get(case["outcome"], kinds[""]).append(index)
        return kinds[""] + kinds["skipped"] + kinds["passed"]

    def _cut_details(self, index: int) -> None:
        entry = self._cases[index]
        if entry is None or "details" not in entry[1]:
            return
        kept = {key: entry[1][key] for key in entry[1] if key != "details"}
        self._cases[index] = (entry[0], kept)
        self._total -= self._sizes[index]
        self._sizes[index] = _size(kept)
        self._total += self._sizes[index]

    def _omit(self, index: int) -> None:
        suite = self._cases[index][0]
        self._cases[index] = None
        self._count -= 1
        self._omitted += 1
        self._total -= self._sizes[index]
        self._in_suite[suite] -= 1
        if self._in_suite[suite] == 0:
            self._total -= self._around[suite]


def _size(value: Any) -> int:
    """Bytes of the value as JSON, and of the comma after it."""
    return len(_json.dumps(value)) + 1
