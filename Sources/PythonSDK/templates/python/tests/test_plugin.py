"""Run with `orchestrator plugin test`, which brings the fixtures."""

from __future__ import annotations

import pytest
from pipeline.testing import (
    BasePlugin,
    FakeExecutionContext,
    InputsRefused,
    NodeRunner,
)


def test_everybody_is_greeted(
    run_node: NodeRunner, execution_context: FakeExecutionContext
) -> None:
    outputs = run_node("greet", {"names": ["Ada", "Grace"]}, {"mark": "."})
    assert outputs == {"text": "Hello, Ada.\nHello, Grace."}
    assert execution_context.progress_reports[0] == (0.0, "Ada")


def test_nobody_is_no_list_of_names(run_node: NodeRunner) -> None:
    with pytest.raises(InputsRefused):
        run_node("greet", {"names": []})


def test_every_node_type_can_be_made(test_plugin: BasePlugin) -> None:
    for specification in test_plugin.get_node_types():
        assert test_plugin.create_node(specification.node_type, {})
