"""What is known of many numbers."""

from __future__ import annotations

from typing import Any, Dict

import numpy
from pipeline import (
    DeclaredNode,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)


class StatisticsNode(DeclaredNode):
    """Mean and spread of numbers."""

    specification = NodeSpecification(
        node_type="statistics",
        display_name="Statistics",
        category="Examples",
        description="Mean and standard deviation of numbers",
        icon="📊",
        color="#2f6f8f",
        inputs=[
            PortSpecification(
                name="numbers",
                type="list<number>",
                display_name="Numbers",
                description="What is looked at, at least one",
            )
        ],
        outputs=[
            PortSpecification(
                name="mean",
                type="number",
                display_name="Mean",
                description="The arithmetic mean",
            ),
            PortSpecification(
                name="deviation",
                type="number",
                display_name="Deviation",
                description="The standard deviation",
            ),
        ],
        parameters=[
            ParameterSpecification(
                name="degrees_lost",
                type="integer",
                display_name="Degrees lost",
                description="0 for all that there is, 1 for a sample",
                default=0,
                constraints={"min": 0, "max": 1},
                ui_component="slider",
            )
        ],
        resource_requirements=ResourceRequirement(cpu_cores=0.5, memory_mb=128),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        lost: int = self.parameters["degrees_lost"]
        return len(inputs["numbers"]) > lost

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        numbers = numpy.array(inputs["numbers"], dtype=float)
        lost = self.parameters["degrees_lost"]
        return {
            "mean": float(numbers.mean()),
            "deviation": float(numbers.std(ddof=lost)),
        }
