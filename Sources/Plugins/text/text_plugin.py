"""Counts, compares and composes texts."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List

import text_analysis as analysis
from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)
from text_template import fill

COLOR = "#7a4fa3"
DOCUMENTS = PortSpecification(
    "documents",
    "any",
    "Documents",
    "A text, a list of texts, a list of mappings with 'name' and 'text', or a "
    "mapping from names to texts",
)


class TextNode(DeclaredNode):
    """What the nodes of this plugin share."""

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        analysis.documents_of(inputs.get("documents"))
        return True

    def number(self, name: str) -> int:
        """A parameter that is a whole number from 1.

        :raises ValueError: when it isn't
        """
        value = self.parameters[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"'{name}' must be a whole number from 1")
        return int(value)


class CountNode(TextNode):
    """Counts lines, words and characters."""

    specification = NodeSpecification(
        node_type="count",
        display_name="Count Words",
        category="Text",
        description="Counts the lines, words, characters and distinct "
        "words of each document",
        icon="🔢",
        color=COLOR,
        inputs=[DOCUMENTS],
        outputs=[
            PortSpecification(
                "rows",
                "list",
                "Rows",
                "A mapping for each document: name, lines, words, "
                "characters, distinct_words",
            ),
            PortSpecification(
                "totals",
                "mapping",
                "Totals",
                "documents, lines, words, characters, distinct_words, "
                "and the names of the longest and shortest",
            ),
        ],
        resource_requirements=ResourceRequirement(1, 128),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        documents = analysis.documents_of(inputs["documents"])
        rows = [analysis.counts(document) for document in documents]
        by_words = sorted(rows, key=lambda row: (row["words"], row["name"]))
        distinct = {
            word for _, text in documents for word in analysis.words(text)
        }
        totals: Dict[str, Any] = {
            "documents": len(rows),
            "lines": sum(row["lines"] for row in rows),
            "words": sum(row["words"] for row in rows),
            "characters": sum(row["characters"] for row in rows),
            "distinct_words": len(distinct),
            "longest": by_words[-1]["name"] if rows else "",
            "longest_words": by_words[-1]["words"] if rows else 0,
            "shortest": by_words[0]["name"] if rows else "",
            "shortest_words": by_words[0]["words"] if rows else 0,
        }
        return {"rows": rows, "totals": totals}


class CompareNode(TextNode):
    """Compares every document with every other."""

    specification = NodeSpecification(
        node_type="compare",
        display_name="Compare Texts",
        category="Text",
        description="Measures how much any two documents have in common",
        icon="⚖️",
        color=COLOR,
        inputs=[DOCUMENTS],
        outputs=[
            PortSpecification(
                "matrix",
                "mapping",
                "Matrix",
                "labels, and values from 0 to 1 for each pair",
            ),
            PortSpecification(
                "nearest",
                "list",
                "Nearest",
                "For each document its name, the nearest other one and "
                "their similarity",
            ),
            PortSpecification(
                "closest",
                "mapping",
                "Closest Pair",
                "first, second and similarity",
            ),
        ],
        parameters=[
            ParameterSpecification(
                "method",
                "string",
                "Method",
                "Shared runs of words (shingles), or the angle between "
                "word counts (cosine)",
                "shingles",
                {"enum": ["shingles", "cosine"]},
                "select",
            ),
            ParameterSpecification(
                "length",
                "integer",
                "Run Length",
                "How many words a shingle has",
                3,
                {"min": 1, "max": 10},
                "slider",
            ),
        ],
        resource_requirements=ResourceRequirement(1, 256),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        documents = analysis.documents_of(inputs["documents"])
        labels = [name for name, _ in documents]
        values = self._similarities(documents, context)
        nearest: List[Dict[str, Any]] = []
        for row, label in enumerate(labels):
            others = [c for c in range(len(labels)) if c != row]
            best = max(others, key=lambda c: values[row][c], default=None)
            nearest.append(
                {
                    "name": label,
                    "nearest": "" if best is None else labels[best],
                    "similarity": 0.0 if best is None else values[row][best],
                }
            )
        closest = max(
            nearest, key=lambda row: row["similarity"], default=None
        )
        return {
            "matrix": {"labels": labels, "values": values},
            "nearest": nearest,
            "closest": {
                "first": closest["name"] if closest else "",
                "second": closest["nearest"] if closest else "",
                "similarity": closest["similarity"] if closest else 0.0,
            },
        }

    def _similarities(
        self, documents: List[analysis.Document], context: ExecutionContext
    ) -> List[List[float]]:
        count = len(documents)
        values = [[1.0] * count for _ in range(count)]
        features: List[Any]
        measure: Any
        if self.parameters["method"] == "cosine":
            features = [Counter(analysis.words(text)) for _, text in documents]
            measure = analysis.cosine
        else:
            length = self.number("length")
            features = [
                analysis.shingles(text, length) for _, text in documents
            ]
            measure = analysis.jaccard
        for row in range(count):
            context.raise_if_cancelled()
            context.progress(row / count, documents[row][0])
            for column in range(row):
                value = round(measure(features[row], features[column]), 6)
                values[row][column] = values[column][row] = value
        context.progress(1, f"{count * (count - 1) // 2} pairs")
        return values


class KeywordsNode(TextNode):
    """Finds the words that set each document apart."""

    specification = NodeSpecification(
        node_type="keywords",
        display_name="Find Keywords",
        category="Text",
        description="Finds the words that set each document apart from "
        "the others",
        icon="🔑",
        color=COLOR,
        inputs=[DOCUMENTS],
        outputs=[
            PortSpecification(
                "rows",
                "list",
                "Rows",
                "For each document its name and a list of keywords",
            )
        ],
        parameters=[
            ParameterSpecification(
                "limit",
                "integer",
                "Limit",
                "How many keywords a document gets",
                5,
                {"min": 1, "max": 50},
                "slider",
            )
        ],
        resource_requirements=ResourceRequirement(1, 128),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        documents = analysis.documents_of(inputs["documents"])
        found = analysis.keywords(documents, self.number("limit"))
        return {
            "rows": [
                {"name": name, "keywords": best}
                for (name, _), best in zip(documents, found)
            ]
        }


class FrequenciesNode(TextNode):
    """Finds the most frequent words."""

    specification = NodeSpecification(
        node_type="frequencies",
        display_name="Word Frequencies",
        category="Text",
        description="Finds the most frequent words of all documents "
        "together",
        icon="📊",
        color=COLOR,
        inputs=[DOCUMENTS],
        outputs=[
            PortSpecification(
                "rows",
                "list",
                "Rows",
                "A mapping of name and count for each word, the most "
                "frequent first",
            )
        ],
        parameters=[
            ParameterSpecification(
                "limit",
                "integer",
                "Limit",
                "How many words to return",
                20,
                {"min": 1, "max": 1000},
            ),
            ParameterSpecification(
                "common",
                "boolean",
                "Common Words",
                "Whether words such as 'the' and 'of' count",
                False,
                ui_component="checkbox",
            ),
        ],
        resource_requirements=ResourceRequirement(1, 128),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        found = analysis.frequencies(
            analysis.documents_of(inputs["documents"]),
            self.number("limit"),
            bool(self.parameters["common"]),
        )
        return {
            "rows": [{"name": word, "count": count} for word, count in found]
        }


class JoinNode(TextNode):
    """Puts texts together."""

    specification = NodeSpecification(
        node_type="join",
        display_name="Join Texts",
        category="Text",
        description="Puts texts together, in the order of the connections",
        icon="🔗",
        color=COLOR,
        inputs=[
            PortSpecification(
                "texts", "string", "Texts", "The parts", multiple=True
            )
        ],
        outputs=[
            PortSpecification("text", "string", "Text", "The whole")
        ],
        parameters=[
            ParameterSpecification(
                "separator",
                "string",
                "Separator",
                "What stands between two parts",
                "\n",
            )
        ],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        texts = inputs.get("texts")
        return isinstance(texts, list) and all(
            isinstance(text, str) for text in texts
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        separator = str(self.parameters["separator"])
        return {"text": separator.join(inputs["texts"])}


class TemplateNode(TextNode):
    """Fills a template."""

    specification = NodeSpecification(
        node_type="template",
        display_name="Fill Template",
        category="Text",
        description="Replaces {placeholders} in a text by values",
        icon="🧩",
        color=COLOR,
        inputs=[
            PortSpecification(
                "values",
                "mapping",
                "Values",
                "Mappings from names to values; a later one wins",
                multiple=True,
            )
        ],
        outputs=[
            PortSpecification("text", "string", "Text", "The filled text")
        ],
        parameters=[
            ParameterSpecification(
                "template",
                "string",
                "Template",
                "Text with placeholders such as {name}, {words:,} or "
                "{share:.1%}",
                "",
            ),
            ParameterSpecification(
                "escape",
                "string",
                "Escape",
                "Whether the values are made safe for HTML",
                "html",
                {"enum": ["html", "none"]},
                "select",
            ),
        ],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        values = inputs.get("values")
        return isinstance(values, list) and all(
            isinstance(mapping, dict) for mapping in values
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        merged: Dict[str, Any] = {}
        for mapping in inputs["values"]:
            merged.update(mapping)
        escape = self.parameters["escape"] != "none"
        template = str(self.parameters["template"])
        return {"text": fill(template, merged, escape)}


class TextPlugin(DeclaredPlugin):
    """The plugin `text`."""

    nodes = (
        CountNode,
        CompareNode,
        KeywordsNode,
        FrequenciesNode,
        JoinNode,
        TemplateNode,
    )
