"""The bundled plugin `chart`."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest

import chart_style
from chart_numbers import percent, show
from chart_plugin import ChartPlugin
from chart_svg import sanitize
from pipeline import PluginManifest

HOSTILE = "</text><script>alert(1)</script>\"'&\x00"
ROWS = [
    {"name": HOSTILE, "value": 3},
    {"name": "b", "value": 7.5},
    {"name": "c", "value": 0},
]
MATRIX = {"labels": [HOSTILE, "b"], "values": [[1, 0.5], [0.5, 1]]}
SVG = "{http://www.w3.org/2000/svg}"


def run(node_type: str, inputs: Any, **parameters: Any) -> Dict[str, Any]:
    plugin = ChartPlugin(PluginManifest("chart", "1.0.0", "us"))
    node = plugin.create_node(node_type, parameters)
    assert node.validate_inputs(inputs)
    return node.execute(inputs, Mock())


def test_the_specification_is_valid_and_matches_the_manifest(
    described: Any,
) -> None:
    names = [node["node_type"] for node in described("chart")]
    manifest = Path(__file__).parent.parent / "plugin.yaml"
    for name in names:
        assert f"- {name}\n" in manifest.read_text()
    assert len(names) == 5


def test_bars_are_sorted_and_scaled_to_the_highest() -> None:
    svg = ElementTree.fromstring(run("bar", {"rows": ROWS})["svg"])
    widths = [
        bar.get("width")
        for bar in svg.iter(f"{SVG}rect")
        if bar.get("class") == "chart-bar"
    ]
    assert widths == ["100.000%", "40.000%", "0.000%"]
    given = run("bar", {"rows": ROWS}, order="given")["svg"]
    assert given.index("40.000%") < given.index("100.000%")
    zeros = run("bar", {"rows": [{"name": "a", "value": 0}]})["svg"]
    assert 'width="0.000%"' in zeros


@pytest.mark.parametrize(
    ("node_type", "inputs"),
    [("bar", {"rows": ROWS}), ("heatmap", {"matrix": MATRIX})],
)
def test_a_chart_is_well_formed_named_and_escaped(
    node_type: str, inputs: Any
) -> None:
    out = run(node_type, inputs, title=HOSTILE, text="t")
    root = ElementTree.fromstring(out["svg"])
    assert "<script" not in out["svg"]
    assert root.get("role") == "img"
    ids = {element.get("id") for element in root if element.get("id")}
    assert set((root.get("aria-labelledby") or "").split()) == ids
    assert root.find(f"{SVG}title") is not None
    description = root.find(f"{SVG}desc")
    assert description is not None and description.text
    assert out["section"]["svg"] == out["svg"]
    assert out["svg"] == run(node_type, inputs, title=HOSTILE)["svg"]


@pytest.mark.parametrize(
    ("node_type", "inputs"),
    [
        ("bar", {"rows": []}),
        ("bar", {"rows": [{"name": "a", "value": -1}]}),
        ("bar", {"rows": [{"name": "a", "value": "1"}]}),
        ("bar", {"rows": [{"name": "a", "value": True}]}),
        ("heatmap", {"matrix": {"labels": [], "values": []}}),
        ("heatmap", {"matrix": {"labels": ["a"], "values": [[1, 1]]}}),
        ("heatmap", {"matrix": {"labels": ["a"], "values": [[1.5]]}}),
        ("table", {"rows": [[{"a": 1}]]}),
        ("figures", {"values": [{"a": 1}]}),
        ("page", {"sections": [{"svg": "<p>"}]}),
        ("page", {"sections": [{"table": {"columns": 3}}]}),
        ("page", {"sections": [{"figures": 3}]}),
    ],
)
def test_what_can_not_be_drawn_is_refused(
    node_type: str, inputs: Any
) -> None:
    with pytest.raises(ValueError):
        run(node_type, inputs, columns=[3], figures=[{"field": "b"}])


def test_a_table_puts_rows_of_several_sources_together() -> None:
    section = run(
        "table",
        {
            "rows": [
                [{"name": "a", "n": 1234}, {"name": "b", "n": 5}],
                [{"name": "b", "share": 0.254, "words": ["x", "y"]}],
            ]
        },
        columns=[
            {"field": "name", "title": "Name"},
            {"field": "n"},
            {"field": "share", "format": "percent"},
            {"field": "words"},
        ],
    )["section"]
    assert section["table"] == {
        "columns": [
            {"title": "Name", "align": "left"},
            {"title": "N", "align": "right"},
            {"title": "Share", "align": "right"},
            {"title": "Words", "align": "left"},
        ],
        "rows": [["a", "1,234", "", ""], ["b", "5", "25\u202f%", "x, y"]],
    }


class Reader(HTMLParser):
    """Collects the elements of a page and checks that they close."""

    VOID = {"meta", "link", "img", "br"}

    def __init__(self) -> None:
        super().__init__()
        self.open: List[str] = []
        self.seen: List[str] = []
        self.attributes: List[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_holds_everything_and_neither_runs_nor_loads() -> None:
    sections = [
        run("bar", {"rows": ROWS}, title=HOSTILE)["section"],
        run("heatmap", {"matrix": MATRIX}, title="Heat")["section"],
        run(
            "table",
            {"rows": [[{"name": HOSTILE, "n": 1}]]},
            title=HOSTILE,
            columns=[{"field": "name", "title": HOSTILE}, {"field": "n"}],
        )["section"],
        run(
            "figures",
            {"values": [{"n": HOSTILE}]},
            text="one\n\ntwo",
            figures=[{"field": "n", "title": HOSTILE}],
        )["section"],
    ]
    html = run(
        "page",
        {"sections": sections, "lead": HOSTILE},
        title=HOSTILE,
        footer=HOSTILE,
    )["html"]
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert not {"script", "link", "img", "iframe"} & set(reader.seen)
    assert not [name for name in reader.attributes if name.startswith("on")]
    assert not {"src", "href", "style"} & set(reader.attributes)
    assert "http" not in html.replace("http-equiv", "")
    assert "url(" not in html
    assert reader.seen.count("h1") == 1
    assert reader.seen.count("svg") == 2
    assert "<p>one</p>\n<p>two</p>" in html
    assert "default-src &#x27;none&#x27;" in html


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<style>@import url(//evil)</style>",
        '<a href="https://evil"><text>t</text></a>',
        '<image href="https://evil"/>',
        '<use href="#x"/>',
        "<foreignObject><p>t</p></foreignObject>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">1</x:script>',
        '<rect onload="alert(1)"/>',
        '<rect style="fill:red"/>',
        '<rect fill="url(https://evil)"/>',
        '<rect fill="URL( //evil )"/>',
        '<animate attributeName="href" to="javascript:1"/>',
        "<?xml-stylesheet href='evil'?>",
        "<!-- evil -->",
    ],
)
def test_foreign_svg_loses_whatever_is_not_a_shape(inside: str) -> None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{inside}<rect/></svg>'
    assert sanitize(svg) in (
        "<svg><rect></rect></svg>",
        "<svg><rect></rect><rect></rect></svg>",
    )


def test_foreign_svg_keeps_shapes_text_and_inner_references() -> None:
    svg = (
        '<svg viewBox="0 0 1 1"><defs><linearGradient id="g">'
        '<stop offset="1"></stop></linearGradient></defs>'
        '<text x="1" class="a">a &lt;b</text>'
        '<rect fill="url(#g)"></rect></svg>'
    )
    assert sanitize(svg) == svg


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<p/>",
        "<svg>",
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        "<svg>" * 100_000,
        "<svg><![CDATA[x]]></svg>",
        "<svg>" + "x" * 4_000_001 + "</svg>",
        "<svg>" + "<g>" * 50_000 + "</g>" * 50_000 + "</svg>",
    ],
    ids=range(8),
)
def test_what_is_not_svg_or_an_attack_on_its_reader_is_refused(
    text: str,
) -> None:
    with pytest.raises(ValueError, match="SVG"):
        sanitize(text)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1234567, "auto", "1,234,567"),
        (0.5, "auto", "0.50"),
        (2.0, "auto", "2"),
        (2.6, "integer", "3"),
        (0.004, "percent", "<1\u202f%"),
        (0.999, "percent", ">99\u202f%"),
        (None, "percent", ""),
        ("x", "auto", "x"),
        (["a", 1], "auto", "a, 1"),
        (5, "text", "5"),
    ],
)
def test_numbers_are_written_for_people(
    value: Any, form: str, text: str
) -> None:
    assert show(value, form) == text


def test_only_nothing_is_shown_as_nothing() -> None:
    assert percent(0) == "0\u202f%" and percent(1) == "100\u202f%"
    with pytest.raises(ValueError, match="isn't a number"):
        show("x", "percent")
    with pytest.raises(ValueError, match="no format"):
        show(1, "roman")


def luminance(color: List[float]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in color
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: List[float], two: List[float]) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["_LIGHT", "_DARK"])
def test_every_text_has_enough_contrast_in_both_schemes(scheme: str) -> None:
    colors = {
        name: [int(value[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        for name, value in re.findall(
            r"--([\w-]+):#(\w{6})", getattr(chart_style, scheme)
        )
    }
    assert contrast(colors["ink"], colors["paper"]) >= 7
    assert contrast(colors["muted"], colors["paper"]) >= 4.5
    for step in range(6, 101):
        opacity = step / 100
        kind = "on-low"
        if opacity > chart_style.LOW_LIMIT:
            high = opacity > chart_style.MID_LIMIT
            kind = "on-high" if high else "on-mid"
        cell = [
            a * opacity + p * (1 - opacity)
            for a, p in zip(colors["accent"], colors["paper"])
        ]
        assert contrast(colors[kind], cell) >= 4.5, (scheme, opacity)
