"""A stand-in for the engine, for tests."""

from __future__ import annotations

import os
import shutil
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from pipeline.context import ExecutionContext


class _Recorder:
    """The channel of a context that keeps what is said."""

    def __init__(self) -> None:
        self.cancelled = False
        self.progress_reports: List[Tuple[Optional[float], str]] = []
        self.logs: List[Tuple[str, str]] = []
        self.tests: Optional[Dict[str, Any]] = None
        self.on_cancel_actions: List[Callable[[], object]] = []

    def progress(self, fraction: Optional[float], message: str) -> None:
        self.progress_reports.append((fraction, message))

    def log(self, level: str, message: str) -> None:
        self.logs.append((level, message))

    def report_tests(self, report: Dict[str, Any]) -> None:
        self.tests = report

    def on_cancel(self, action: Callable[[], object]) -> None:
        if self.cancelled:
            action()
        else:
            self.on_cancel_actions.append(action)


class FakeExecutionContext(ExecutionContext):
    """A context that keeps what a node says, and cancels when it is told to.

    With `plugin test --sandboxed`, what a node says is kept once it is done,
    and only a cancel from before it starts reaches it.
    """

    def __init__(
        self,
        run_id: str = "test",
        node_id: str = "node",
        attempt: int = 1,
        deadline: Optional[float] = None,
        workspace: Optional[str] = None,
        scratch: str = "/tmp",
        secrets: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._recorder = _Recorder()
        super().__init__(
            run_id,
            node_id,
            attempt,
            deadline,
            workspace,
            scratch,
            self._recorder,
            secrets,
        )

    @property
    def progress_reports(self) -> List[Tuple[Optional[float], str]]:
        """What `progress` was told: fraction and message."""
        return self._recorder.progress_reports

    @property
    def logs(self) -> List[Tuple[str, str]]:
        """What `log` was told: level and message."""
        return self._recorder.logs

    @property
    def tests(self) -> Optional[Dict[str, Any]]:
        """The last report of tests that the node ran, as it is sent."""
        return self._recorder.tests

    def set_secret(self, name: str, text: str) -> None:
        """Entrusts the node with a secret."""
        self._secrets = type(self._secrets)({**self._secrets, name: text})

    def cancel(self) -> None:
        """Asks the node to stop."""
        recorder = self._recorder
        recorder.cancelled = True
        actions, recorder.on_cancel_actions = recorder.on_cancel_actions, []
        for action in actions:
            action()


def empty_directory(path: str) -> None:
    """Removes what is in a directory."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
