"""The frames of the worker protocol and the values inside them.

Pure: bytes in, bytes out. The socket is in `pipeline._wire`.
"""

from __future__ import annotations

import re
from struct import Struct

from pipeline import _json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence, Tuple

(
    HELLO,
    INITIALIZE,
    READY,
    CALL,
    ACK,
    RESULT,
    ERROR,
    PROGRESS,
    LOG,
    CANCEL,
    SHUTDOWN,
) = range(1, 12)

PROTOCOL = 1
MAXIMUM_BODY = 16 * 1024 * 1024
MAXIMUM_DESCRIPTORS = 64
MAXIMUM_METADATA = 1_048_576
MAXIMUM_VALUES = 1_024
MAXIMUM_TEXT = 65_536
MAXIMUM_CONTENT = 2**40
SINGLE = 0xFFFFFFFF

# length, kind, flags, descriptors, call id
HEADER = Struct("<IBBHQ")
# codec, storage, name, label, zero, position, zero, length
_ENTRY = Struct("<BBHHHIIQ")
_COUNT = Struct("<I")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# Beyond ASCII, what may not be in a file's name: C1 controls, direction marks,
# separators of lines, the byte order mark, annotations and tags.
_HOSTILE = (
    (0x80, 0x9F),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2066, 0x2069),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)


class ProtocolError(Exception):
    """The other end broke a rule of the protocol."""


class Header:
    """The 16 bytes before a body."""

    __slots__ = ("length", "kind", "descriptors", "call")

    def __init__(
        self, length: int, kind: int, descriptors: int, call: int
    ) -> None:
        self.length = length
        self.kind = kind
        self.descriptors = descriptors
        self.call = call

    @classmethod
    def unpack(cls, data: bytes | bytearray) -> Header:
        """Reads what the data begins with.

        :raises ProtocolError: when a field is outside its limits
        """
        length, kind, flags, descriptors, call = HEADER.unpack_from(data)
        if length > MAXIMUM_BODY:
            raise ProtocolError(
                f"a body of {length} bytes is longer than {MAXIMUM_BODY}"
            )
        if not HELLO <= kind <= SHUTDOWN:
            raise ProtocolError(f"there is no frame of kind {kind}")
        if flags:
            raise ProtocolError(f"the flags {flags:#x} must be 0")
        if descriptors > MAXIMUM_DESCRIPTORS:
            raise ProtocolError(
                f"a frame with {descriptors} descriptors; at most "
                f"{MAXIMUM_DESCRIPTORS} are allowed"
            )
        return cls(length, kind, descriptors, call)


def pack(kind: int, call: int, body: bytes, descriptors: int = 0) -> bytes:
    """A whole frame.

    :raises ValueError: when the body is too long
    """
    if len(body) > MAXIMUM_BODY:
        raise ValueError(f"the frame is longer than {MAXIMUM_BODY} bytes")
    return HEADER.pack(len(body), kind, 0, descriptors, call) + body


class Entry:
    """One value of a call or a result.

    :ivar position: the place in a port that takes several, or `SINGLE`
    :ivar content: the inline bytes, or None where a descriptor holds them
    """

    __slots__ = ("codec", "name", "label", "position", "length", "content")

    def __init__(
        self,
        codec: int,
        name: str,
        label: str,
        position: int,
        length: int,
        content: bytes | None,
    ) -> None:
        self.codec = codec
        self.name = name
        self.label = label
        self.position = position
        self.length = length
        self.content = content


def is_name(text: Any) -> bool:
    """Whether the text may name a port, a parameter or a node type."""
    if not isinstance(text, str):
        return False
    # Most are identifiers, which is known without the pattern.
    if len(text) <= 64 and text.isascii() and text.isidentifier():
        return True
    return _NAME.fullmatch(text) is not None


def is_file_text(text: str) -> bool:
    """Whether the text is free of slashes, control characters and what else
    a terminal would obey or would mislead a reader."""
    if text.isascii():
        return "/" not in text and text.isprintable()
    return not any(
        c < " "
        or c in "/\x7f"
        or any(low <= ord(c) <= high for low, high in _HOSTILE)
        for c in text
    )


def pack_values(metadata: bytes, entries: Sequence[Entry]) -> bytes:
    """The body of a call or a result.

    :raises ValueError: when a limit of the protocol is exceeded
    """
    if len(metadata) > MAXIMUM_METADATA:
        raise ValueError(f"more than {MAXIMUM_METADATA} bytes of metadata")
    if len(entries) > MAXIMUM_VALUES:
        raise ValueError(f"more than {MAXIMUM_VALUES} values")
    parts = [_COUNT.pack(len(metadata)), metadata, _COUNT.pack(len(entries))]
    contents: List[bytes] = []
    for entry in entries:
        name = entry.name.encode("ascii")
        label = entry.label.encode("utf-8")
        storage = 1
        if entry.content is not None:
            storage = 0
            contents.append(entry.content)
        head = _ENTRY.pack(
            entry.codec,
            storage,
            len(name),
            len(label),
            0,
            entry.position,
            0,
            entry.length,
        )
        parts += (head, name, label)
    return b"".join(parts + contents)


