"""Horizontal bars, one below the other, each under its name."""

from __future__ import annotations

from typing import List, Tuple

from chart_numbers import show
from chart_svg import document, escape

_ROW = 40


def bars(
    rows: List[Tuple[str, float]], title: str, unit: str, form: str
) -> str:
    """A bar chart as wide as its surroundings, readable at any width.

    :param rows: names and values from 0, drawn in this order
    :raises ValueError: when there are none, or a value is below 0
    """
    if not rows:
        raise ValueError("a bar chart needs at least one row")
    for name, value in rows:
        if value < 0:
            raise ValueError(f"the value of '{name}' is below 0")
    highest = max(value for _, value in rows) or 1.0
    parts = []
    for index, (name, value) in enumerate(rows):
        top = index * _ROW
        width = 100 * value / highest
        text = show(value, form)
        parts.append(
            f'<g><text class="chart-name" x="0" y="{top + 16}">'
            f"{escape(name)}</text>"
            f'<text class="chart-value" x="100%" y="{top + 16}" '
            f'text-anchor="end">{escape(text)}</text>'
            f'<rect class="chart-track" x="0" y="{top + 23}" width="100%" '
            'height="8" rx="2"/>'
            f'<rect class="chart-bar" x="0" y="{top + 23}" '
            f'width="{width:.3f}%" height="8" rx="2"/></g>'
        )
    return document(
        "".join(parts),
        title=title,
        description="; ".join(
            f"{name}: {show(value, form)}{' ' + unit if unit else ''}"
            for name, value in rows
        ),
        height=len(rows) * _ROW - 6,
    )
