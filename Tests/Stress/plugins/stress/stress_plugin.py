"""Runs one command and tells how it ended."""

import subprocess

from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

# Of what the command wrote.
CHARACTERS = 6000


class Stress(BasePlugin):
    def initialize(self, context):
        pass

    def shutdown(self):
        pass

    def get_node_types(self):
        return [
            NodeSpecification(
                node_type="command",
                display_name="Command",
                category="Tests",
                description="Runs one command",
                outputs=[
                    PortSpecification(
                        name="result", type="any", display_name="Result",
                        description="Its status and its last words",
                    )
                ],
                parameters=[
                    ParameterSpecification(
                        name="command", type="any", display_name="Command",
                        description="The program and its arguments", default=[],
                    )
                ],
            )
        ]

    def create_node(self, node_type, parameters):
        return Command(parameters)


class Command(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        return ResourceRequirement()

    def execute(self, inputs, context):
        done = subprocess.run(
            self.parameters["command"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd="/tmp",
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"},
        )
        text = done.stdout.decode(errors="replace")
        return {"result": {"status": done.returncode, "output": text[-CHARACTERS:]}}
