"""The base of the specification's data classes.

A worker starts in a few milliseconds, and importing `dataclasses` would take a
third of them. So the records are written out by hand and this base gives them
what `@dataclass` would: equality, a readable `repr`, and, once somebody asks,
the fields that `dataclasses.asdict`, `fields` and `replace` look for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional


class _Fields:
    """Makes `__dataclass_fields__` of a record when it is first read."""

    def __get__(
        self, instance: Optional[Record], owner: type
    ) -> Dict[str, Any]:
        import dataclasses
        import inspect

        parameters = list(inspect.signature(owner).parameters.values())
        fields = [
            (
                parameter.name,
                parameter.annotation,
                dataclasses.field()
                if parameter.default is inspect.Parameter.empty
                else dataclasses.field(default=parameter.default),
            )
            for parameter in parameters
        ]
        made = dataclasses.make_dataclass(owner.__name__, fields)
        found: Dict[str, Any] = getattr(made, "__dataclass_fields__")
        setattr(owner, "__dataclass_fields__", found)
        return found


class Record:
    """A value with named fields; two are equal when their fields are."""

    __dataclass_fields__ = _Fields()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return vars(self) == vars(other)

    # Like a mutable data class, a record is no key of a dictionary.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={value!r}" for name, value in vars(self).items()
        )
        return f"{type(self).__name__}({fields})"
