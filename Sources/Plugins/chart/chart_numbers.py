"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

FORMATS = ("auto", "text", "integer", "decimal", "percent")


def is_number(value: Any) -> bool:
    """Whether the value is a finite number; True and False are none."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def show(value: Any, form: str = "auto") -> str:
    """A value in one of `FORMATS`; lists are joined by commas.

    :raises ValueError: for another format, or no number where one is needed
    """
    if form not in FORMATS:
        raise ValueError(
            f"there is no format '{form}'; use one of {', '.join(FORMATS)}"
        )
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item, form) for item in value)
    if form == "text" or (form == "auto" and not is_number(value)):
        return str(value)
    if not is_number(value):
        raise ValueError(f"{value!r:.60} isn't a number")
    if form == "percent":
        return percent(value)
    if form == "integer" or float(value).is_integer():
        return f"{round(value):,}"
    return f"{value:,.2f}"


def percent(value: float) -> str:
    """A share as a percentage; what isn't nothing never shows as nothing."""
    shown = round(value * 100)
    if shown == 0 and value > 0:
        return "<1\u202f%"
    if shown == 100 and value < 1:
        return ">99\u202f%"
    return f"{shown}\u202f%"
