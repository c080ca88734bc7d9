"""Plugins that are the list of their node classes."""

from __future__ import annotations

from typing import Any, Dict
from unittest.mock import Mock

import pytest

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    ResourcePool,
    ResourceRequirement,
)
from supervisor import Launch

NEEDS = ResourceRequirement(cpu_cores=0.5, memory_mb=64)


class Repeat(DeclaredNode):
    specification = NodeSpecification(
        "repeat",
        "Repeat",
        "Test",
        "Says a word again",
        parameters=[
            ParameterSpecification("words", "list", "Words", "Which", ["a"]),
            ParameterSpecification("times", "integer", "Times", "How often", 2),
        ],
        resource_requirements=NEEDS,
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        words = self.parameters["words"] * self.parameters["times"]
        return {"text": self.config.get("separator", " ").join(words)}


class Echo(DeclaredPlugin):
    nodes = (Repeat,)


@pytest.fixture
def plugin() -> Echo:
    made = Echo(PluginManifest("echo", "1.0.0", "Ada"))
    made.initialize(PluginContext("1.0.0", ResourcePool(), {"separator": "-"}))
    return made


def test_the_node_that_is_asked_for_is_made_and_knows_the_configuration(
    plugin: Echo,
) -> None:
    node = plugin.create_node("repeat", {"words": ["x"], "times": 3})
    assert plugin.initialized
    assert plugin.get_node_types() == [Repeat.specification]
    assert node.execute({}, Mock()) == {"text": "x-x-x"}


def test_a_node_type_that_there_is_none_of_is_refused(plugin: Echo) -> None:
    with pytest.raises(ValueError, match="Unknown node type: nothing"):
        plugin.create_node("nothing", {})


def test_parameters_that_are_left_out_take_their_defaults() -> None:
    first, second = Repeat({}), Repeat("named", {"times": None})
    assert first.parameters == {"words": ["a"], "times": 2}
    assert second.parameters == {"words": ["a"], "times": None}
    first.parameters["words"].append("b")
    assert Repeat({}).parameters["words"] == ["a"], "a default is shared"


def test_inputs_are_accepted_and_needs_are_those_of_the_specification() -> (
    None
):
    assert Repeat({}).validate_inputs({})
    assert Repeat({}).estimate_resources({}) is NEEDS


def test_only_nodes_that_estimate_for_themselves_say_so(
    launch: Launch,
) -> None:
    worker = launch(
        "return {}",
        """
        from pipeline import DeclaredNode, DeclaredPlugin
        del Probe
        class Plain(DeclaredNode):
            specification = NodeSpecification("plain", "P", "Test", "Plain")
            def execute(self, inputs, context):
                return {}
        class Careful(Plain):
            specification = NodeSpecification("careful", "C", "Test", "Asks")
            def estimate_resources(self, inputs):
                return ResourceRequirement(memory_mb=32)
        class Keyed(Plain):
            specification = NodeSpecification("keyed", "K", "Test", "Knows")
            def cache_key(self, inputs):
                return "mine"
        class Both(DeclaredPlugin):
            nodes = (Plain, Careful, Keyed)
        """,
    )
    described, _ = worker.answer(worker.send_call({"operation": "describe"}))
    assert {
        node["node_type"]: (node["estimates"], node["cache_keys"])
        for node in described.values()[0]["node_types"]
    } == {
        "plain": (False, False),
        "careful": (True, False),
        "keyed": (False, True),
    }


def test_a_declared_plugin_runs_in_a_worker(launch: Launch) -> None:
    worker = launch(
        "return {}",
        """
        from pipeline import DeclaredNode, DeclaredPlugin
        del Probe
        class Shout(DeclaredNode):
            specification = NodeSpecification("shout", "S", "Test", "Shouts")
            def execute(self, inputs, context):
                return {"text": self.parameters["text"].upper()}
        class Loud(DeclaredPlugin):
            nodes = (Shout,)
        """,
    )
    call = worker.send_execute("shout", {"text": "hi"})
    assert worker.outputs(call) == {"text": "HI"}
