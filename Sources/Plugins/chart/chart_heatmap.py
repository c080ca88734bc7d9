"""A matrix of shares, as cells of one colour."""

from __future__ import annotations

from typing import List

from chart_numbers import percent
from chart_style import LOW_LIMIT, MID_LIMIT
from chart_svg import document, escape

_CELL = 46
_HEIGHT = 34
_LETTER = 7.4
_FAINTEST = 0.06


def heatmap(labels: List[str], values: List[List[float]], title: str) -> str:
    """A heat map of values from 0 to 1.

    The cells of the diagonal, where a label meets itself, are left blank.

    :raises ValueError: when the values aren't a square of shares
    """
    if not labels:
        raise ValueError("a heat map needs at least one label")
    if len(values) != len(labels) or any(
        len(row) != len(labels) for row in values
    ):
        raise ValueError("a heat map needs a row and a column for each label")
    if any(not 0 <= value <= 1 for row in values for value in row):
        raise ValueError("a heat map's values lie between 0 and 1")
    left = max(len(label) for label in labels) * _LETTER + 14
    # The names of the columns lean, so that they take less room.
    top = max(len(label) for label in labels) * _LETTER * 0.71 + 18
    parts = []
    for index, label in enumerate(labels):
        x = left + index * _CELL + _CELL / 2 - 2
        y = top + index * _HEIGHT + _HEIGHT / 2 + 5
        parts.append(
            f'<text class="chart-name" x="{left - 10:g}" y="{y:g}" '
            f'text-anchor="end">{escape(label)}</text>'
            f'<text class="chart-name" transform="translate({x:g} '
            f'{top - 8:g}) rotate(-45)">{escape(label)}</text>'
        )
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            x = left + column * _CELL
            y = top + row * _HEIGHT
            parts.append(_cell(x, y, value, row == column))
    overhang = len(labels[-1]) * _LETTER * 0.71 - _CELL / 2 + 6
    return document(
        "".join(parts),
        title=title,
        description=_description(labels, values),
        height=round(top + len(labels) * _HEIGHT + 2),
        view_width=round(left + len(labels) * _CELL + max(overhang, 2)),
    )


def _cell(x: float, y: float, value: float, blank: bool) -> str:
    place = f'x="{x + 1:g}" y="{y + 1:g}"'
    size = f'width="{_CELL - 2}" height="{_HEIGHT - 2}" rx="2"'
    if blank:
        return f'<rect class="chart-self" {place} {size}/>'
    # The eye compares areas of colour; a root spreads the small shares out.
    opacity = _FAINTEST + (1 - _FAINTEST) * value**0.6
    text = percent(value).replace("\u202f%", "")
    kind = "low"
    if opacity > LOW_LIMIT:
        kind = "mid" if opacity <= MID_LIMIT else "high"
    return (
        f'<rect class="chart-cell" {place} {size} '
        f'fill-opacity="{opacity:.3f}"/>'
        f'<text class="chart-small chart-{kind}" x="{x + _CELL / 2:g}" '
        f'y="{y + _HEIGHT / 2 + 4:g}" text-anchor="middle">'
        f"{escape(text)}</text>"
    )


def _description(labels: List[str], values: List[List[float]]) -> str:
    pairs = [
        (values[a][b], labels[a], labels[b])
        for a in range(len(labels))
        for b in range(a)
    ]
    pairs.sort(key=lambda pair: -pair[0])
    return "The most alike: " + "; ".join(
        f"{first} and {second} {percent(value)}"
        for value, first, second in pairs[:5]
    )
