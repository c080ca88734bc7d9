"""Sealed shared memory (memfd_create(2), fcntl(2) F_ADD_SEALS).

A sealed memory file can't change any more, so its receiver may map it without
fear that the sender rewrites or truncates it meanwhile.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap
    from typing import Iterable, Optional, Union

    Buffer = Union[bytes, bytearray, memoryview, mmap]

# linux/memfd.h; os.MFD_NOEXEC_SEAL is younger than the Pythons we support.
_MFD_NOEXEC_SEAL = 0x0008
# linux/fcntl.h: SEAL, SHRINK, GROW and WRITE.
SEALS = 0x0001 | 0x0002 | 0x0004 | 0x0008


class SealError(ValueError):
    """A descriptor that isn't what its sender says."""


class SealedMemory:
    """Owns the descriptor of a sealed memory file and closes it."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self._map: Optional[mmap] = None

    def __del__(self) -> None:
        # Interpreter shutdown may have taken `os` away already.
        if os is not None and self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    def buffer(self) -> Buffer:
        """The content, without a copy; it outlives this object."""
        if self.size == 0:
            return b""
        if self._map is None:
            import mmap

            # Private: before Linux 6.7 a shared mapping of write-sealed
            # memory is refused even where it is read-only.
            self._map = mmap.mmap(
                self.fd, self.size, mmap.MAP_PRIVATE, mmap.PROT_READ
            )
        return self._map


def adopt(fd: int, size: int) -> SealedMemory:
    """Takes over a received descriptor, after checking its seals and size.

    :raises SealError: when it isn't sealed memory of that size; the
        descriptor is closed
    """
    import fcntl

    memory = SealedMemory(fd, size)
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        raise SealError("the descriptor isn't a memory file") from None
    if seals & SEALS != SEALS:
        raise SealError(f"the memory file lacks seals: it has {seals:#x}")
    actual = os.fstat(fd).st_size
    if actual != size:
        raise SealError(f"the memory file has {actual} bytes, not {size}")
    return memory


def create(chunks: Iterable[Buffer]) -> SealedMemory:
    """Puts the chunks one after the other into new sealed memory.

    :raises OSError: when there is no memory left
    """
    memory = SealedMemory(_unsealed(), 0)
    for chunk in chunks:
        with memoryview(chunk) as view:
            offset = 0
            while offset < len(view):
                offset += os.write(memory.fd, view[offset:])
            memory.size += offset
    _seal(memory.fd)
    return memory


def snapshot(file: int) -> SealedMemory:
    """Copies an open file, inside the kernel, into new sealed memory.

    :raises OSError: when the file can't be read or there is no memory left
    """
    memory = SealedMemory(_unsealed(), 0)
    while True:
        count = os.sendfile(memory.fd, file, memory.size, 1 << 30)
        if count == 0:
            break
        memory.size += count
    _seal(memory.fd)
    return memory


def _unsealed() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        # A sandbox may close every other way to get executable memory.
        return os.memfd_create("pipeline", flags | _MFD_NOEXEC_SEAL)
    except OSError:
        # Linux before 6.3 doesn't know the flag.
        return os.memfd_create("pipeline", flags)


def _seal(fd: int) -> None:
    import fcntl

    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
