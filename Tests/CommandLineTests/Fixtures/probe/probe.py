import ctypes
import os
import resource
import time

from pipeline import (
    BaseNode,
    BasePlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)


# For a node that returns none of its outputs.
NOTHING = object()


class ProbePlugin(BasePlugin):
    def initialize(self, context):
        self.initialized = True
        ProbeNode.available = context.available_resources

    def shutdown(self):
        self.initialized = False

    def get_node_types(self):
        return [
            NodeSpecification(
                node_type="probe",
                display_name="Probe",
                category="Test",
                description="Does what a test asks for",
                inputs=[
                    PortSpecification(
                        name="input", type="any", display_name="Input",
                        description="Anything", required=False,
                    )
                ],
                outputs=[
                    PortSpecification(
                        name="output", type="any", display_name="Output",
                        description="What came of it",
                    )
                ],
                parameters=[
                    ParameterSpecification(
                        name="do", type="string", display_name="Do",
                        description="What to do", default="echo",
                    ),
                    ParameterSpecification(
                        name="value", type="any", display_name="Value",
                        description="To do it with", default=None,
                    ),
                    ParameterSpecification(
                        name="estimate", type="string", display_name="Estimate",
                        description="An expression for the answer of estimate_resources", default="None",
                    ),
                    # One of those that take exponential time for what doesn't match.
                    ParameterSpecification(
                        name="word", type="string", display_name="Word",
                        description="Letters only", default="",
                        constraints={"pattern": "^([a-z]*)*$"},
                    ),
                ],
            )
        ]

    def create_node(self, node_type, parameters):
        return ProbeNode(node_type, parameters)


class ProbeNode(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        names = {"inputs": inputs, "os": os, "time": time, "needs": ResourceRequirement}
        return eval(self.parameters["estimate"], names)

    def execute(self, inputs, context):
        action = getattr(self, "do_" + self.parameters["do"])
        output = action(self.parameters["value"], inputs, context)
        return {} if output is NOTHING else {"output": output}

    def do_echo(self, value, inputs, context):
        given = inputs.get("input")
        return value if given is None else given

    def on_error(self, error, context):
        return {"output": "fallback"} if self.parameters["do"] == "recover" else None

    def do_recover(self, value, inputs, context):
        raise ValueError(value)

    def do_blob(self, value, inputs, context):
        return bytes(value)

    def do_limit(self, value, inputs, context):
        return list(resource.getrlimit(resource.RLIMIT_NOFILE))

    def do_available(self, value, inputs, context):
        return [self.available.available_cpu, self.available.available_memory]

    def do_size(self, value, inputs, context):
        return len(inputs["input"])

    def do_sleep(self, value, inputs, context):
        steps = 20
        for step in range(steps):
            context.progress(step / steps, f"step {step}")
            time.sleep(value / steps)
            context.raise_if_cancelled()
        return value

    def do_hang(self, value, inputs, context):
        context.progress(0.5, "hanging")
        while True:
            time.sleep(1)

    def do_fail(self, value, inputs, context):
        print("about to fail", flush=True)
        raise ValueError(value)

    def do_crash(self, value, inputs, context):
        print("last words", flush=True)
        ctypes.string_at(0)

    def do_exit(self, value, inputs, context):
        os._exit(value)

    def do_noise(self, value, inputs, context):
        print("\x1b[2J\x1b]0;owned\x07\u202eevil\x9b31m", flush=True)
        context.log("\x1b[2Jlog\u202e", level="warning")
        context.progress(0.5, "\x1b[2Jprogress\u202e")
        return "\x1b[2Jresult\u202e"

    def do_write(self, value, inputs, context):
        (context.workspace / "result.txt").write_text(value)
        return value

    def do_python(self, value, inputs, context):
        names = {"workspace": context.workspace, "context": context, "os": os, "nothing": NOTHING}
        exec(value, names)
        return names.get("result")

    def do_read(self, value, inputs, context):
        with open(value) as file:
            return file.read()
