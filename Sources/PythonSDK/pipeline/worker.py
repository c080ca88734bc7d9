"""The program inside a plugin's sandbox: it serves calls until told to stop.

The protocol is described in the documentation's page "The worker protocol".
One thread reads the socket and acknowledges calls; the main thread runs them,
one after the other.
"""

from __future__ import annotations

import os
import queue
import sys
import threading

from pipeline import __version__, _attempts, _failures, _frames, _json, _logs
from pipeline._failures import Failure
from pipeline._frames import ProtocolError
from pipeline._operations import Operations
from pipeline._scope import CallScope, send_log
from pipeline._start import Start
from pipeline._transfer import IncomingCall, open_call
from pipeline._wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

    from pipeline._wire import Frame
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
        # From the reader to the main thread; None is the last.
        self._calls: queue.SimpleQueue[
            Optional[Tuple[IncomingCall, CallScope]]
        ] = queue.SimpleQueue()
        self._scopes: Dict[int, CallScope] = {}
        self._running: Optional[CallScope] = None
        self._broken: Optional[BaseException] = None
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
        _expect(frame, _frames.INITIALIZE)
        start = Start(_frames.parse_object(frame.body))
        try:
            plugin = start.plugin()
        except Failure as failure:
            _flush()
            self._connection.send_object(_frames.ERROR, 0, failure.body())
            return EXIT_FAILED
        self._connection.send_object(_frames.READY, 0, {})
        threading.Thread(target=self._read, daemon=True).start()
        operations = Operations(plugin, start.workspace, start.scratch)
        while True:
            item = self._calls.get()
            if item is None:
                break
            self._serve(operations, *item)
        _shut_down(plugin)
        if self._broken is not None:
            raise self._broken
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
        del self._scopes[call.number]

    def _read(self) -> None:
        """The reader's thread: hands on calls until the stream ends."""
        orderly = False
        try:
            orderly = self._read_frames()
        except BaseException as error:
            self._broken = error
        finally:
            if not orderly:
                # Nobody is left to take the results.
                for scope in list(self._scopes.values()):
                    scope.cancel()
            self._calls.put(None)

    def _read_frames(self) -> bool:
        """True after a shutdown frame, false at the end of the stream.

        :raises ProtocolError: when the supervisor breaks a rule
        """
        last = 0
        while True:
            frame = self._connection.receive()
            if frame is None:
                return False
            if frame.kind == _frames.SHUTDOWN:
                _expect(frame, _frames.SHUTDOWN)
                return True
            if frame.kind == _frames.CANCEL:
                _frames.parse_object(frame.body)
                scope = self._scopes.get(frame.call)
                if scope is not None:
                    scope.cancel()
                continue
            if frame.kind != _frames.CALL:
                raise ProtocolError(
                    f"a frame of kind {frame.kind} is out of order"
                )
            if frame.call <= last:
                raise ProtocolError(
                    f"call {frame.call} doesn't come after call {last}"
                )
            last = frame.call
            self._accept(open_call(frame))
            # It may hold secrets, and the next may be long in coming.
            del frame

    def _accept(self, call: IncomingCall) -> None:
        node = call.metadata.get("node")
        logger = f"node.{node}" if isinstance(node, str) else "node"
        scope = CallScope(self._connection, call.number, logger)
        self._scopes[call.number] = scope
        self._connection.send(_frames.ACK, call.number)
        self._calls.put((call, scope))

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


def _expect(frame: Frame, kind: int) -> None:
    if frame.kind != kind or frame.call or frame.descriptors:
        raise ProtocolError(
            f"expected a frame of kind {kind} and no call, got one of kind "
            f"{frame.kind} for call {frame.call}"
        )


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
