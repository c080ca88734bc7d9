"""Stable digests of values and of a node's code."""

from __future__ import annotations

import hashlib
import sys

from pipeline import _json, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping


def node_key(
    node: type, parameters: Mapping[str, Any], inputs: Mapping[str, Any]
) -> str:
    """A key for what a node of this class makes of these inputs.

    :raises values.EncodingError: when a value has no canonical form
    """
    key = {
        "node_type": f"{node.__module__}.{node.__qualname__}",
        "code": code_digest(node),
        "parameters": value_digest(dict(parameters)),
        "inputs": {
            name: value_digest(value) for name, value in inputs.items()
        },
    }
    return hashlib.sha256(_json.dumps(key, sort_keys=True)).hexdigest()


def value_digest(value: Any) -> str:
    """The digest of a value's content; the order of its mappings is moot.

    :raises values.EncodingError: when it has no canonical form
    """
    encoded = values.encode(value)
    content = encoded.inline()
    if encoded.codec == values.JSON:
        content = _json.dumps(value, sort_keys=True)
    prefix = _json.dumps([encoded.codec, encoded.label])
    return hashlib.sha256(prefix + b"\n" + content).hexdigest()


def code_digest(node: type) -> str:
    """The digest of the file that defines the class, or empty without one."""
    module = sys.modules.get(node.__module__)
    path = getattr(module, "__file__", None)
    if not isinstance(path, str):
        return ""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
