"""One call, from its ack to its answer: what it sends, and its cancel."""

from __future__ import annotations

import threading
import time

from pipeline import _frames
from pipeline._failures import traceback_of
from pipeline._frames import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence

    from pipeline._wire import Connection

# At most 20 progress frames a second are useful.
_INTERVAL = 0.05


class CallScope:
    """The channel of a call's context; threads may share it.

    After its answer a call says nothing more: what a plugin's thread sends
    late is dropped.
    """

    def __init__(self, connection: Connection, call: int, logger: str) -> None:
        """
        :param logger: the name under which `context.log` speaks
        """
        self._connection = connection
        self._call = call
        self._logger = logger
        self._lock = threading.RLock()
        self._open = True
        self._cancelled = False
        self._pending: Optional[Dict[str, Any]] = None
        self._timer: Optional[threading.Timer] = None
        self._last = float("-inf")
        # Whether the plugin has been told of the cancel.
        self.noticed = False
        # What was reported last, as `_test_report.checked` returns it.
        self.tests: Optional[Dict[str, Any]] = None
        # Not the lock of what is sent: sending may have to wait.
        self._cancelling = threading.Lock()
        self._on_cancel: List[Callable[[], object]] = []

    def cancel(self) -> None:
        """Asks the call to stop."""
        with self._cancelling:
            self._cancelled = True
            actions, self._on_cancel = self._on_cancel, []
        for action in actions:
            try:
                action()
            except BaseException as error:
                self.log("error", f"on_cancel failed:\n{traceback_of(error)}")

    def on_cancel(self, action: Callable[[], object]) -> None:
        """Has something done when it is asked to stop; at once, if it was."""
        with self._cancelling:
            if not self._cancelled:
                self._on_cancel.append(action)
                return
        action()

    @property
    def cancel_requested(self) -> bool:
        """Whether it was asked to stop, without counting as noticed."""
        return self._cancelled

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop, as its plugin asks."""
        # Read once: another thread may set it between two readings.
        cancelled = self._cancelled
        if cancelled:
            self.noticed = True
        return cancelled

    def progress(self, fraction: Optional[float], message: str) -> None:
        """Sends progress now, or a little later if it comes too fast."""
        with self._lock:
            if not self._open:
                return
            self._pending = {"fraction": fraction, "message": cut(message)}
            wait = self._last + _INTERVAL - time.monotonic()
            if wait <= 0:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self._late)
                self._timer.daemon = True
                self._timer.start()

    def report_tests(self, report: Dict[str, Any]) -> None:
        """Keeps a report for the answer, in place of the one before."""
        self.tests = report

    def log(self, level: str, message: str) -> None:
        """Sends a log line of the node."""
        self.record(level, self._logger, message)

    def record(self, level: str, logger: str, message: str) -> bool:
        """Sends a log line; false when the call is over."""
        with self._lock:
            if self._open:
                send_log(self._connection, self._call, level, logger, message)
            return self._open

    def answer(
        self, kind: int, body: bytes, descriptors: Sequence[int] = ()
    ) -> None:
        """Sends the last progress, then the call's result or error.

        :raises ValueError: when the frame is too long; the call stays open
        """
        with self._lock:
            self._flush()
            self._connection.send(kind, self._call, body, descriptors)
            self._open = False
            if self._timer is not None:
                self._timer.cancel()

    def _late(self) -> None:
        with self._lock:
            self._timer = None
            if self._open:
                self._flush()

    def _flush(self) -> None:
        if self._pending is not None:
            self._connection.send_object(
                _frames.PROGRESS, self._call, self._pending
            )
            self._pending = None
            self._last = time.monotonic()


def send_log(
    connection: Connection, call: int, level: str, logger: str, message: str
) -> None:
    """Sends one log frame."""
    connection.send_object(
        _frames.LOG,
        call,
        {"level": level, "logger": cut(logger), "message": cut(message)},
    )
