"""The bundled plugin `text`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Dict
from unittest.mock import Mock

import pytest

import text_analysis as analysis
from pipeline import PluginManifest
from text_plugin import TextPlugin
from text_template import fill


def run(node_type: str, inputs: Any, **parameters: Any) -> Dict[str, Any]:
    plugin = TextPlugin(PluginManifest("text", "1.0.0", "us"))
    node = plugin.create_node(node_type, parameters)
    assert node.validate_inputs(inputs)
    return node.execute(inputs, Mock())


def test_the_specification_is_valid_and_matches_the_manifest(
    described: Any,
) -> None:
    names = [node["node_type"] for node in described("text")]
    manifest = Path(__file__).parent.parent / "plugin.yaml"
    for name in names:
        assert f"- {name}\n" in manifest.read_text()
    assert len(names) == 6


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("one", ["text"]),
        (["one", "two"], ["text 1", "text 2"]),
        ({"a": "one"}, ["a"]),
        ([{"name": "a", "text": "one"}, "two"], ["a", "text 2"]),
        ([], []),
    ],
)
def test_documents_come_in_many_forms(value: Any, names: Any) -> None:
    assert [name for name, _ in analysis.documents_of(value)] == names


@pytest.mark.parametrize("value", [None, 5, [5], [{"name": "a"}], {"a": 1}])
def test_what_is_no_document_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        run("count", {"documents": value})


def test_words_are_counted_without_numbers_and_signs() -> None:
    counted = run("count", {"documents": {"a": "Don't stop, don’t 42!\nÄÖ ß"}})
    assert counted["rows"] == [
        {
            "name": "a",
            "lines": 2,
            "words": 5,
            "characters": 26,
            "distinct_words": 5,
        }
    ]
    totals = run("count", {"documents": {"a": "x x y", "b": "y"}})["totals"]
    assert totals["words"] == 4 and totals["distinct_words"] == 2
    assert (totals["longest"], totals["shortest"]) == ("a", "b")
    empty = run("count", {"documents": []})["totals"]
    assert (empty["documents"], empty["longest"]) == (0, "")


@pytest.mark.parametrize("method", ["shingles", "cosine"])
@pytest.mark.parametrize("seed", range(5))
def test_similarity_is_symmetric_bounded_and_one_for_equals(
    method: str, seed: int
) -> None:
    chance = random.Random(seed)
    texts = [
        " ".join(chance.choice("abcdefg") for _ in range(chance.randrange(30)))
        for _ in range(8)
    ]
    texts.append(texts[0])
    values = run("compare", {"documents": texts}, method=method, length=2)[
        "matrix"
    ]["values"]
    for row in range(len(texts)):
        assert values[row][row] == 1
        for column in range(len(texts)):
            assert values[row][column] == values[column][row]
            assert 0 <= values[row][column] <= 1
    assert values[0][-1] == pytest.approx(1)


def test_shingles_measure_shared_runs_of_words() -> None:
    result = run(
        "compare",
        {"documents": {"a": "x y z", "b": "x y w", "c": "q"}},
        length=2,
    )
    assert result["matrix"]["values"][0] == [1, round(1 / 3, 6), 0]
    assert result["nearest"][0]["nearest"] == "b"
    assert result["closest"]["first"] == "a"
    alone = run("compare", {"documents": {"a": "x"}})
    assert alone["nearest"] == [{"name": "a", "nearest": "", "similarity": 0}]
    assert run("compare", {"documents": []})["closest"]["first"] == ""


@pytest.mark.parametrize("length", [0, -1, 1.5, True, "3"])
def test_a_length_is_a_whole_number_from_1(length: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        run("compare", {"documents": ["a"]}, length=length)


def test_keywords_set_a_text_apart() -> None:
    rows = run(
        "keywords",
        {
            "documents": {
                "a": "the library links the program",
                "b": "the patent covers the program",
            }
        },
        limit=2,
    )["rows"]
    assert rows[0]["keywords"] == ["library", "links"]
    assert rows[1]["keywords"] == ["covers", "patent"]


def test_frequencies_leave_out_common_words_unless_asked() -> None:
    documents = {"documents": ["the cat and the dog", "the cat"]}
    rows = run("frequencies", documents)["rows"]
    assert rows == [{"name": "cat", "count": 2}, {"name": "dog", "count": 1}]
    rows = run("frequencies", documents, common=True, limit=1)["rows"]
    assert rows == [{"name": "the", "count": 3}]


def test_texts_are_joined_in_order() -> None:
    assert run("join", {"texts": ["a", "b"]}, separator="-")["text"] == "a-b"


def test_a_template_is_filled_and_escaped() -> None:
    template = "<b>{name}</b> {n:,} {share:.1%} {deep.er} {{x}} {list}"
    text = run(
        "template",
        {
            "values": [
                {"name": "old", "n": 1234567, "share": 0.5},
                {"name": "<i>&", "deep": {"er": True}, "list": [1, None, 2.5]},
            ]
        },
        template=template,
    )["text"]
    assert text == "<b>&lt;i&gt;&amp;</b> 1,234,567 50.0% yes {x} 1, , 2.5"
    plain = run(
        "template", {"values": [{"a": "<"}]}, template="{a}", escape="none"
    )
    assert plain["text"] == "<"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{missing}", "asks for 'missing'"),
        ("{a.b}", "asks for 'a.b'"),
        ("{", "lone '{' at character 0"),
        ("a}", "lone '}'"),
        ("{a!r}", "lone '{'"),
        ("{a.__class__}", "asks for 'a.__class__'"),
        ("{a[0]}", "lone '{'"),
        ("{a:>99999999999}", "lone '{'"),
        ("{m}", "a mapping can't be put"),
    ],
)
def test_a_template_evaluates_nothing(template: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        fill(template, {"a": "x", "m": {}}, True)
