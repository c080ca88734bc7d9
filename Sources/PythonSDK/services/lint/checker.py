"""Looks at a plugin's Python files, for `orchestrator plugin lint`.

It is a plugin itself, so that other people's files are parsed in a sandbox
that may do nothing. Nothing of them is run.
"""

from __future__ import annotations

import ast
import sys
import warnings
from typing import Any, Dict, Iterator, List, Set, Tuple

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
)

# Of all files together; more say nothing new.
MAXIMUM = 500
# Functions of modules that do more than their module says.
_TELLING = {"os", "asyncio"}


class CheckNode(DeclaredNode):
    """Parses files, and tells what they import."""

    specification = NodeSpecification(
        node_type="check",
        display_name="Check",
        category="Lint",
        description="Parses Python files",
        inputs=[
            PortSpecification(
                "sources", "bytes", "Sources", "", False, multiple=True
            )
        ],
        outputs=[PortSpecification("found", "mapping", "Found", "")],
        parameters=[
            ParameterSpecification("paths", "list", "Paths", "", []),
        ],
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        paths: List[str] = self.parameters["paths"]
        sources: List[bytes] = inputs.get("sources", [])
        own = {path.split("/")[0] for path in paths}
        own |= {path.rsplit("/", 1)[-1] for path in paths}
        own = {name[: -len(".py")] if "." in name else name for name in own}
        problems: List[Dict[str, Any]] = []
        uses: List[Dict[str, Any]] = []
        for path, source in zip(paths, sources):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(source, path)
                    compile(tree, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError) as error:
                problems.append(_problem(path, error))
                continue
            for name, line in _uses(tree):
                top = name.split(".")[0]
                uses.append(
                    {
                        "path": path,
                        "line": line,
                        "name": name[:200],
                        "kind": _kind(top, own),
                    }
                )
        return {
            "found": {"problems": problems[:MAXIMUM], "uses": uses[:MAXIMUM]}
        }


class Plugin(DeclaredPlugin):
    """The checker."""

    nodes = (CheckNode,)


def _problem(path: str, error: Exception) -> Dict[str, Any]:
    line = getattr(error, "lineno", None)
    column = getattr(error, "offset", None)
    message = getattr(error, "msg", None) or str(error)
    if isinstance(error, RecursionError):
        message = "it is nested too deeply"
    return {
        "path": path,
        "line": max(1, line) if isinstance(line, int) else 1,
        "column": max(1, column) if isinstance(column, int) else 1,
        "message": message[:1000],
    }


def _uses(tree: ast.AST) -> Iterator[Tuple[str, int]]:
    """What is imported and, of some modules, called; each once."""
    seen: Set[str] = set()
    for node in ast.walk(tree):
        for name in _names(node):
            if name not in seen:
                seen.add(name)
                yield name, getattr(node, "lineno", 1)


def _names(node: ast.AST) -> List[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level or not node.module:
            return []
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in _TELLING:
            return [f"{node.value.id}.{node.attr}"]
    return []


def _kind(top: str, own: Set[str]) -> str:
    if top == "pipeline" or top in own:
        return "own"
    # Python 3.10 and later.
    standard = getattr(sys, "stdlib_module_names", sys.builtin_module_names)
    return "standard" if top in standard else "other"
