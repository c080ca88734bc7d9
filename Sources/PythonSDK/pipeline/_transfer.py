"""Mappings of values as frame bodies, and back."""

from __future__ import annotations

from pipeline import _frames, _json, _memory, values
from pipeline._failures import INPUT, OUTPUT, Failure
from pipeline._frames import SINGLE, Entry, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Dict, List, Tuple

    from pipeline._wire import Frame


# The metadata of most results.
_USUAL: Dict[str, Any] = {"fallback": False, "cache_key": None}
_USUAL_PACKED = _json.dumps(_USUAL)


class IncomingCall:
    """A call frame that kept the rules; its values aren't decoded yet."""

    def __init__(
        self,
        number: int,
        metadata: Dict[str, Any],
        content: List[Tuple[Entry, values.Content]],
    ) -> None:
        self.number = number
        self.metadata = metadata
        self._content = content

    def inputs(self) -> Dict[str, Any]:
        """The values by name; a port that takes several gets a list.

        :raises Failure: of class `input`, when a content isn't what it says
        """
        decoded: Dict[str, Any] = {}
        for entry, content in self._content:
            try:
                value = values.decode(entry.codec, entry.label, content)
            except values.DecodingError as error:
                raise Failure(
                    INPUT, f"the input '{entry.name}' can't be read: {error}"
                ) from None
            if entry.position == SINGLE:
                decoded[entry.name] = value
            else:
                decoded.setdefault(entry.name, []).append(value)
        return decoded


def open_call(frame: Frame) -> IncomingCall:
    """Reads a call frame and takes over its descriptors.

    :raises ProtocolError: when it breaks a rule
    """
    metadata, entries = _frames.unpack_values(
        frame.body, len(frame.descriptors)
    )
    descriptors = iter(frame.descriptors)
    content: List[Tuple[Entry, values.Content]] = []
    for entry in entries:
        if entry.content is not None:
            content.append((entry, entry.content))
            continue
        try:
            memory = _memory.adopt(next(descriptors), entry.length)
        except _memory.SealError as error:
            raise ProtocolError(f"'{entry.name}': {error}") from None
        content.append((entry, memory))
    return IncomingCall(frame.call, metadata, content)


def pack_outputs(
    metadata: Dict[str, Any], outputs: Any, several: Container[str] = ()
) -> Tuple[bytes, List[_memory.SealedMemory]]:
    """The body of a result, and the shared memory that goes with it.

    :param several: the outputs that are lists of values
    :raises Failure: of class `output`, when they aren't a mapping of values
        that the protocol can carry
    """
    if not isinstance(outputs, dict):
        raise Failure(
            OUTPUT,
            f"execute returned {_kind(outputs)}; it must return a mapping "
            "from output names to values",
        )
    parts = _parts(outputs, several)
    if len(parts) > _frames.MAXIMUM_VALUES:
        raise Failure(
            OUTPUT, f"more than {_frames.MAXIMUM_VALUES} outputs were returned"
        )
    encoded: List[values.Encoded] = []
    entries: List[Entry] = []
    for name, position, value in parts:
        try:
            one = values.encode(value)
        except values.EncodingError as error:
            raise Failure(
                OUTPUT, f"the output '{name}' can't be carried: {error}"
            ) from None
        encoded.append(one)
        entries.append(
            Entry(one.codec, name, one.label, position, one.size, None)
        )
    packed = _USUAL_PACKED if metadata == _USUAL else _json.dumps(metadata)
    sizes = [entry.length for entry in entries]
    shared: List[_memory.SealedMemory] = []
    if sum(sizes, len(packed)) <= values.INLINE_LIMIT:
        # Most results: with any names they fit into the body.
        for entry, one in zip(entries, encoded):
            entry.content = one.inline()
        return _frames.pack_values(packed, entries), shared
    room = _frames.MAXIMUM_BODY - _frames.packed_size(packed, entries)
    inline = _inline(sizes, room)
    for index, (entry, one) in enumerate(zip(entries, encoded)):
        if index in inline:
            entry.content = one.inline()
        else:
            shared.append(one.shared())
    return _frames.pack_values(packed, entries), shared


def _parts(
    outputs: Dict[Any, Any], several: Container[str]
) -> List[Tuple[str, int, Any]]:
    """The values with their outputs' names and their positions.

    :raises Failure: for what can't name an output, and for one value where
        there should be a list
    """
    parts: List[Tuple[str, int, Any]] = []
    for name, value in outputs.items():
        if not _frames.is_name(name):
            raise Failure(
                OUTPUT,
                f"{name!r:.80} can't name an output: names are letters, "
                "digits, '_' and '-'",
            )
        if name not in several:
            parts.append((name, SINGLE, value))
        elif isinstance(value, (list, tuple)):
            parts += [(name, *item) for item in enumerate(value)]
        else:
            raise Failure(
                OUTPUT,
                f"the output '{name}' has several values: return a list of "
                f"them, not {_kind(value)}",
            )
    return parts


def _inline(sizes: List[int], room: int) -> set[int]:
    """Which contents go into the body: the small ones, as far as they fit.

    The largest get the descriptors.

    :raises Failure: when neither descriptors nor the body have room left
    """
    by_size = sorted(range(len(sizes)), key=lambda i: sizes[i], reverse=True)
    left = sum(sizes)
    shared = 0
    for index in by_size[: _frames.MAXIMUM_DESCRIPTORS]:
        if left <= room and sizes[index] <= values.INLINE_LIMIT:
            break
        left -= sizes[index]
        shared += 1
    if left > room:
        raise Failure(
            OUTPUT,
            f"the outputs are too many and too large: beside the "
            f"{_frames.MAXIMUM_DESCRIPTORS} largest, {left} bytes are left, "
            f"and {room} fit",
            hint="put them into one list, mapping, array or file, such as an "
            "archive",
        )
    return set(by_size[shared:])


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__
