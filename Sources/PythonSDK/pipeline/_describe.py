"""Turns a plugin's node specifications into plain values, or says why not.

All the problems are found at once.
"""

from __future__ import annotations

import re

from pipeline import _json
from pipeline._frames import is_name
from pipeline._patterns import compile_pattern
from pipeline.specification import (
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from pipeline.plugin import BasePlugin

COMPONENTS = ("input", "select", "slider", "checkbox")
PARAMETER_TYPES = (
    "string",
    "number",
    "integer",
    "boolean",
    "list",
    "mapping",
    "any",
)
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class SpecificationError(ValueError):
    """A plugin's node specifications aren't valid."""


def describe(specifications: Any) -> List[Dict[str, Any]]:
    """The specifications under the field names of the protocol.

    :raises SpecificationError: naming every problem
    """
    checker = _Checker()
    described = checker.nodes(specifications)
    if checker.problems:
        raise SpecificationError("\n".join(checker.problems))
    return described


class _Checker:
    """Collects the problems of one plugin."""

    def __init__(self) -> None:
        self.problems: List[str] = []

    def problem(self, where: str, text: str) -> None:
        self.problems.append(f"{where}: {text}")

    def nodes(self, specifications: Any) -> List[Dict[str, Any]]:
        where = "get_node_types"
        if not isinstance(specifications, (list, tuple)):
            self.problem(
                where,
                f"returned {type(specifications).__name__}, not a list of "
                "NodeSpecification",
            )
            return []
        described = []
        for index, node in enumerate(specifications):
            if isinstance(node, NodeSpecification):
                described.append(self.node(node))
            else:
                self.problem(
                    f"{where}[{index}]",
                    f"is {type(node).__name__}, not NodeSpecification",
                )
        self.unique(where, "node type", [n["node_type"] for n in described])
        return described

    def node(self, node: NodeSpecification) -> Dict[str, Any]:
        where = f"node type {node.node_type!r}"
        self.name(where, "node_type", node.node_type)
        color = node.color
        if color is not None and (
            not isinstance(color, str) or not _COLOR.fullmatch(color)
        ):
            self.problem(where, f"the color {color!r} isn't #rgb or #rrggbb")
        inputs = [
            self.port(f"{where}, input", port)
            for port in self.items(where, "inputs", node.inputs)
        ]
        outputs = [
            self.port(f"{where}, output", port)
            for port in self.items(where, "outputs", node.outputs)
        ]
        parameters = [
            self.parameter(where, parameter)
            for parameter in self.items(where, "parameters", node.parameters)
        ]
        for what, found in (
            ("input", inputs),
            ("output", outputs),
            ("parameter", parameters),
        ):
            self.unique(where, what, [item.get("name") for item in found])
        return {
            "node_type": node.node_type,
            "display_name": self.text(
                where, "display_name", node.display_name
            ),
            "category": self.text(where, "category", node.category),
            "description": self.text(where, "description", node.description),
            "icon": self.optional_text(where, "icon", node.icon),
            "color": color,
            "inputs": inputs,
            "outputs": outputs,
            "parameters": parameters,
            "resource_requirements": self.resources(
                where, node.resource_requirements
            ),
        }

    def port(self, where: str, port: Any) -> Dict[str, Any]:
        if not isinstance(port, PortSpecification):
            self.problem(where, f"{port!r:.80} isn't a PortSpecification")
            return {}
        where = f"{where} {port.name!r}"
        self.name(where, "name", port.name)
        return {
            "name": port.name,
            "type": self.text(where, "type", port.type),
            "display_name": self.text(
                where, "display_name", port.display_name
            ),
            "description": self.text(where, "description", port.description),
            "required": self.flag(where, "required", port.required),
            "default": self.plain(where, "default", port.default),
            "multiple": self.flag(where, "multiple", port.multiple),
        }

    def parameter(self, where: str, parameter: Any) -> Dict[str, Any]:
        if not isinstance(parameter, ParameterSpecification):
            self.problem(
                where, f"{parameter!r:.80} isn't a ParameterSpecification"
            )
            return {}
        where = f"{where}, parameter {parameter.name!r}"
        self.name(where, "name", parameter.name)
        if parameter.type not in PARAMETER_TYPES:
            self.problem(
                where,
                f"the type {parameter.type!r} is none of "
                f"{', '.join(PARAMETER_TYPES)}",
            )
        if parameter.ui_component not in COMPONENTS:
            self.problem(
                where,
                f"the ui_component {parameter.ui_component!r} is none of "
                f"{', '.join(COMPONENTS)}",
            )
        constraints = parameter.constraints
        if constraints is not None and not isinstance(constraints, dict):
            self.problem(where, "the constraints aren't a mapping")
            constraints = None
        options = (constraints or {}).get("enum")
        if options is not None and not isinstance(options, (list, tuple)):
            self.problem(where, "the constraint 'enum' isn't a list")
        elif options is not None and parameter.default not in options:
            self.problem(
                where,
                f"the default {parameter.default!r} is not among the "
                "constraint 'enum'",
            )
        pattern = (constraints or {}).get("pattern")
        if pattern is not None:
            try:
                compile_pattern(pattern)
            except ValueError as error:
                self.problem(where, str(error))
        return {
            "name": parameter.name,
            "type": parameter.type,
            "display_name": self.text(
                where, "display_name", parameter.display_name
            ),
            "description": self.text(
                where, "description", parameter.description
            ),
            "default": self.plain(where, "default", parameter.default),
            "constraints": self.plain(where, "constraints", constraints),
            "ui_component": parameter.ui_component,
        }

    def resources(self, where: str, resources: Any) -> Dict[str, Any]:
        if not isinstance(resources, ResourceRequirement):
            self.problem(
                where,
                f"the resource_requirements are {type(resources).__name__}, "
                "not ResourceRequirement",
            )
            return {}
        try:
            return resource_values(resources)
        except ValueError as error:
            self.problem(where, str(error))
            return {}

    def items(self, where: str, field: str, value: Any) -> List[Any]:
        if isinstance(value, (list, tuple)):
            return list(value)
        self.problem(where, f"{field} is {type(value).__name__}, not a list")
        return []

    def name(self, where: str, field: str, value: Any) -> None:
        if not is_name(value):
            self.problem(
                where,
                f"{field} must be a letter or '_', then up to 63 letters, "
                "digits, '_' or '-'",
            )

    def text(self, where: str, field: str, value: Any) -> str:
        if isinstance(value, str):
            self.plain(where, field, value)
            return value
        self.problem(where, f"{field} is {type(value).__name__}, not text")
        return ""

    def optional_text(
        self, where: str, field: str, value: Any
    ) -> Optional[str]:
        return None if value is None else self.text(where, field, value)

    def flag(self, where: str, field: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.problem(where, f"{field} must be True or False")
        return bool(value)

    def plain(self, where: str, field: str, value: Any) -> Any:
        try:
            _json.dumps(value)
        except _json.JSONError as error:
            self.problem(where, f"{field} isn't a plain value ({error})")
            return None
        return value

    def unique(self, where: str, what: str, names: List[Any]) -> None:
        for name in sorted({n for n in names if isinstance(n, str)}):
            if names.count(name) > 1:
                self.problem(where, f"the {what} {name!r} appears twice")


def estimates(plugin: BasePlugin, node_type: str) -> bool:
    """Whether nodes of the type can say more than the specification does.

    True where that can't be seen without making one.
    """
    return _overrides(plugin, node_type, "estimate_resources")


def makes_cache_keys(plugin: BasePlugin, node_type: str) -> bool:
    """Whether nodes of the type say themselves what results depend on.

    True where that can't be seen without making one.
    """
    return _overrides(plugin, node_type, "cache_key")


def _overrides(plugin: BasePlugin, node_type: str, method: str) -> bool:
    from pipeline.declared import DeclaredNode, DeclaredPlugin

    if not isinstance(plugin, DeclaredPlugin):
        return True
    if type(plugin).create_node is not DeclaredPlugin.create_node:
        return True
    declared = getattr(DeclaredNode, method)
    return any(
        node.specification.node_type == node_type
        and getattr(node, method) is not declared
        for node in plugin.nodes
    )


def resource_values(resources: Any) -> Dict[str, Any]:
    """The fields of a ResourceRequirement as the protocol names them.

    :raises ValueError: when it isn't one, or a field isn't a valid amount
    """
    if not isinstance(resources, ResourceRequirement):
        raise ValueError(
            f"expected a ResourceRequirement, not {type(resources).__name__}"
        )
    values: Dict[str, Any] = {}
    for field in ("cpu_cores", "memory_mb", "gpu_count", "gpu_memory_mb"):
        value = getattr(resources, field)
        whole = field != "cpu_cores"
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not 0 <= value < 2**53
            or (whole and value != int(value))
        ):
            kind = "whole number" if whole else "number"
            raise ValueError(f"{field} must be a {kind} from 0, not {value!r}")
        values[field] = int(value) if whole else float(value)
    return values
