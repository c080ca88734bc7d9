"""SVG: making it, and making foreign SVG harmless."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Any, Dict, List, Optional
from xml.etree import ElementTree

import chart_style as style

_SVG = "http://www.w3.org/2000/svg"
# XML 1.0 forbids these even as character references.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)


def escape(text: Any) -> str:
    """Any value as text that is safe in XML and HTML, attributes included."""
    return html.escape(_FORBIDDEN.sub("\ufffd", str(text)), quote=True)


def document(
    body: str,
    *,
    title: str,
    description: str,
    height: float,
    view_width: Optional[float] = None,
) -> str:
    """A chart with its style, and words for those who can't see it.

    :param view_width: the width in units, for a chart that scales as a whole;
        without it a chart is as wide as its surroundings
    """
    # Several charts may stand on one page, so their ids must differ.
    mark = hashlib.sha256((title + body).encode()).hexdigest()[:8]
    size = f'width="100%" height="{height:g}"'
    kind = "chart"
    if view_width is not None:
        size = (
            f'width="{view_width:g}" height="{height:g}" '
            f'viewBox="0 0 {view_width:g} {height:g}"'
        )
        kind = "chart chart-wide"
    return (
        f'<svg xmlns="{_SVG}" class="{kind}" {size} role="img" '
        f'aria-labelledby="t{mark} d{mark}">'
        f'<title id="t{mark}">{escape(title)}</title>'
        f'<desc id="d{mark}">{escape(description)}</desc>'
        f"<style>{style.VARIABLES}{style.CHART}</style>{body}</svg>"
    )


_ELEMENTS = frozenset(
    """svg g title desc defs rect circle ellipse line polyline polygon path
    text tspan linearGradient radialGradient stop clipPath""".split()
)
_ATTRIBUTES = frozenset(
    """class id role x y x1 y1 x2 y2 cx cy r rx ry dx dy d points width height
    viewBox preserveAspectRatio transform fill fill-opacity fill-rule stroke
    stroke-width stroke-opacity stroke-linecap stroke-linejoin stroke-dasharray
    opacity text-anchor dominant-baseline font-size font-weight font-family
    letter-spacing offset stop-color stop-opacity gradientUnits
    gradientTransform clip-path aria-labelledby aria-label aria-hidden
    """.split()
)
_REFERENCE = re.compile(r"url\(#[\w-]+\)")
_LIMIT = 4_000_000


def sanitize(text: str) -> str:
    """Foreign SVG, reduced to shapes and text.

    What isn't on the lists is left out: scripts, styles, links, images,
    foreign content, event handlers and references to anything outside.

    :raises ValueError: when it isn't SVG, declares entities, or is too large
    """
    if len(text) > _LIMIT:
        raise ValueError(f"the SVG has more than {_LIMIT} characters")
    if "<!" in text.replace("<!--", ""):
        # Entities can multiply (the "billion laughs"), and SVG needs none.
        raise ValueError("the SVG has a document type or a CDATA section")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise ValueError(f"the SVG can't be read: {error}") from None
    if root.tag not in (f"{{{_SVG}}}svg", "svg"):
        raise ValueError("the text isn't an SVG document")
    try:
        return _serialize(root)
    except RecursionError:
        raise ValueError("the SVG is nested too deeply") from None


def _serialize(element: "ElementTree.Element") -> str:
    name = _local_name(element.tag)
    attributes = "".join(
        f' {key}="{escape(value)}"'
        for key, value in _safe(element.attrib).items()
    )
    parts: List[str] = [escape(element.text or "")]
    for child in element:
        if _local_name(child.tag) in _ELEMENTS:
            parts.append(_serialize(child))
        parts.append(escape(child.tail or ""))
    return f"<{name}{attributes}>{''.join(parts)}</{name}>"


def _local_name(tag: Any) -> str:
    """The name of an SVG element; empty for comments and other languages."""
    if not isinstance(tag, str):
        return ""
    if tag.startswith(f"{{{_SVG}}}"):
        return tag[len(_SVG) + 2 :]
    return "" if tag.startswith("{") else tag


def _safe(attributes: Dict[str, str]) -> Dict[str, str]:
    return {
        name: value
        for name, value in attributes.items()
        if name in _ATTRIBUTES
        and ":" not in value
        and "url(" not in _REFERENCE.sub("", value.lower())
    }
