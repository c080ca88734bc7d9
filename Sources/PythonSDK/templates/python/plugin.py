"""The plugin __PLUGIN_NAME__."""

from __future__ import annotations

from typing import Any, Dict, List

from pipeline import (
    BaseNode,
    BasePlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PortSpecification,
    ResourceRequirement,
)


class Plugin(BasePlugin):
    """Names the node types and makes the nodes."""

    greeting = "Hello"

    def initialize(self, context: PluginContext) -> None:
        self.greeting = context.config.get("greeting", self.greeting)
        self.initialized = True

    def shutdown(self) -> None:
        self.initialized = False

    def get_node_types(self) -> List[NodeSpecification]:
        return [
            NodeSpecification(
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
            )
        ]

    def create_node(
        self, node_type: str, parameters: Dict[str, Any]
    ) -> BaseNode:
        if node_type == "greet":
            return GreetNode(parameters, self.greeting)
        raise ValueError(f"Unknown node type: {node_type}")


class GreetNode(BaseNode):
    """Greets everybody on a list."""

    def __init__(self, parameters: Dict[str, Any], greeting: str) -> None:
        super().__init__(parameters)
        self.greeting = greeting

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        return isinstance(inputs.get("names"), list)

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        names = inputs["names"]
        mark = self.parameters.get("mark", "!")
        lines = []
        for done, name in enumerate(names):
            context.raise_if_cancelled()
            context.progress(done / len(names), str(name))
            lines.append(f"{self.greeting}, {name}{mark}")
        return {"text": "\n".join(lines)}

    def estimate_resources(
        self, inputs: Dict[str, Any]
    ) -> ResourceRequirement:
        return ResourceRequirement(cpu_cores=0.1, memory_mb=32)
