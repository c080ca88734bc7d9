"""Outputs of several values, as they leave the worker."""

from __future__ import annotations

import pytest

from supervisor import FILE, JSON, Launch, Supervisor

SEVERAL = """
from pipeline import PortSpecification

class Several(Probe):
    def get_node_types(self):
        ports = [
            PortSpecification("many", "file", "Many", "M", multiple=True),
            PortSpecification("list", "list", "List", "L"),
        ]
        return [NodeSpecification("probe", "P", "T", "A", outputs=ports)]
"""


def several(execute: str, launch: Launch) -> Supervisor:
    """A worker of a node type with an output of several values."""
    return launch(execute, SEVERAL)


def test_an_output_with_several_values_is_sent_with_positions(
    launch: Launch,
) -> None:
    worker = several(
        """
        return {"many": [File("a", b"1"), File("b", b"2" * 70_000), 3],
                "list": [1, 2]}
        """,
        launch,
    )
    answer, _ = worker.answer(worker.send_execute("probe"))
    values = answer.values()[1]
    assert values == {
        "many": [
            (FILE, "a", b"1", 0),
            (FILE, "b", b"2" * 70_000, 1),
            (JSON, "", b"3", 0),
        ],
        "list": (JSON, "", b"[1,2]", 0),
    }


def test_an_output_with_several_values_may_have_none(launch: Launch) -> None:
    worker = several('return {"many": (), "list": []}', launch)
    answer, _ = worker.answer(worker.send_execute("probe"))
    assert answer.values()[1] == {"list": (JSON, "", b"[]", 0)}


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ('{"many": File("a", b"")}', "return a list of them, not File"),
        ('{"many": "text"}', "return a list of them, not str"),
        ('{"many": [1] * 1_024, "list": []}', "more than 1024 outputs"),
        ('{"many": [{1}]}', "a set has no order"),
    ],
)
def test_what_is_not_several_values_is_refused(
    launch: Launch, outputs: str, words: str
) -> None:
    worker = several(f"return {outputs}", launch)
    error = worker.error(worker.send_execute("probe"))
    assert error["class"] == "output"
    assert words in error["message"]
