"""Bases for the usual plugin: node classes that each declare what they are.

    class Shout(DeclaredNode):
        specification = NodeSpecification("shout", ...)

        def execute(self, inputs, context):
            ...

    class ShoutingPlugin(DeclaredPlugin):
        nodes = (Shout,)

`BaseNode` and `BasePlugin` remain for plugins that want it otherwise.
"""

from __future__ import annotations

from pipeline.plugin import BaseNode, BasePlugin
from pipeline.specification import (
    NodeSpecification,
    PluginContext,
    ResourceRequirement,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any,
        ClassVar,
        Dict,
        List,
        Mapping,
        Optional,
        Sequence,
        Type,
        Union,
    )

__all__ = ["DeclaredNode", "DeclaredPlugin"]


class DeclaredNode(BaseNode):
    """A node whose class says what it takes, makes and needs.

    :ivar parameters: the values of the workflow's `with:`, and the
        specification's defaults for those that it leaves out
    :ivar config: the values of the manifest's `configuration`
    """

    specification: ClassVar[NodeSpecification]
    config: Mapping[str, Any] = {}

    def __init__(
        self,
        node_id: Union[str, Mapping[str, Any], None] = None,
        parameters: Optional[Mapping[str, Any]] = None,
    ) -> None:
        super().__init__(node_id, parameters)
        for parameter in self.specification.parameters:
            if parameter.name not in self.parameters:
                # Imported here because the engine leaves nothing out.
                import copy

                default = copy.deepcopy(parameter.default)
                self.parameters[parameter.name] = default

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        """Accepts what the ports accept; override it to look closer."""
        return True

    def estimate_resources(
        self, inputs: Dict[str, Any]
    ) -> ResourceRequirement:
        """What the specification says; override it where inputs matter.

        Nodes that don't override it aren't asked.
        """
        return self.specification.resource_requirements


class DeclaredPlugin(BasePlugin):
    """A plugin that is the list of its node classes."""

    nodes: ClassVar[Sequence[Type[DeclaredNode]]] = ()
    config: Mapping[str, Any] = {}

    def initialize(self, context: PluginContext) -> None:
        self.config = context.config
        self.initialized = True

    def shutdown(self) -> None:
        self.initialized = False

    def get_node_types(self) -> List[NodeSpecification]:
        return [node.specification for node in self.nodes]

    def create_node(
        self, node_type: str, parameters: Dict[str, Any]
    ) -> BaseNode:
        for kind in self.nodes:
            if kind.specification.node_type == node_type:
                node = kind(parameters)
                node.config = self.config
                return node
        raise ValueError(f"Unknown node type: {node_type}")
