"""Puts the plugins and the SDK on the path, and starts their workers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

HERE = Path(__file__).resolve().parent
SDK = HERE.parent / "PythonSDK"
PLUGINS = ("files", "text", "chart", "command")
for directory in (SDK, SDK / "tests", *(HERE / name for name in PLUGINS)):
    sys.path.insert(0, str(directory))

from supervisor import RESULT, Supervisor  # noqa: E402


@pytest.fixture
def started() -> Iterator[Callable[..., Supervisor]]:
    """Starts the real worker of a plugin, which sees a workspace or none."""
    supervisors: List[Supervisor] = []

    def start(name: str, workspace: Optional[Path] = None) -> Supervisor:
        supervisor = Supervisor()
        supervisors.append(supervisor)
        supervisor.workspace = None if workspace is None else str(workspace)
        entry_point = f"{name}_plugin.py"
        supervisor.start(HERE / name, name=name, entry_point=entry_point)
        return supervisor

    yield start
    for supervisor in supervisors:
        supervisor.close()


@pytest.fixture
def described(
    started: Callable[..., Supervisor],
) -> Callable[[str], List[Dict[str, Any]]]:
    """The node types that a plugin names when its real worker is asked."""

    def describe(name: str) -> List[Dict[str, Any]]:
        supervisor = started(name)
        call = supervisor.send_call({"operation": "describe"})
        answer, _ = supervisor.answer(call)
        assert answer.kind == RESULT, answer.object
        node_types: List[Dict[str, Any]] = answer.values()[0]["node_types"]
        return node_types

    return describe