def packed_size(metadata: bytes, entries: Sequence[Entry]) -> int:
    """The length that `pack_values` would give, contents aside."""
    return (
        8
        + len(metadata)
        + sum(
            _ENTRY.size + len(e.name) + len(e.label.encode("utf-8"))
            for e in entries
        )
    )


def unpack_values(
    body: bytes, descriptors: int
) -> Tuple[Dict[str, Any], List[Entry]]:
    """Reads the body of a call or a result.

    :param descriptors: how many came with the frame
    :raises ProtocolError: when it breaks a rule
    """
    length = _count(body, 0, "the length of the metadata")
    if length > MAXIMUM_METADATA:
        raise ProtocolError(f"more than {MAXIMUM_METADATA} bytes of metadata")
    end = _COUNT.size + length
    if end > len(body):
        raise _too_short("the metadata")
    metadata = parse_object(body[_COUNT.size : end])
    count = _count(body, end, "the number of values")
    if count > MAXIMUM_VALUES:
        raise ProtocolError(f"{count} values; at most {MAXIMUM_VALUES}")
    end += _COUNT.size
    entries: List[Entry] = []
    for _ in range(count):
        entry, end = _entry(body, end)
        entries.append(entry)
    shared = 0
    for entry in entries:
        if entry.content is None:
            shared += 1
            continue
        begin, end = end, end + entry.length
        if end > len(body):
            raise _too_short("an inline value")
        entry.content = body[begin:end]
    if end < len(body):
        raise ProtocolError(
            f"{len(body) - end} bytes follow the last value"
        )
    if shared != descriptors:
        raise ProtocolError(
            f"{shared} values are in descriptors, but {descriptors} came"
        )
    if entries:
        _check_positions(entries)
    return metadata, entries


def _count(body: bytes, begin: int, what: str) -> int:
    if begin + _COUNT.size > len(body):
        raise _too_short(what)
    count: int = _COUNT.unpack_from(body, begin)[0]
    return count


def _too_short(what: str) -> ProtocolError:
    return ProtocolError(f"the body ends within {what}")


def _entry(body: bytes, begin: int) -> Tuple[Entry, int]:
    """The entry that begins there, without its content, and its end."""
    end = begin + _ENTRY.size
    if end > len(body):
        raise _too_short("an entry")
    codec, storage, name_length, label_length, zero, position, zeros, size = (
        _ENTRY.unpack_from(body, begin)
    )
    if codec > 4:
        raise ProtocolError(f"there is no codec {codec}")
    if storage > 1:
        raise ProtocolError(f"there is no storage {storage}")
    if zero or zeros:
        raise ProtocolError("a reserved field of an entry isn't 0")
    if label_length > 255:
        raise ProtocolError("a label is longer than 255 bytes")
    if label_length and codec != 3:
        raise ProtocolError("only a file has a label")
    name, end = _part(body, end, name_length, "ascii", "a name")
    label = ""
    if label_length:
        label, end = _part(body, end, label_length, "utf-8", "a label")
    if not is_name(name):
        raise ProtocolError(f"{name!r:.80} is no port name")
    if label and (label in (".", "..") or not is_file_text(label)):
        raise ProtocolError("a label holds a slash or a control character")
    if size > MAXIMUM_CONTENT:
        raise ProtocolError(f"a value of {size} bytes is too long")
    content = b"" if storage == 0 else None
    return Entry(codec, name, label, position, size, content), end


def _part(
    body: bytes, begin: int, length: int, encoding: str, what: str
) -> Tuple[str, int]:
    """A text of an entry, and its end."""
    end = begin + length
    if end > len(body):
        raise _too_short(what)
    try:
        return body[begin:end].decode(encoding), end
    except UnicodeDecodeError:
        raise ProtocolError("a name or label isn't text") from None


def _check_positions(entries: Sequence[Entry]) -> None:
    following: Dict[str, int] = {}
    for entry in entries:
        if entry.position != following.get(
            entry.name, 0 if entry.position != SINGLE else SINGLE
        ):
            raise ProtocolError(
                f"the values of '{entry.name}' repeat or are out of order"
            )
        # After a single value no position is right any more.
        following[entry.name] = (
            -1 if entry.position == SINGLE else entry.position + 1
        )


def parse_object(body: bytes) -> Dict[str, Any]:
    """Reads a body that is one JSON object.

    :raises ProtocolError: when it isn't
    """
    try:
        return _json.loads_object(body)
    except _json.JSONError as error:
        raise ProtocolError(f"a JSON object is broken: {error}") from None


def cut(text: str) -> str:
    """The text, at most 65,536 bytes long, ending in `…` where it was cut."""
    if len(text) <= MAXIMUM_TEXT and text.isascii():
        return text
    data = text.encode("utf-8", "backslashreplace")
    if len(data) > MAXIMUM_TEXT:
        ellipsis = "…".encode("utf-8")
        kept = data[: MAXIMUM_TEXT - len(ellipsis)]
        return kept.decode("utf-8", "ignore") + "…"
    return data.decode("utf-8")
