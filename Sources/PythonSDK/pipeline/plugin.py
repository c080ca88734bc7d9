"""The classes that a plugin is made of.

A plugin is one subclass of `BasePlugin`, which names its node types and makes
its nodes, and one subclass of `BaseNode` for each of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from pipeline._permissions import covers
from pipeline.context import Cancelled, ExecutionContext
from pipeline.specification import (
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    PortSpecification,
    ResourcePool,
    ResourceRequirement,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger
    from typing import Any, Dict, Iterable, List, Mapping, Optional, Union

__all__ = [
    "BaseNode",
    "BasePlugin",
    "Cancelled",
    "ExecutionContext",
    "NodeSpecification",
    "ParameterSpecification",
    "PluginContext",
    "PluginManifest",
    "PortSpecification",
    "ResourcePool",
    "ResourceRequirement",
]


class BasePlugin(ABC):
    """The base of every plugin.

    :ivar manifest: what the plugin's `plugin.yaml` says
    :ivar initialized: for the plugin to set
    """

    # What the operator granted; None outside a worker.
    granted_permissions: Optional[List[str]] = None
    _logger: Optional[Logger] = None

    def __init__(self, manifest: PluginManifest) -> None:
        self.manifest = manifest
        self.initialized = False

    @property
    def logger(self) -> Logger:
        """The plugin's logger; its records become the run's log.

        It is made when it is first used, because `logging` takes longer to
        import than a worker takes to start.
        """
        if self._logger is None:
            self._logger = self.get_logger()
        return self._logger

    @logger.setter
    def logger(self, logger: Logger) -> None:
        self._logger = logger

    @abstractmethod
    def initialize(self, context: PluginContext) -> None:
        """Prepares the plugin; called once, before anything else."""

    @abstractmethod
    def shutdown(self) -> None:
        """Lets go of what the plugin holds; called once, at the end."""

    @abstractmethod
    def get_node_types(self) -> List[NodeSpecification]:
        """The node types that `create_node` knows."""

    @abstractmethod
    def create_node(
        self, node_type: str, parameters: Dict[str, Any]
    ) -> BaseNode:
        """Makes a node for one call.

        :raises ValueError: for a node type that the plugin doesn't have
        """

    def validate_permissions(self, required: Iterable[str]) -> bool:
        """Whether the plugin holds every permission of `required`.

        Inside a worker these are the permissions that were granted, elsewhere
        those that the manifest asks for. A grant covers a narrower scope.
        """
        held = self.granted_permissions
        if held is None:
            held = self.manifest.permissions
        return all(
            any(covers(granted, permission) for granted in held)
            for permission in required
        )

    def get_logger(self) -> Logger:
        """The logger `plugin.<name>`."""
        import logging

        return logging.getLogger(f"plugin.{self.manifest.name}")


class BaseNode(ABC):
    """The base of every node; one instance serves one call.

    :ivar node_id: the node's name in the workflow
    :ivar parameters: the values of the workflow's `with:`
    :ivar inputs: the inputs of the call
    :ivar outputs: what `execute` returned
    """

    def __init__(
        self,
        node_id: Union[str, Mapping[str, Any], None] = None,
        parameters: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Takes `(node_id, parameters)`, or the parameters alone.

        A plugin doesn't know the node's name when it makes the node, so the
        engine fills in a `node_id` that was left out.

        :raises TypeError: when the arguments are neither
        """
        name: Any = node_id
        if parameters is None and not isinstance(name, str):
            name, parameters = None, name
        if not isinstance(name, (str, type(None))):
            raise TypeError(
                f"{type(self).__name__}(node_id, parameters): the node id is "
                f"text, not {type(name).__name__}"
            )
        self.node_id: str = name or ""
        self.parameters: Dict[str, Any] = dict(parameters or {})
        self.inputs: Dict[str, Any] = {}
        self.outputs: Dict[str, Any] = {}

    @abstractmethod
    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        """Whether `execute` can work with these inputs.

        An exception is a "no" that says why.
        """

    @abstractmethod
    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        """Does the node's work and returns its outputs by port name.

        An output is a plain value (text, numbers, lists, mappings), `bytes`, a
        NumPy array or a `pipeline.File`.
        """

    @abstractmethod
    def estimate_resources(
        self, inputs: Dict[str, Any]
    ) -> ResourceRequirement:
        """What `execute` will need for these inputs.

        The engine asks just before `execute`, and holds the worker to the
        answer: the whole worker, its interpreter and imports included. What
        the workflow says under `resources:` comes first. A field that is 0
        leaves it to the specification, and so does None for all of them.
        GPUs are those of the specification. The answer has ten seconds.
        """

    def on_error(
        self, error: Exception, context: ExecutionContext
    ) -> Optional[Dict[str, Any]]:
        """Offers outputs in place of those that `error` prevented.

        None, the default, lets the node fail.
        """
        return None

    def cache_key(self, inputs: Dict[str, Any]) -> str:
        """A digest of everything that the outputs may depend on.

        It covers the node's class, its code, the parameters and the content
        of the inputs, and is the same in every process. The engine has a key
        of its own; a plugin that overrides this one replaces what the engine
        takes for the inputs and parameters, for example to leave out a
        parameter that doesn't change the result.

        :raises pipeline.values.EncodingError: when an input or parameter has
            no canonical form
        """
        from pipeline._digest import node_key

        return node_key(type(self), self.parameters, inputs)
