"""Run with `orchestrator plugin test`, or with pytest where `pipeline` is."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline import PluginContext, PluginManifest, ResourcePool  # noqa: E402
from plugin import Plugin  # noqa: E402


@pytest.fixture
def plugin() -> Plugin:
    made = Plugin(PluginManifest("__PLUGIN_NAME__", "0.1.0", "Your Name"))
    made.initialize(
        PluginContext("1.0.0", ResourcePool(), {"greeting": "Good day"})
    )
    return made


def test_everybody_is_greeted(plugin: Plugin) -> None:
    node = plugin.create_node("greet", {"mark": "."})
    inputs = {"names": ["Ada", "Grace"]}
    assert node.validate_inputs(inputs)
    outputs = node.execute(inputs, Mock())
    assert outputs == {"text": "Good day, Ada.\nGood day, Grace."}


def test_names_must_be_a_list(plugin: Plugin) -> None:
    node = plugin.create_node("greet", {})
    assert not node.validate_inputs({"names": "Ada"})


def test_every_node_type_can_be_made(plugin: Plugin) -> None:
    for specification in plugin.get_node_types():
        assert plugin.create_node(specification.node_type, {})
