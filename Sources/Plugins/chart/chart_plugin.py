"""Charts, tables and pages."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from chart_bar import bars
from chart_heatmap import heatmap
from chart_numbers import FORMATS, is_number, show
from chart_page import page, section, table
from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

COLOR = "#b3541e"
SMALL = ResourceRequirement(cpu_cores=0.5, memory_mb=64)
TITLE = ParameterSpecification(
    "title", "string", "Title", "The heading above it", ""
)
TEXT = ParameterSpecification(
    "text",
    "string",
    "Text",
    "What the reader should see in it; an empty line parts paragraphs",
    "",
)
FORMAT = ParameterSpecification(
    "format",
    "string",
    "Number Format",
    "How values are written",
    "auto",
    {"enum": list(FORMATS)},
    "select",
)
SVG = PortSpecification("svg", "string", "SVG", "The drawing on its own")
SECTION = PortSpecification(
    "section", "mapping", "Section", "For the sections of a page"
)


class ChartNode(DeclaredNode):
    """What the nodes of this plugin share."""

    def text(self, name: str) -> str:
        """A parameter as text."""
        return str(self.parameters[name])

    def columns(self, name: str) -> List[Dict[str, Any]]:
        """A parameter that is a list of mappings with a `field`.

        :raises ValueError: when it isn't
        """
        value = self.parameters.get(name)
        if not isinstance(value, list) or not all(
            isinstance(item, dict) and isinstance(item.get("field"), str)
            for item in value
        ):
            raise ValueError(
                f"'{name}' is a list of mappings with a 'field', such as "
                "{field: words, title: Words, format: integer}"
            )
        return value


class BarNode(ChartNode):
    """Draws horizontal bars."""

    specification = NodeSpecification(
        node_type="bar",
        display_name="Bar Chart",
        category="Charts",
        description="Draws a bar for each row",
        icon="📊",
        color=COLOR,
        inputs=[
            PortSpecification(
                "rows",
                "list",
                "Rows",
                "Mappings that hold a name and a number from 0",
            )
        ],
        outputs=[SVG, SECTION],
        parameters=[
            TITLE,
            TEXT,
            ParameterSpecification(
                "name",
                "string",
                "Name Field",
                "The key of the name in a row",
                "name",
            ),
            ParameterSpecification(
                "value",
                "string",
                "Value Field",
                "The key of the number in a row",
                "value",
            ),
            ParameterSpecification(
                "unit", "string", "Unit", "What is counted", ""
            ),
            FORMAT,
            ParameterSpecification(
                "order",
                "string",
                "Order",
                "The highest first, or as the rows come",
                "descending",
                {"enum": ["descending", "given"]},
                "select",
            ),
        ],
        resource_requirements=SMALL,
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        rows = inputs.get("rows")
        if not isinstance(rows, list):
            return False
        key = self.text("value")
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict) or not is_number(row.get(key)):
                raise ValueError(f"row {number} has no number '{key}'")
        return True

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        name, value = self.text("name"), self.text("value")
        rows: List[Tuple[str, float]] = [
            (str(row.get(name, "")), row[value]) for row in inputs["rows"]
        ]
        if self.text("order") == "descending":
            rows.sort(key=lambda row: (-row[1], row[0]))
        svg = bars(
            rows,
            self.text("title") or "Bar chart",
            self.text("unit"),
            self.text("format"),
        )
        return {
            "svg": svg,
            "section": section(
                self.text("title"), self.text("text"), svg=svg
            ),
        }


class HeatmapNode(ChartNode):
    """Draws a matrix."""

    specification = NodeSpecification(
        node_type="heatmap",
        display_name="Heat Map",
        category="Charts",
        description="Draws a square matrix of shares from 0 to 1",
        icon="🟦",
        color=COLOR,
        inputs=[
            PortSpecification(
                "matrix",
                "mapping",
                "Matrix",
                "labels, and values as a list of rows",
            )
        ],
        outputs=[SVG, SECTION],
        parameters=[TITLE, TEXT],
        resource_requirements=SMALL,
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        matrix = inputs.get("matrix")
        if not isinstance(matrix, dict):
            return False
        labels, values = matrix.get("labels"), matrix.get("values")
        return (
            isinstance(labels, list)
            and isinstance(values, list)
            and all(
                isinstance(row, list) and all(is_number(v) for v in row)
                for row in values
            )
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        matrix = inputs["matrix"]
        svg = heatmap(
            [str(label) for label in matrix["labels"]],
            matrix["values"],
            self.text("title") or "Heat map",
        )
        return {
            "svg": svg,
            "section": section(
                self.text("title"), self.text("text"), svg=svg
            ),
        }


class TableNode(ChartNode):
    """Sets rows as a table."""

    specification = NodeSpecification(
        node_type="table",
        display_name="Table",
        category="Charts",
        description="Sets rows as a table; rows of several sources are "
        "put together by a key",
        icon="▦",
        color=COLOR,
        inputs=[
            PortSpecification(
                "rows",
                "list",
                "Rows",
                "Lists of mappings; the first decides the order",
                multiple=True,
            )
        ],
        outputs=[SECTION],
        parameters=[
            TITLE,
            TEXT,
            ParameterSpecification(
                "key",
                "string",
                "Key",
                "What rows of the same thing have in common",
                "name",
            ),
            ParameterSpecification(
                "columns",
                "list",
                "Columns",
                "Mappings with field, title and format",
                [],
            ),
        ],
        resource_requirements=SMALL,
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        sources = inputs.get("rows")
        return isinstance(sources, list) and all(
            isinstance(rows, list)
            and all(isinstance(row, dict) for row in rows)
            for rows in sources
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        key = self.text("key")
        merged: Dict[Any, Dict[str, Any]] = {}
        for rows in inputs["rows"]:
            for row in rows:
                merged.setdefault(str(row.get(key)), {}).update(row)
        content = table(list(merged.values()), self.columns("columns"))
        return {
            "section": section(
                self.text("title"), self.text("text"), table=content
            )
        }


class FiguresNode(ChartNode):
    """Sets a few numbers large."""

    specification = NodeSpecification(
        node_type="figures",
        display_name="Key Figures",
        category="Charts",
        description="Sets a few values large, each with its label",
        icon="🔟",
        color=COLOR,
        inputs=[
            PortSpecification(
                "values",
                "mapping",
                "Values",
                "Mappings that hold the fields",
                multiple=True,
            )
        ],
        outputs=[SECTION],
        parameters=[
            TITLE,
            TEXT,
            ParameterSpecification(
                "figures",
                "list",
                "Figures",
                "Mappings with field, title and format",
                [],
            ),
        ],
        resource_requirements=SMALL,
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
        figures = []
        for figure in self.columns("figures"):
            field = figure["field"]
            if field not in merged:
                raise ValueError(
                    f"there is no value '{field}'; there are: "
                    f"{', '.join(sorted(merged))}"
                )
            value = show(merged[field], str(figure.get("format", "auto")))
            label = figure.get("title", field.replace("_", " "))
            figures.append({"label": str(label), "value": value})
        return {
            "section": section(
                self.text("title"), self.text("text"), figures=figures
            )
        }


class PageNode(ChartNode):
    """Sets sections on a page."""

    specification = NodeSpecification(
        node_type="page",
        display_name="HTML Page",
        category="Charts",
        description="Sets sections on one HTML page that loads nothing "
        "and runs nothing",
        icon="📰",
        color=COLOR,
        inputs=[
            PortSpecification(
                "sections",
                "mapping",
                "Sections",
                "From charts, tables and figures, in their order",
                multiple=True,
            ),
            PortSpecification(
                "lead",
                "string",
                "Lead",
                "The paragraph below the title",
                required=False,
                default="",
            ),
        ],
        outputs=[
            PortSpecification("html", "string", "HTML", "The whole page")
        ],
        parameters=[
            TITLE,
            ParameterSpecification(
                "footer", "string", "Footer", "The last line", ""
            ),
            ParameterSpecification(
                "language",
                "string",
                "Language",
                "The page's language, as in en or pt-BR",
                "en",
                {"pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
            ),
        ],
        resource_requirements=SMALL,
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        sections = inputs.get("sections")
        return (
            isinstance(sections, list)
            and all(isinstance(part, dict) for part in sections)
            and isinstance(inputs.get("lead") or "", str)
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        return {
            "html": page(
                self.text("title"),
                inputs.get("lead") or "",
                inputs["sections"],
                self.text("footer"),
                self.text("language"),
            )
        }


class ChartPlugin(DeclaredPlugin):
    """The plugin `chart`."""

    nodes = (
        BarNode,
        HeatmapNode,
        TableNode,
        FiguresNode,
        PageNode,
    )
