"""Frames over a Unix socket, with their file descriptors."""

from __future__ import annotations

import os
import threading
from _socket import (
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    MSG_CTRUNC,
    SCM_RIGHTS,
    SOL_SOCKET,
    socket,
)
from collections import deque
from select import POLLIN, poll

from pipeline import _frames, _json
from pipeline._frames import Header, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, List, Optional, Sequence, Tuple

_DESCRIPTOR_BYTES = 4
_CHUNK = 65_536
_ANCILLARY = CMSG_SPACE(_frames.MAXIMUM_DESCRIPTORS * _DESCRIPTOR_BYTES)
_HEADER_SIZE = _frames.HEADER.size


class Frame:
    """A received frame; it owns its descriptors until they are taken."""

    __slots__ = ("kind", "call", "body", "descriptors")

    def __init__(
        self, kind: int, call: int, body: bytes, descriptors: List[int]
    ) -> None:
        self.kind = kind
        self.call = call
        self.body = body
        self.descriptors = descriptors


class Connection:
    """The worker's end of the socket.

    One thread may receive; any thread may send.
    """

    def __init__(self, fd: int) -> None:
        """
        :raises OSError: when the descriptor isn't a socket
        """
        os.set_inheritable(fd, False)
        self._socket = socket(fileno=fd)
        self._arrival = poll()
        self._arrival.register(fd, POLLIN)
        self._sending = threading.Lock()
        self._closed = False
        self._buffer = bytearray()
        # Where the buffer begins in the stream, and each descriptor with the
        # place before which its frame must have begun.
        self._consumed = 0
        self._descriptors: Deque[Tuple[int, int]] = deque()

    def send(
        self,
        kind: int,
        call: int = 0,
        body: bytes = b"",
        descriptors: Sequence[int] = (),
    ) -> None:
        """Sends one frame; does nothing once the other end is gone.

        :raises ValueError: when the frame exceeds a limit
        """
        frame = _frames.pack(kind, call, body, len(descriptors))
        with self._sending:
            if self._closed:
                return
            try:
                if descriptors:
                    # They go out with the first byte.
                    sent = self._socket.sendmsg([frame], _rights(descriptors))
                else:
                    # Raises no audit event, unlike sendmsg.
                    sent = self._socket.send(frame)
                if sent < len(frame):
                    view = memoryview(frame)
                    while sent < len(frame):
                        sent += self._socket.send(view[sent:])
            except OSError:
                self._closed = True

    def send_object(self, kind: int, call: int, value: Any) -> None:
        """Sends a frame whose body is one JSON object."""
        self.send(kind, call, _json.dumps(value))

    def receive(self) -> Optional[Frame]:
        """Waits for the next frame; None at the end of the stream.

        :raises ProtocolError: when the other end breaks a rule
        """
        while len(self._buffer) < _HEADER_SIZE:
            if not self._read(_CHUNK):
                if self._buffer or self._descriptors:
                    raise ProtocolError("the stream ends within a frame")
                return None
        header = Header.unpack(self._buffer)
        begin = self._consumed
        length = _HEADER_SIZE + header.length
        while len(self._buffer) < length:
            if not self._read(max(_CHUNK, length - len(self._buffer))):
                raise ProtocolError("the stream ends within a frame")
        with memoryview(self._buffer) as view:
            body = bytes(view[_HEADER_SIZE:length])
        del self._buffer[:length]
        self._consumed += length
        return Frame(
            header.kind, header.call, body, self._claim(header, begin)
        )

    def abandon(self) -> None:
        """Leaves the connection to another process, after a fork."""
        self._sending = threading.Lock()
        self._closed = True
        self._socket.close()

    def _claim(self, header: Header, begin: int) -> List[int]:
        """Takes the frame's descriptors out of the queue."""
        if not header.descriptors and not self._descriptors:
            return []
        if len(self._descriptors) < header.descriptors:
            raise ProtocolError("a descriptor of a frame didn't come with it")
        taken = [
            self._descriptors.popleft() for _ in range(header.descriptors)
        ]
        if any(begin >= before for _, before in taken):
            raise ProtocolError("a descriptor came before its frame")
        if any(before <= self._consumed for _, before in self._descriptors):
            raise ProtocolError("a descriptor belongs to no frame")
        return [fd for fd, _ in taken]

    def _read(self, size: int) -> bool:
        """Adds to the buffer; false at the end of the stream."""
        try:
            # The kernel wakes recvmsg(2) also when the other end has taken
            # what was sent to it; poll(2) only when there is something here.
            self._arrival.poll()
        except OSError:
            # Then recvmsg waits, or tells why there is nothing to wait for.
            pass
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(
                size, _ANCILLARY, MSG_CMSG_CLOEXEC
            )
        except OSError:
            # Reset, or closed by the plugin: the other end is out of reach.
            return False
        end = self._consumed + len(self._buffer) + len(data)
        for level, kind, payload in ancillary:
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                self._descriptors.extend(
                    (
                        int.from_bytes(payload[i : i + 4], "little"),
                        end,
                    )
                    for i in range(0, len(payload) - 3, 4)
                )
        if flags & MSG_CTRUNC:
            raise ProtocolError("too many descriptors came at once")
        self._buffer += data
        return bool(data)


def _rights(descriptors: Sequence[int]) -> List[Tuple[int, int, bytes]]:
    """The ancillary data that carries them: unix(7)."""
    packed = b"".join(
        fd.to_bytes(_DESCRIPTOR_BYTES, "little") for fd in descriptors
    )
    return [(SOL_SOCKET, SCM_RIGHTS, packed)]
