"""Checks parameters against the `pattern` constraints of their node type.

Matching may take exponential time, so it happens in the plugin's own worker,
under the call's deadline, and nowhere else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern
    from typing import Any, Dict, Iterable, Mapping, Optional

    from pipeline.specification import NodeSpecification


class Patterns:
    """The patterns of one plugin, compiled once."""

    def __init__(self, specifications: Iterable[NodeSpecification]) -> None:
        """
        :raises ValueError: when a pattern isn't a regular expression
        """
        self._compiled: Dict[str, Dict[str, Pattern[str]]] = {}
        for node in specifications:
            for parameter in node.parameters:
                pattern = (parameter.constraints or {}).get("pattern")
                if pattern is not None:
                    compiled = self._compiled.setdefault(node.node_type, {})
                    compiled[parameter.name] = compile_pattern(pattern)

    def complaint(
        self, node_type: str, parameters: Mapping[str, Any]
    ) -> Optional[str]:
        """Which parameter doesn't match; None when all that are text do."""
        for name, pattern in self._compiled.get(node_type, {}).items():
            value = parameters.get(name)
            if isinstance(value, str) and not pattern.search(value):
                return (
                    f"the parameter '{name}' must match {pattern.pattern}: "
                    f"it is {value!r:.200}"
                )
        return None


def compile_pattern(pattern: Any) -> Pattern[str]:
    """
    :raises ValueError: when it isn't a regular expression
    """
    # Imported here because few plugins have any.
    import re

    if not isinstance(pattern, str):
        raise ValueError(
            f"the constraint 'pattern' is {type(pattern).__name__}, not text"
        )
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"the constraint 'pattern' isn't a regular expression: {error}"
        ) from None
