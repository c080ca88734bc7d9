"""CPython's own test suite as nodes: a module each."""

import base64
import json
import os
import sys
import zlib

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import measure, start_copy, start_program  # noqa: E402


class Module(DeclaredNode):
    specification = NodeSpecification(
        "module", "Test module", "Tests", "Runs one module of CPython's test suite",
        outputs=[
            PortSpecification("result", "any", "Result", "Which tests passed, and what the others said")
        ],
        parameters=[
            ParameterSpecification("module", "string", "Module", "Its name, such as test_os", ""),
            ParameterSpecification("seconds", "integer", "Seconds", "How long it may take", 60),
            ParameterSpecification(
                "program", "boolean", "Program",
                "Whether the module is a program of its own or a copy of the worker", True,
            ),
        ],
    )

    def execute(self, inputs, context):
        measured = measure(
            self.parameters["module"], self.parameters["seconds"],
            start_program if self.parameters["program"] else start_copy,
        )
        # Small enough for the report of the run to show it whole.
        packed = zlib.compress(json.dumps(measured).encode(), 9)
        return {"result": base64.b64encode(packed).decode()}


class Suite(DeclaredPlugin):
    nodes = (Module,)
