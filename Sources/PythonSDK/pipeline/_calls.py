"""The calls that the supervisor sends, and which thread reads them.

While the main thread has nothing to run it reads the socket itself, so that
the next call needs no hand-over between threads. What comes while it runs a
call, such as a cancel, is read by a second thread: the watcher. Most calls are
over before it wakes.
"""

from __future__ import annotations

import threading
import time
from _queue import SimpleQueue
from collections import deque

from pipeline import _frames
from pipeline._frames import ProtocolError
from pipeline._scope import CallScope
from pipeline._transfer import open_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Dict, Optional, Tuple

    from pipeline._transfer import IncomingCall
    from pipeline._wire import Connection, Frame

# How long a call may run before the watcher reads, in seconds: what comes
# earlier waits that long.
_PATIENCE = 0.01


class Calls:
    """Accepts calls and cancels until the stream ends.

    :ivar broken: why no more calls are read; None after an orderly end
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.broken: Optional[BaseException] = None
        self._accepted: Deque[Tuple[IncomingCall, CallScope]] = deque()
        self._scopes: Dict[int, CallScope] = {}
        self._last = 0
        # Held by the thread that reads.
        self._reading = threading.Lock()
        # No more is read, by nobody.
        self._ended = False
        # Whether the main thread runs a call.
        self._busy = False
        # Whether the watcher waits to be told of the next call.
        self._resting = False
        self._begun: SimpleQueue[None] = SimpleQueue()

    def watch(self) -> None:
        """Starts the watcher."""
        threading.Thread(target=self._watch, daemon=True).start()

    def next(self) -> Optional[Tuple[IncomingCall, CallScope]]:
        """Waits for the next call, which then runs; None after the last.

        For the main thread.
        """
        # In this order: the watcher looks at `_busy` after each call that it
        # accepts, and reads on only where this will see that call.
        self._busy = False
        while True:
            ended = self._ended
            if self._accepted:
                break
            if ended:
                return None
            with self._reading:
                if not self._accepted and not self._ended:
                    self._read()
        self._busy = True
        if self._resting:
            self._resting = False
            self._begun.put(None)
        return self._accepted.popleft()

    def forget(self, call: IncomingCall) -> None:
        """Ends a call that was answered."""
        del self._scopes[call.number]

    def _watch(self) -> None:
        """The watcher's thread."""
        while not self._ended:
            # In this order: the main thread does the opposite.
            self._resting = True
            if not self._busy:
                self._begun.get()
            time.sleep(_PATIENCE)
            while self._busy and not self._ended:
                with self._reading:
                    if self._busy and not self._ended:
                        self._read()

    def _read(self) -> None:
        """Reads one frame and does what it asks for."""
        orderly = False
        try:
            frame = self._connection.receive()
            if frame is not None and frame.kind != _frames.SHUTDOWN:
                self._take(frame)
                return
            if frame is not None:
                expect(frame, _frames.SHUTDOWN)
                orderly = True
        except BaseException as error:
            self.broken = error
        if not orderly:
            # Nobody is left to take the results.
            for scope in list(self._scopes.values()):
                scope.cancel()
        self._ended = True

    def _take(self, frame: Frame) -> None:
        """
        :raises ProtocolError: when the supervisor breaks a rule
        """
        if frame.kind == _frames.CANCEL:
            _frames.parse_object(frame.body)
            scope = self._scopes.get(frame.call)
            if scope is not None:
                scope.cancel()
            return
        if frame.kind != _frames.CALL:
            raise ProtocolError(
                f"a frame of kind {frame.kind} is out of order"
            )
        if frame.call <= self._last:
            raise ProtocolError(
                f"call {frame.call} doesn't come after call {self._last}"
            )
        self._last = frame.call
        call = open_call(frame)
        node = call.metadata.get("node")
        logger = f"node.{node}" if isinstance(node, str) else "node"
        scope = CallScope(self._connection, call.number, logger)
        self._scopes[call.number] = scope
        self._connection.send(_frames.ACK, call.number)
        self._accepted.append((call, scope))


def expect(frame: Frame, kind: int) -> None:
    """
    :raises ProtocolError: when the frame isn't of that kind, or has a call or
        descriptors
    """
    if frame.kind != kind or frame.call or frame.descriptors:
        raise ProtocolError(
            f"expected a frame of kind {kind} and no call, got one of kind "
            f"{frame.kind} for call {frame.call}"
        )
