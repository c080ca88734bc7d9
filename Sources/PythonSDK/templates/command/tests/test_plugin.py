"""Run with `orchestrator plugin test`, which brings the fixtures.

In the sandbox sort has to be granted:
--sandboxed --grant __PLUGIN_NAME__=system.exec:sort
"""

from __future__ import annotations

import pytest
from pipeline.testing import Cancelled, FakeExecutionContext, NodeRunner


def test_lines_are_sorted(run_node: NodeRunner) -> None:
    assert run_node("sort", {"text": "b\na\n"}) == {"text": "a\nb\n"}


def test_numbers_are_no_letters(run_node: NodeRunner) -> None:
    text = "10\n9\n"
    outputs = run_node("sort", {"text": text}, {"order": "numbers"})
    assert outputs == {"text": "9\n10\n"}


def test_it_ends_when_it_is_cancelled(
    run_node: NodeRunner, execution_context: FakeExecutionContext
) -> None:
    execution_context.cancel()
    with pytest.raises(Cancelled):
        run_node("sort", {"text": ""})
