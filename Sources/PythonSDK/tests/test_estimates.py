"""What a worker answers when it is asked what a node will need."""

from __future__ import annotations

import pytest

from supervisor import Launch


def test_estimate_returns_the_resources(launch: Launch) -> None:
    worker = launch("return {}")
    call = worker.send_call(
        {"operation": "estimate", "node_type": "probe", "parameters": {}}
    )
    answer, _ = worker.answer(call)
    assert answer.values() == (
        {
            "resources": {
                "cpu_cores": 1.5,
                "memory_mb": 256,
                "gpu_count": 0,
                "gpu_memory_mb": 0,
            }
        },
        {},
    )


@pytest.mark.parametrize(
    "answer",
    [
        "ResourceRequirement(memory_mb=-1)",
        "ResourceRequirement(cpu_cores=float('nan'))",
        "ResourceRequirement(cpu_cores=float('inf'))",
        "ResourceRequirement(memory_mb=1e30)",
        "ResourceRequirement(memory_mb='256')",
        "ResourceRequirement(memory_mb=True)",
        "{'memory_mb': 256}",
        "256",
    ],
)
def test_an_estimate_that_is_no_amount_is_an_error(
    launch: Launch, answer: str
) -> None:
    worker = launch(
        "return {}",
        f"""
        ProbeNode.estimate_resources = lambda self, inputs: {answer}
        """,
    )
    error = worker.error(
        worker.send_call(
            {"operation": "estimate", "node_type": "probe", "parameters": {}}
        )
    )
    assert error["class"] == "output"
    assert error["message"].startswith("estimate_resources: ")
    assert worker.outputs(worker.send_execute("probe")) == {}


def test_an_estimate_may_be_left_to_the_specification(launch: Launch) -> None:
    worker = launch(
        "return {}",
        """
        ProbeNode.estimate_resources = lambda self, inputs: None
        """,
    )
    call = worker.send_call(
        {"operation": "estimate", "node_type": "probe", "parameters": {}}
    )
    answer, _ = worker.answer(call)
    assert answer.values() == ({"resources": None}, {})
