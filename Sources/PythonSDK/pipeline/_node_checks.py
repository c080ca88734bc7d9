"""What the engine checks of a node before and after it runs, for tests."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, Dict, Mapping

from pipeline import values
from pipeline._patterns import Patterns
from pipeline.files import File

if TYPE_CHECKING:
    from pipeline.plugin import (
        BasePlugin,
        NodeSpecification,
        ParameterSpecification,
        PortSpecification,
    )


class NodeCheckFailed(AssertionError):
    """The engine would refuse this."""


class InputsRefused(ValueError):
    """The node's `validate_inputs` refused its inputs."""


def specification_of(plugin: BasePlugin, node_type: str) -> NodeSpecification:
    """
    :raises NodeCheckFailed: when the plugin has no such node type
    """
    specifications = plugin.get_node_types()
    for specification in specifications:
        if specification.node_type == node_type:
            return specification
    names = ", ".join(one.node_type for one in specifications)
    raise NodeCheckFailed(
        f"the plugin has no node type {node_type!r}; it has {names or 'none'}"
    )


def checked_parameters(
    specification: NodeSpecification, given: Mapping[str, Any]
) -> Dict[str, Any]:
    """All parameters, with the defaults of those that are left out.

    :raises NodeCheckFailed: for one that isn't of the node type, or that its
        type or constraints don't allow
    """
    declared = {one.name: one for one in specification.parameters}
    _refuse_unknown(specification, "parameter", given, declared)
    settled = {
        name: copy.deepcopy(given[name] if name in given else one.default)
        for name, one in declared.items()
    }
    for name in given:
        _check_parameter(declared[name], given[name])
    complaint = Patterns([specification]).complaint(
        specification.node_type, settled
    )
    if complaint:
        raise NodeCheckFailed(complaint)
    return settled


def _check_parameter(parameter: ParameterSpecification, value: Any) -> None:
    where = f"the parameter '{parameter.name}'"
    _check_type(where, parameter.type, value)
    constraints = parameter.constraints or {}
    options = constraints.get("enum")
    if options is not None and value not in options:
        raise NodeCheckFailed(f"{where} is {value!r:.80}, not among {options}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = constraints.get("min"), constraints.get("max")
        if low is not None and value < low:
            raise NodeCheckFailed(f"{where} is {value}, below {low}")
        if high is not None and value > high:
            raise NodeCheckFailed(f"{where} is {value}, above {high}")


def checked_inputs(
    specification: NodeSpecification, given: Mapping[str, Any]
) -> Dict[str, Any]:
    """The inputs as a worker gets them, with the defaults of optional ports.

    :raises NodeCheckFailed: for one that isn't of the node type, a required
        one that is missing, and one that can't be carried to a node
    """
    declared = {port.name: port for port in specification.inputs}
    _refuse_unknown(specification, "input", given, declared)
    settled: Dict[str, Any] = {}
    for name, port in declared.items():
        if name in given:
            settled[name] = _carried("input", port, given[name])
        elif port.required:
            raise NodeCheckFailed(f"the input '{name}' is missing")
        elif port.default is not None:
            settled[name] = copy.deepcopy(port.default)
    return settled


def checked_outputs(
    specification: NodeSpecification, outputs: Any
) -> Dict[str, Any]:
    """The outputs as the next node would get them.

    :raises NodeCheckFailed: when they aren't those of the node type, of the
        types of their ports, or can't be carried to a node
    """
    if not isinstance(outputs, dict):
        raise NodeCheckFailed(
            f"execute returned {type(outputs).__name__}; it must return a "
            "mapping from output names to values"
        )
    declared = {port.name: port for port in specification.outputs}
    _refuse_unknown(specification, "output", outputs, declared)
    missing = [
        name
        for name, port in declared.items()
        if port.required and name not in outputs
    ]
    if missing:
        raise NodeCheckFailed(f"the outputs lack {', '.join(missing)}")
    return {
        name: _carried("output", declared[name], value)
        for name, value in outputs.items()
    }


def _refuse_unknown(
    specification: NodeSpecification,
    what: str,
    given: Mapping[str, Any],
    declared: Mapping[str, Any],
) -> None:
    for name in given:
        if name not in declared:
            raise NodeCheckFailed(
                f"{specification.node_type} has no {what} {name!r}; it has "
                f"{', '.join(declared) or 'none'}"
            )


def _carried(what: str, port: PortSpecification, value: Any) -> Any:
    """The value at the other end."""
    where = f"the {what} '{port.name}'"
    if not port.multiple:
        return _one(where, port.type, value)
    if not isinstance(value, (list, tuple)):
        raise NodeCheckFailed(
            f"{where} has several values: a list of them, not "
            f"{type(value).__name__}"
        )
    return [
        _one(f"{where}[{index}]", port.type, item)
        for index, item in enumerate(value)
    ]


def _one(where: str, kind: str, value: Any) -> Any:
    try:
        encoded = values.encode(value)
    except values.EncodingError as error:
        raise NodeCheckFailed(f"{where} can't be carried: {error}") from None
    arrived = values.decode(encoded.codec, encoded.label, encoded.inline())
    _check_type(where, kind, arrived)
    return arrived


def _check_type(where: str, kind: str, value: Any) -> None:
    """Plain types are checked; a word of the plugin's says nothing."""
    if kind.startswith("list<") and kind.endswith(">"):
        _check_type(where, "list", value)
        for index, item in enumerate(value):
            _check_type(f"{where}[{index}]", kind[5:-1], item)
        return
    if not _IS.get(kind, _anything)(value):
        raise NodeCheckFailed(
            f"{where} is {type(value).__name__}, not {kind}"
        )


def _anything(value: Any) -> bool:
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


_IS = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "mapping": lambda value: isinstance(value, dict),
    "bytes": lambda value: isinstance(value, bytes),
    "file": lambda value: isinstance(value, File),
    "ndarray": _is_array,
}
