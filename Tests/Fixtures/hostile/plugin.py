"""A plugin that nobody should install: see plugin.yaml."""

import os
import sys

from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attempts_arguments  # noqa: E402, F401
import attempts_egress  # noqa: E402, F401
import attempts_execution  # noqa: E402, F401
import attempts_files  # noqa: E402, F401
import attempts_kernel  # noqa: E402, F401
import attempts_network  # noqa: E402, F401
import attempts_processes  # noqa: E402, F401
import attempts_published  # noqa: E402, F401
from harness import ATTEMPTS, run  # noqa: E402
from misbehaviour import MANNERS  # noqa: E402
from sweep import sweep  # noqa: E402


def result_port():
    return PortSpecification(
        name="result", type="any", display_name="Result", description="What happened"
    )


def choice(name, title, values):
    return ParameterSpecification(
        name=name,
        type="string",
        display_name=title,
        description=title,
        default=values[0],
        constraints={"enum": values},
        ui_component="select",
    )


class Hostile(BasePlugin):
    def initialize(self, context):
        self.initialized = True

    def shutdown(self):
        self.initialized = False

    def get_node_types(self):
        return [
            NodeSpecification(
                node_type="probe",
                display_name="Probe",
                category="Hostile",
                description="Tries one way out of the sandbox",
                outputs=[result_port()],
                parameters=[
                    choice("attempt", "Attempt", sorted(ATTEMPTS)),
                    ParameterSpecification(
                        name="facts",
                        type="mapping",
                        display_name="Facts",
                        description="What the tests prepared on the host",
                        default={},
                    ),
                ],
            ),
            NodeSpecification(
                node_type="sweep",
                display_name="Sweep",
                category="Hostile",
                description="Makes every system call",
                outputs=[result_port()],
            ),
            NodeSpecification(
                node_type="misbehave",
                display_name="Misbehave",
                category="Hostile",
                description="Breaks the protocol, or itself",
                outputs=[result_port()],
                parameters=[choice("manner", "Manner", sorted(MANNERS))],
            ),
        ]

    def create_node(self, node_type, parameters):
        return {"probe": Probe, "sweep": Sweep, "misbehave": Misbehave}[node_type](
            parameters
        )


class Node(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        return ResourceRequirement()


class Probe(Node):
    def execute(self, inputs, context):
        facts = self.parameters.get("facts") or {}
        return {"result": run(self.parameters["attempt"], facts)}


class Sweep(Node):
    def execute(self, inputs, context):
        return {"result": sweep()}


class Misbehave(Node):
    def execute(self, inputs, context):
        return MANNERS[self.parameters["manner"]]()
