"""Files as values that travel from node to node."""

from __future__ import annotations

import io
import os

from pipeline import _memory
from pipeline._frames import is_file_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO, Optional, Union

# Content up to this size stays in the process; the rest is shared memory.
INLINE_LIMIT = 65_536


class File:
    """A name and a content that never changes.

    It may be passed wherever Python takes a path (`open(file)`); that writes
    a copy into the temporary directory, under the file's own name. `view()`
    and `open()` read it without a copy.
    """

    def __init__(
        self,
        name: str,
        content: Union[_memory.Buffer, _memory.SealedMemory],
    ) -> None:
        """
        :param name: without directories, at most 255 bytes as UTF-8
        :raises ValueError: when the name isn't a file's
        """
        _check_name(name)
        self._name = name
        self._path: Optional[str] = None
        self._content: Union[bytes, _memory.SealedMemory]
        if isinstance(content, (bytes, _memory.SealedMemory)):
            self._content = content
        elif len(content) <= INLINE_LIMIT:
            self._content = bytes(content)
        else:
            self._content = _memory.create([content])

    @classmethod
    def from_path(
        cls, path: Union[str, os.PathLike[str]], name: Optional[str] = None
    ) -> File:
        """Takes the content that the file has now.

        :param name: the file's own name where left out
        :raises OSError: when it can't be read
        """
        path = os.fspath(path)
        if name is None:
            name = os.path.basename(path)
        with open(path, "rb") as file:
            return cls.from_descriptor(file.fileno(), name)

    @classmethod
    def from_descriptor(cls, fd: int, name: str) -> File:
        """Takes the content that a file has now, which was just opened.

        :raises OSError: when it can't be read
        """
        if os.fstat(fd).st_size > INLINE_LIMIT:
            return cls(name, _memory.snapshot(fd))
        with open(fd, "rb", closefd=False) as file:
            return cls(name, file.read())

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> File:
        """A file of these bytes."""
        return cls(name, content)

    @classmethod
    def from_text(cls, text: str, name: str, encoding: str = "utf-8") -> File:
        """A file of this text."""
        return cls(name, text.encode(encoding))

    @property
    def name(self) -> str:
        """The file's name, without directories."""
        return self._name

    @property
    def size(self) -> int:
        """The length of the content in bytes."""
        if isinstance(self._content, bytes):
            return len(self._content)
        return self._content.size

    @property
    def content(self) -> Union[bytes, _memory.SealedMemory]:
        """The content as it is stored; for the framework."""
        return self._content

    def view(self) -> memoryview:
        """The content, read-only and without a copy."""
        if isinstance(self._content, bytes):
            return memoryview(self._content)
        return memoryview(self._content.buffer())

    def read_bytes(self) -> bytes:
        """The content as bytes."""
        if isinstance(self._content, bytes):
            return self._content
        return bytes(self.view())

    def read_text(
        self, encoding: str = "utf-8", errors: str = "strict"
    ) -> str:
        """The content as text.

        :raises UnicodeDecodeError: when it isn't text of that encoding
        """
        return str(self.view(), encoding, errors)

    def open(self) -> BinaryIO:
        """The content as an open file, at its beginning."""
        return io.BufferedReader(_Reader(self.view()))

    def write_to(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the content to a path, over what lies there.

        :raises OSError: when that fails
        """
        with open(path, "wb") as file:
            file.write(self.view())

    def __fspath__(self) -> str:
        if self._path is None:
            import tempfile

            directory = tempfile.mkdtemp(prefix="pipeline-file-")
            path = os.path.join(directory, self._name)
            self.write_to(path)
            self._path = path
        return self._path

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, File):
            return NotImplemented
        return self._name == other._name and self.view() == other.view()

    def __hash__(self) -> int:
        return hash((self._name, self.size))

    def __repr__(self) -> str:
        return f"File({self._name!r}, {self.size} bytes)"


def _check_name(name: str) -> None:
    problem = None
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        length = 0
        problem = "isn't text"
    if name in ("", ".", ".."):
        problem = "is no file's name"
    elif not is_file_text(name):
        problem = "holds a slash, a control character or a direction mark"
    elif length > 255:
        problem = "is longer than 255 bytes"
    if problem:
        raise ValueError(f"the file name {name!r:.80} {problem}")


class _Reader(io.RawIOBase):
    """Reads a buffer that is never copied as a whole."""

    def __init__(self, view: memoryview) -> None:
        super().__init__()
        self._view = view
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._position,
            os.SEEK_END: len(self._view),
        }[whence]
        if start + offset < 0:
            raise ValueError("can't seek to before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        part = self._view[self._position : self._position + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)
