"""What plugin authors import.

    from pipeline import BaseNode, BasePlugin, NodeSpecification

See `pipeline.plugin` for the classes, `pipeline.declared` for shorter ones and
`pipeline.files` for `File`.
"""

from pipeline.context import Cancelled, ExecutionContext
from pipeline.declared import DeclaredNode, DeclaredPlugin
from pipeline.files import File
from pipeline.plugin import BaseNode, BasePlugin
from pipeline.specification import (
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    PortSpecification,
    ResourcePool,
    ResourceRequirement,
)

__version__ = "1.0.0"

__all__ = [
    "BaseNode",
    "BasePlugin",
    "Cancelled",
    "DeclaredNode",
    "DeclaredPlugin",
    "ExecutionContext",
    "File",
    "NodeSpecification",
    "ParameterSpecification",
    "PluginContext",
    "PluginManifest",
    "PortSpecification",
    "ResourcePool",
    "ResourceRequirement",
]
