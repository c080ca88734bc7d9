"""Runs a command as a process group of its own, of which nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Callable, Mapping, Optional, Sequence

# Seconds from SIGTERM to SIGKILL. The engine gives a node as long.
GRACE = 2.0

OnCancel = Callable[[Callable[[], object]], object]


def run(
    arguments: Sequence[str],
    directory: str,
    environment: Mapping[str, str],
    on_cancel: OnCancel,
) -> int:
    """Runs a program to its end, and ends what is left of its group.

    It inherits standard output and standard error and no other descriptor,
    and reads nothing.

    :param on_cancel: has what it is given called when the program is to stop;
        all of its group gets SIGTERM then, and SIGKILL where that isn't enough
    :returns: its exit status; below 0, the signal that ended it
    :raises OSError: when it can't be started
    """
    group = _Group()
    on_cancel(group.stop)
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            cwd=directory,
            env=environment,
            close_fds=True,
            start_new_session=True,
        )
    except BaseException:
        group.close()
        raise
    group.open(process.pid)
    try:
        # Without reaping it: its number is the group's for as long.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        group.signal(signal.SIGKILL)
        group.close()
        status = process.wait()
    return status


class _Group:
    """A process group that is to be, is, or was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number: Optional[int] = None
        # Whether it is open or over, whether it is to stop, and its end.
        self._begun = threading.Event()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        # Started before the command, which may leave no room for a thread.
        threading.Thread(target=self._watch, daemon=True).start()

    def open(self, number: int) -> None:
        """Signals reach it from here on."""
        with self._lock:
            self._number = number
        self._begun.set()

    def close(self) -> None:
        """No signal reaches it any more: its number may become another's."""
        with self._lock:
            self._number = None
        for event in (self._ended, self._begun, self._wanted):
            event.set()

    def stop(self) -> None:
        """Ends it soon, without waiting for that."""
        self._wanted.set()

    def signal(self, number: int) -> None:
        """Sends a signal to all that is left of it."""
        with self._lock:
            if self._number is not None:
                try:
                    os.killpg(self._number, number)
                except (ProcessLookupError, PermissionError):
                    # Nothing is left, or nothing that is ours to signal.
                    pass

    def _watch(self) -> None:
        self._wanted.wait()
        self._begun.wait()
        self.signal(signal.SIGTERM)
        if not self._ended.wait(GRACE):
            self.signal(signal.SIGKILL)
