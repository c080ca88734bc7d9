"""CPython's own test suite as nodes: a module each."""

import base64
import json
import os
import sys
import zlib

from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import measure  # noqa: E402


class Suite(BasePlugin):
    def initialize(self, context):
        pass

    def shutdown(self):
        pass

    def get_node_types(self):
        return [
            NodeSpecification(
                node_type="module",
                display_name="Test module",
                category="Tests",
                description="Runs one module of CPython's test suite",
                outputs=[
                    PortSpecification(
                        name="result", type="any", display_name="Result",
                        description="Which tests passed, and what the others said",
                    )
                ],
                parameters=[
                    ParameterSpecification(
                        name="module", type="string", display_name="Module",
                        description="Its name, such as test_os", default="",
                    ),
                    ParameterSpecification(
                        name="seconds", type="integer", display_name="Seconds",
                        description="How long it may take", default=60,
                    ),
                ],
            )
        ]

    def create_node(self, node_type, parameters):
        return Module(parameters)


class Module(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        return ResourceRequirement()

    def execute(self, inputs, context):
        measured = measure(self.parameters["module"], self.parameters["seconds"])
        # Small enough for the report of the run to show it whole.
        packed = zlib.compress(json.dumps(measured).encode(), 9)
        return {"result": base64.b64encode(packed).decode()}
