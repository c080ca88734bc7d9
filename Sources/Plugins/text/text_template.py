"""Fills placeholders in a text.

A placeholder is `{name}` or `{outer.inner}`; a number may have a format after
a colon, as in `{words:,}` or `{share:.1%}`. `{{` and `}}` are plain braces.
Nothing is evaluated: a name is only ever looked up in a mapping.
"""

from __future__ import annotations

import html
import re
from typing import Any, Dict

_PART = re.compile(
    r"\{\{|\}\}|\{(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)"
    r"(?::(?P<format>,?(?:\.\d)?[%f]?))?\}|[{}]"
)


def fill(template: str, values: Dict[str, Any], escape: bool) -> str:
    """The template with its placeholders replaced.

    :param escape: whether the values, though not the template, are escaped
        for HTML
    :raises ValueError: when a placeholder is malformed or has no value
    """

    def replacement(match: "re.Match[str]") -> str:
        part = match.group()
        if part in ("{{", "}}"):
            return part[0]
        if match["name"] is None:
            raise ValueError(
                f"a lone '{part}' at character {match.start()} of the "
                "template; write it twice if it is meant"
            )
        text = _text(_look_up(match["name"], values), match["format"] or "")
        return html.escape(text) if escape else text

    return _PART.sub(replacement, template)


def _look_up(name: str, values: Dict[str, Any]) -> Any:
    value: Any = values
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            known = ", ".join(sorted(values)) or "none"
            raise ValueError(
                f"the template asks for '{name}', which has no value; "
                f"there are: {known}"
            )
        value = value[part]
    return value


def _text(value: Any, form: str) -> str:
    if isinstance(value, bool) or value is None:
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, (int, float)):
        return format(value, form)
    if isinstance(value, list):
        return ", ".join(_text(item, form) for item in value)
    if isinstance(value, str):
        return value
    raise ValueError("a mapping can't be put into a text; name a key of it")
