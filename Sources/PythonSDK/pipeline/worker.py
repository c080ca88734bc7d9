"""The program inside a plugin's sandbox: it serves calls until told to stop.

The protocol is described in the documentation's page "The worker protocol".
The main thread runs the calls, one after the other; which thread reads them
is in `pipeline._calls`.
"""

from __future__ import annotations

import os
import sys

from pipeline import __version__, _attempts, _failures, _frames, _json, _logs
from pipeline._calls import Calls, expect
from pipeline._failures import Failure
from pipeline._frames import ProtocolError
from pipeline._operations import Operations
from pipeline._scope import send_log
from pipeline._start import Start
from pipeline._wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from pipeline._scope import CallScope
    from pipeline._transfer import IncomingCall
    from pipeline.plugin import BasePlugin

# sysexits.h: EX_SOFTWARE, EX_PROTOCOL.
EXIT_FAILED = 70
EXIT_PROTOCOL = 76


def main(fd: int = 3) -> int:
    """Runs the worker on a connected socket.

    :returns: the exit status: 0 after a shutdown, 70 when the plugin couldn't
        be started, 76 when the supervisor broke the protocol
    """
    for stream in (sys.stdout, sys.stderr):
        # A line that was printed is a line in the log, whatever it holds.
        stream.reconfigure(  # type: ignore[union-attr]
            line_buffering=True, errors="backslashreplace"
        )
    try:
        return Worker(Connection(fd)).run()
    except ProtocolError as error:
        print(f"the supervisor broke the protocol: {error}", file=sys.stderr)
        return EXIT_PROTOCOL


def leave(status: int) -> None:
    """Ends the process without waiting for threads that a plugin forgot."""
    _flush()
    os._exit(status)


class Worker:
    """One plugin and the connection that it serves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._process = os.getpid()
        self._calls = Calls(connection)
        self._running: Optional[CallScope] = None
        # A child that a plugin forks has no business with the supervisor.
        os.register_at_fork(after_in_child=connection.abandon)

    def run(self) -> int:
        """Starts the plugin, serves its calls and stops it.

        :returns: the exit status
        :raises ProtocolError: when the supervisor breaks a rule
        """
        version = ".".join(str(part) for part in sys.version_info[:3])
        self._connection.send_object(
            _frames.HELLO,
            0,
            {
                "protocol": _frames.PROTOCOL,
                "sdk": f"pipeline {__version__}",
                "language": f"python {version}",
            },
        )
        _logs.install(self._record)
        _attempts.install()
        frame = self._connection.receive()
        if frame is None or frame.kind == _frames.SHUTDOWN:
            return 0
        expect(frame, _frames.INITIALIZE)
        start = Start(_frames.parse_object(frame.body))
        try:
            plugin = start.plugin()
        except Failure as failure:
            _flush()
            self._connection.send_object(_frames.ERROR, 0, failure.body())
            return EXIT_FAILED
        self._connection.send_object(_frames.READY, 0, {})
        self._calls.watch()
        operations = Operations(plugin, start.workspace, start.scratch)
        while True:
            item = self._calls.next()
            if item is None:
                break
            self._serve(operations, *item)
        _shut_down(plugin)
        if self._calls.broken is not None:
            raise self._calls.broken
        return 0

    def _serve(
        self, operations: Operations, call: IncomingCall, scope: CallScope
    ) -> None:
        """Runs one call on the main thread and answers it."""
        self._running = scope
        _attempts.forget()
        try:
            try:
                body, shared = operations.carry_out(call, scope)
            except Failure:
                raise
            except BaseException as error:
                raise Failure.of(_failures.ERROR, error) from None
            kind = _frames.RESULT
        except Failure as failure:
            kind, shared = _frames.ERROR, []
            body = _json.dumps(_with_tests(failure.body(), scope))
        if os.getpid() != self._process:
            # A forked child came back out of the plugin's code.
            os._exit(EXIT_FAILED)
        _flush()
        self._running = None
        scope.answer(kind, body, [memory.fd for memory in shared])
        self._calls.forget(call)

    def _record(self, level: str, logger: str, message: str) -> None:
        """Takes what plugins log."""
        scope = self._running
        if scope is None or not scope.record(level, logger, message):
            send_log(self._connection, 0, level, logger, message)


def _with_tests(told: Dict[str, Any], scope: CallScope) -> Dict[str, Any]:
    """An error's object, and the tests that the call has reported."""
    if scope.tests is None:
        return told
    from pipeline._test_report import attached

    return attached(told, scope.tests)


def _shut_down(plugin: BasePlugin) -> None:
    try:
        plugin.shutdown()
    except BaseException as error:
        print(
            f"shutdown failed:\n{_failures.traceback_of(error)}",
            file=sys.stderr,
        )


def _flush() -> None:
    """Lets out what was printed; a plugin may have closed the streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
