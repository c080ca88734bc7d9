"""The plugin __PLUGIN_NAME__: a program as a node."""

from __future__ import annotations

import subprocess
from typing import Any, Dict

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)


class SortFailed(Exception):
    """The program ended with another status than 0."""

    # What the program said is enough.
    shows_traceback = False


class SortNode(DeclaredNode):
    """Sorts the lines of a text with sort(1)."""

    specification = NodeSpecification(
        node_type="sort",
        display_name="Sort",
        category="Examples",
        description="Sorts the lines of a text",
        icon="↕",
        color="#6f5f2f",
        inputs=[
            PortSpecification(
                name="text",
                type="string",
                display_name="Text",
                description="The lines to sort",
            )
        ],
        outputs=[
            PortSpecification(
                name="text",
                type="string",
                display_name="Text",
                description="The same lines, sorted",
            )
        ],
        parameters=[
            ParameterSpecification(
                name="order",
                type="string",
                display_name="Order",
                description="By letters, or by the numbers that they begin with",
                default="letters",
                constraints={"enum": ["letters", "numbers"]},
                ui_component="select",
            )
        ],
        resource_requirements=ResourceRequirement(cpu_cores=0.5, memory_mb=64),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        # A list, never a line for a shell: inputs are other people's.
        command = ["sort", "--"]
        if self.parameters["order"] == "numbers":
            command.insert(1, "--numeric-sort")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        context.on_cancel(process.kill)
        text, errors = process.communicate(inputs["text"])
        context.raise_if_cancelled()
        if process.returncode != 0:
            raise SortFailed(f"sort: status {process.returncode}: {errors}")
        return {"text": text}


class Plugin(DeclaredPlugin):
    """The plugin: its nodes."""

    nodes = (SortNode,)
