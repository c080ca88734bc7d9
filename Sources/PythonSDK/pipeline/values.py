"""How values cross from one node to the next.

Plain values travel as JSON; `bytes`, NumPy arrays and files as what they are.
Nothing is ever pickled. Content above 64 KiB travels in sealed shared memory,
and arrays are handed to the receiver as a read-only view of that memory.
"""

from __future__ import annotations

import sys

from pipeline import _json, _memory
from pipeline.files import INLINE_LIMIT, File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Union

    Content = Union[bytes, _memory.SealedMemory]

__all__ = [
    "ARROW",
    "BYTES",
    "CODECS",
    "DecodingError",
    "Encoded",
    "EncodingError",
    "FILE",
    "File",
    "INLINE_LIMIT",
    "JSON",
    "NUMPY",
    "decode",
    "encode",
]

# The codec numbers of the protocol.
JSON, BYTES, NUMPY, FILE, ARROW = range(5)
CODECS = (JSON, BYTES, NUMPY, FILE, ARROW)
# What is JSON at first sight.
_PLAIN = frozenset({bool, dict, float, int, list, str, tuple, type(None)})


class EncodingError(TypeError, ValueError):
    """A value that can't be carried to another node."""


class DecodingError(ValueError):
    """Content that isn't what its codec says."""


class Encoded:
    """A value as the protocol carries it.

    :ivar codec: one of `CODECS`
    :ivar label: the file's name for `FILE`, otherwise empty
    :ivar size: the length of the content in bytes
    """

    def __init__(
        self, codec: int, chunks: List[_memory.Buffer], label: str = ""
    ) -> None:
        self.codec = codec
        self.label = label
        self.size = sum([memoryview(chunk).nbytes for chunk in chunks])
        self._chunks = chunks
        self._memory: Union[_memory.SealedMemory, None] = None

    @classmethod
    def of_file(cls, file: File) -> Encoded:
        """A file's content goes out as it came in, without a copy."""
        content = file.content
        if isinstance(content, bytes):
            return cls(FILE, [content], file.name)
        encoded = cls(FILE, [], file.name)
        encoded.size = content.size
        encoded._memory = content
        return encoded

    def inline(self) -> bytes:
        """The whole content as bytes."""
        if self._memory is not None:
            return bytes(self._memory.buffer())
        return b"".join(self._chunks)

    def shared(self) -> _memory.SealedMemory:
        """The whole content in sealed memory.

        :raises OSError: when there is no memory left
        """
        if self._memory is None:
            self._memory = _memory.create(self._chunks)
        return self._memory


def encode(value: Any) -> Encoded:
    """Prepares a value for its way to another node.

    Equal values give equal bytes, as far as their mappings have the same
    order. NumPy scalars become plain numbers and tuples become lists.

    :raises EncodingError: when it can't be carried, saying why and where
    """
    if type(value) not in _PLAIN:
        if isinstance(value, File):
            return Encoded.of_file(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Encoded(BYTES, [bytes(value)])
        if _is_array(value):
            from pipeline import _numpy

            return Encoded(NUMPY, _numpy.chunks(value))
    try:
        return Encoded(JSON, [_json.dumps(value)])
    except _json.JSONError as error:
        raise EncodingError(str(error)) from None


def decode(codec: int, label: str, content: Content) -> Any:
    """Makes the value again.

    :raises DecodingError: when the content isn't what the codec says, or
        needs a library that isn't there
    """
    if codec == JSON:
        try:
            return _json.loads(
                content
                if isinstance(content, bytes)
                else bytes(content.buffer())
            )
        except _json.JSONError as error:
            raise DecodingError(str(error)) from None
    if codec == FILE:
        try:
            return File(label, content)
        except ValueError as error:
            raise DecodingError(str(error)) from None
    data = content if isinstance(content, bytes) else content.buffer()
    if codec == NUMPY:
        from pipeline import _numpy

        return _numpy.view(data)
    if codec == BYTES:
        return bytes(data)
    if codec == ARROW:
        return _arrow(data)
    raise DecodingError(f"there is no codec {codec}")


def _is_array(value: Any) -> bool:
    """Asks without importing NumPy: no array exists before that."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _arrow(data: _memory.Buffer) -> Any:
    try:
        import pyarrow  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise DecodingError(
            "the value is an Arrow table, and pyarrow isn't installed; add it "
            "to the manifest's dependencies"
        ) from None
    try:
        return pyarrow.ipc.open_stream(pyarrow.py_buffer(data)).read_all()
    except pyarrow.ArrowException as error:
        raise DecodingError(f"not an Arrow stream: {error}") from None
