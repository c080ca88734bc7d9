"""The plugin __PLUGIN_NAME__."""

from __future__ import annotations

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


class GreetNode(DeclaredNode):
    """Greets everybody on a list."""

    specification = NodeSpecification(
        node_type="greet",
        display_name="Greet",
        category="Examples",
        description="Greets everybody on a list",
        icon="👋",
        color="#2f6f8f",
        inputs=[
            PortSpecification(
                name="names",
                type="list",
                display_name="Names",
                description="Whom to greet",
            )
        ],
        outputs=[
            PortSpecification(
                name="text",
                type="string",
                display_name="Text",
                description="A line for each name",
            )
        ],
        parameters=[
            ParameterSpecification(
                name="mark",
                type="string",
                display_name="Mark",
                description="What ends a line",
                default="!",
                constraints={"enum": ["!", "."]},
                ui_component="select",
            )
        ],
        resource_requirements=ResourceRequirement(cpu_cores=0.1, memory_mb=32),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        return len(inputs["names"]) > 0

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        names = inputs["names"]
        greeting = self.config.get("greeting", "Hello")
        mark = self.parameters["mark"]
        lines = []
        for done, name in enumerate(names):
            context.raise_if_cancelled()
            context.progress(done / len(names), str(name))
            lines.append(f"{greeting}, {name}{mark}")
        return {"text": "\n".join(lines)}


class Plugin(DeclaredPlugin):
    """The plugin: its nodes."""

    nodes = (GreetNode,)
