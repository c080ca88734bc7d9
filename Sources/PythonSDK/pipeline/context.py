"""What a running node can ask of, and say to, the engine."""

from __future__ import annotations

import time

from pipeline._secrets import Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import (
        Any,
        Callable,
        Dict,
        Iterable,
        Mapping,
        Optional,
        Protocol,
    )

    class Channel(Protocol):
        """Where a context's words go, and where it learns of a cancel."""

        @property
        def cancelled(self) -> bool: ...

        def progress(
            self, fraction: Optional[float], message: str
        ) -> None: ...

        def log(self, level: str, message: str) -> None: ...

        def report_tests(self, report: Dict[str, Any]) -> None: ...

        def on_cancel(self, action: Callable[[], object]) -> None: ...


LEVELS = ("debug", "info", "warning", "error")


class Cancelled(Exception):
    """The engine asked the node to stop."""


class ExecutionContext:
    """The engine, as a node sees it while it executes.

    :ivar run_id: the run, as text
    :ivar node_id: the node's name in the workflow
    :ivar attempt: 1 for the first attempt, 2 for the first retry
    :ivar deadline: when the node must be done, on the clock of
        `time.monotonic()`; None without a limit
    """

    def __init__(
        self,
        run_id: str = "",
        node_id: str = "",
        attempt: int = 1,
        deadline: Optional[float] = None,
        workspace: Optional[str] = None,
        scratch: str = "/tmp",
        channel: Optional[Channel] = None,
        secrets: Optional[Mapping[str, str]] = None,
    ) -> None:
        """
        :param workspace: the path of the run's workspace; None where the
            plugin may not see it
        :param scratch: a directory of the worker's own, gone when it ends
        :param channel: where progress and logs go; None drops them
        :param secrets: what the call was entrusted with
        """
        self.run_id = run_id
        self.node_id = node_id
        self.attempt = attempt
        self.deadline = deadline
        self._workspace = workspace
        self._scratch = scratch
        self._channel = channel
        # The worker's own are emptied when the call is over: no copy of them.
        if not isinstance(secrets, Secrets):
            secrets = Secrets(secrets)
        self._secrets = secrets

    @property
    def workspace(self) -> Optional[Path]:
        """The directory the nodes of the run share.

        None unless the plugin holds `filesystem.read` or `filesystem.write`.
        """
        if self._workspace is None:
            return None
        from pathlib import Path

        return Path(self._workspace)

    @property
    def scratch(self) -> Path:
        """A directory for temporary files, which nobody else sees."""
        from pathlib import Path

        return Path(self._scratch)

    @property
    def secrets(self) -> Secrets:
        """What the workflow entrusts to this call: texts by their names.

        They are in no log and no representation, and gone once the call is
        over. Keep none of them elsewhere.
        """
        return self._secrets

    @property
    def cancelled(self) -> bool:
        """Whether the engine asked this call to stop.

        A node that has seen True may return anything: the call counts as
        cancelled.
        """
        return self._channel is not None and self._channel.cancelled

    def raise_if_cancelled(self) -> None:
        """Leaves the node at once when the engine asked it to stop.

        :raises Cancelled: which a node should let pass
        """
        if self.cancelled:
            raise Cancelled("the engine asked the node to stop")

    def on_cancel(self, action: Callable[[], object]) -> None:
        """Has something done as soon as the engine asks the node to stop, for
        a node that waits: at once where it has asked already, and never
        after the call.

        :param action: is called once, on another thread or in here, and has
            to return soon, as the `set` of a `threading.Event` does
        """
        if self._channel is not None:
            self._channel.on_cancel(action)

    def remaining(self) -> Optional[float]:
        """Seconds until the deadline, at least 0; None without one."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - time.monotonic())

    def progress(
        self, fraction: Optional[float], message: str = ""
    ) -> None:
        """Says how far the node is; cheap enough for an inner loop.

        :param fraction: from 0 to 1 (what lies outside is clipped), or None
            where the node can't know
        :raises ValueError: when the fraction isn't a number
        """
        if fraction is not None:
            fraction = float(fraction)
            if fraction != fraction:
                raise ValueError("the progress of a node can't be NaN")
            fraction = min(1.0, max(0.0, fraction))
        if self._channel is not None:
            self._channel.progress(fraction, str(message))

    def log(self, message: str, level: str = "info") -> None:
        """Writes a line to the run's log.

        :param level: `debug`, `info`, `warning` or `error`
        :raises ValueError: for any other level
        """
        if level not in LEVELS:
            raise ValueError(
                f"unknown log level {level!r}; use one of {', '.join(LEVELS)}"
            )
        if self._channel is not None:
            self._channel.log(level, str(message))

    def report_tests(
        self, suites: Iterable[Mapping[str, Any]], omitted: int = 0
    ) -> None:
        """Hands over the results of tests that the node ran; the last report
        counts. They go with the node's answer, whether it is a result or an
        error.

            context.report_tests([{"name": "unit", "cases": [
                {"name": "adds", "class": "Sums", "seconds": 0.1,
                 "outcome": "failed", "message": "1 + 1 is 3",
                 "details": "sums.py:7"}]}])

        An outcome is `passed`, `failed`, `error` or `skipped`; all else of a
        case may be left out. Texts are cut to 4,096 characters. Where it is
        too much for one answer, details are left out first, then cases: those
        that passed before those that were skipped, and these before the rest.

        :param omitted: how many cases `suites` leaves out already
        :raises ValueError: when something in it is of another kind
        """
        from pipeline._test_report import checked

        report = checked(suites, omitted)
        if self._channel is not None:
            self._channel.report_tests(report)
