"""The plugin __PLUGIN_NAME__: its nodes are in `nodes`."""

from __future__ import annotations

from pipeline import DeclaredPlugin

from .nodes.statistics import StatisticsNode


class Plugin(DeclaredPlugin):
    """The plugin: its nodes."""

    nodes = (StatisticsNode,)
