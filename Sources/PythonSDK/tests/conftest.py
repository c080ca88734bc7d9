"""What the tests share: a supervisor, and probes to load into its worker."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from supervisor import Launch, Supervisor, write_probe


@pytest.fixture
def supervisors() -> Iterator[Callable[[], Supervisor]]:
    """Makes supervisors with a worker each, and ends them."""
    made: List[Supervisor] = []

    def make() -> Supervisor:
        made.append(Supervisor())
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.close()


@pytest.fixture
def supervisor(supervisors: Callable[[], Supervisor]) -> Supervisor:
    """A supervisor whose worker has started, and was told nothing yet."""
    return supervisors()


@pytest.fixture
def launch(tmp_path: Path, supervisor: Supervisor) -> Launch:
    """Starts a worker with a probe that does what a piece of code says."""

    def start(execute: str, more: str = "") -> Supervisor:
        supervisor.start(write_probe(tmp_path / "plugin", execute, more))
        return supervisor

    return start
