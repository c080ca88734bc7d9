"""What a call was entrusted with, and nobody is shown."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, Optional


class Secrets(Mapping[str, str]):
    """Texts by their names. It can't be changed, and holds nothing any more
    once its call is over; its representation has the names alone."""

    def __init__(self, values: Optional[Mapping[str, str]] = None) -> None:
        self._values: Dict[str, str] = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"

    def forget(self) -> None:
        """Lets go of all of them; for the framework."""
        self._values.clear()
