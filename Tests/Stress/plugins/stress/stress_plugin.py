"""Runs one command and tells how it ended."""

import subprocess

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
)

# Of what the command wrote.
CHARACTERS = 6000


class Command(DeclaredNode):
    specification = NodeSpecification(
        "command", "Command", "Tests", "Runs one command",
        outputs=[PortSpecification("result", "any", "Result", "Its status and its last words")],
        parameters=[
            ParameterSpecification("command", "any", "Command", "The program and its arguments", [])
        ],
    )

    def execute(self, inputs, context):
        done = subprocess.run(
            self.parameters["command"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd="/tmp",
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"},
        )
        text = done.stdout.decode(errors="replace")
        return {"result": {"status": done.returncode, "output": text[-CHARACTERS:]}}


class Stress(DeclaredPlugin):
    nodes = (Command,)
