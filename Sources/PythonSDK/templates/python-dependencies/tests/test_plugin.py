"""Run with `orchestrator plugin test`, which brings the fixtures."""

from __future__ import annotations

import pytest
from pipeline.testing import InputsRefused, NodeRunner


def test_mean_and_deviation_are_told(run_node: NodeRunner) -> None:
    outputs = run_node("statistics", {"numbers": [1, 2, 3, 4]})
    assert outputs["mean"] == 2.5
    assert outputs["deviation"] == pytest.approx(1.118, abs=0.001)


def test_a_sample_takes_two_numbers(run_node: NodeRunner) -> None:
    with pytest.raises(InputsRefused):
        run_node("statistics", {"numbers": [1]}, {"degrees_lost": 1})
