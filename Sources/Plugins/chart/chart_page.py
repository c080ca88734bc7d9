"""An HTML page of sections: text, figures, charts and tables."""

from __future__ import annotations

from typing import Any, Dict, List

import chart_style as style
from chart_numbers import show
from chart_svg import escape, sanitize

# Nothing on the page runs or loads, whatever its sections hold.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_LONG_TABLE = 12
_SHORT_CELL = 18


def page(
    title: str,
    lead: str,
    sections: List[Dict[str, Any]],
    footer: str,
    language: str,
) -> str:
    """The page's HTML, complete in one file.

    :raises ValueError: when a section isn't what `section` describes
    """
    body = "".join(_section(section) for section in sections)
    opening = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    closing = f"<footer>{escape(footer)}</footer>" if footer else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{style.VARIABLES}\n{style.CHART}{style.PAGE}</style>\n"
        f"</head>\n<body>\n<main>\n<header>\n<h1>{escape(title)}</h1>\n"
        f"{opening}\n</header>\n{body}{closing}\n</main>\n</body>\n</html>\n"
    )


def section(title: str, text: str = "", **content: Any) -> Dict[str, Any]:
    """A part of a page, as it travels from node to node.

    :param content: `svg` (SVG text), `table` (`columns` with `title` and
        `align`, and `rows` of texts) or `figures` (with `label` and `value`)
    """
    return {"title": title, "text": text, **content}


def table(
    rows: List[Dict[str, Any]], columns: List[Dict[str, Any]]
) -> Dict[str, Any]:
    """The content of a table.

    :param columns: mappings with `field`, and optionally `title` and `format`
    :raises ValueError: when a column names no field
    """
    heads = []
    lines: List[List[str]] = [[] for _ in rows]
    for column in columns:
        field = column.get("field") if isinstance(column, dict) else None
        if not isinstance(field, str):
            raise ValueError("a column is a mapping that names a 'field'")
        form = str(column.get("format", "auto"))
        values = [row.get(field) for row in rows]
        numeric = form not in ("auto", "text") or (
            form == "auto"
            and any(value is not None for value in values)
            and all(
                isinstance(v, (int, float)) or v is None for v in values
            )
        )
        title = column.get("title", field.replace("_", " ").capitalize())
        heads.append(
            {"title": str(title), "align": "right" if numeric else "left"}
        )
        for line, value in zip(lines, values):
            line.append(show(value, form))
    return {"columns": heads, "rows": lines}


def _section(content: Dict[str, Any]) -> str:
    if not isinstance(content, dict):
        raise ValueError("a section is a mapping with a title and a content")
    title = str(content.get("title") or "")
    parts = [f"<h2>{escape(title)}</h2>\n"] if title else []
    for paragraph in str(content.get("text") or "").split("\n\n"):
        if paragraph.strip():
            parts.append(f"<p>{escape(paragraph.strip())}</p>\n")
    kind = ""
    if content.get("figures"):
        parts.append(_figures(content["figures"]))
    if content.get("svg"):
        parts.append(
            f'<figure tabindex="0">{sanitize(str(content["svg"]))}</figure>\n'
        )
    if content.get("table"):
        parts.append(_table(content["table"], title))
        if len(content["table"]["rows"]) > _LONG_TABLE:
            kind = ' class="long"'
    return f"<section{kind}>\n{''.join(parts)}</section>\n"


def _figures(figures: Any) -> str:
    if not isinstance(figures, list):
        raise ValueError("figures are a list of labels and values")
    items = "".join(
        f"<div><dt>{escape(figure['label'])}</dt>"
        f"<dd>{escape(figure['value'])}</dd></div>"
        for figure in figures
    )
    return f'<dl class="figures">{items}</dl>\n'


def _table(content: Any, title: str) -> str:
    try:
        columns, rows = content["columns"], content["rows"]
        kinds = [
            _kind(column["align"], [row[index] for row in rows])
            for index, column in enumerate(columns)
        ]
        head = "".join(
            f'<th scope="col"{kind}>{escape(column["title"])}</th>'
            for kind, column in zip(kinds, columns)
        )
        body = "".join(f"<tr>{_row(row, kinds)}</tr>\n" for row in rows)
    except (KeyError, TypeError, IndexError):
        raise ValueError("a table has 'columns' and 'rows'") from None
    label = f' role="region" aria-label="{escape(title)}"' if title else ""
    return (
        f'<div class="table" tabindex="0"{label}><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        "</table></div>\n"
    )


def _kind(align: str, cells: List[Any]) -> str:
    """The class of a column; names and the like are kept on one line."""
    if align == "right":
        return ' class="right"'
    if all(len(str(cell)) <= _SHORT_CELL for cell in cells):
        return ' class="short"'
    return ""


def _row(row: List[Any], kinds: List[str]) -> str:
    cells = [f'<th scope="row">{escape(row[0])}</th>'] if row else []
    cells += [
        f"<td{kind}>{escape(cell)}</td>"
        for kind, cell in zip(kinds[1:], row[1:])
    ]
    return "".join(cells)
