"""The protocol's test vectors, read by the worker's own decoder."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import pytest

from pipeline import _frames
from pipeline._frames import Entry, Header, ProtocolError
from supervisor import SDK

VECTORS = json.loads(
    (SDK.parent.parent / "Tests" / "Vectors" / "protocol.json").read_text()
)
KINDS = (
    "hello",
    "initialize",
    "ready",
    "call",
    "ack",
    "result",
    "error",
    "progress",
    "log",
    "cancel",
    "shutdown",
)
WITH_VALUES = (_frames.CALL, _frames.RESULT)

# Rules that concern the order of frames or what a worker's objects say. The
# decoder doesn't know them; a supervisor does.
NOT_OF_THE_FORMAT = {
    "an object has at most 1 MiB",
    "an ack is empty",
    "only calls and results carry descriptors",
    "hello comes first",
    "ready comes once",
    "kinds of the supervisor are never sent by a worker",
    "hello belongs to no call",
    "protocol is at least 1",
    "texts are strings",
    "an ack comes before everything else of a call",
    "an ack comes once",
    "a fraction lies within 0 and 1",
    "a level is one of the four",
    "a class is one of the table",
    "a denial is an object",
    "a denial names its error",
    "the path of a denial is percent-encoded",
    "the port of a denial is one",
    "a result belongs to the open call",
    "a result comes while a call is open",
}
# Rules of the socket, which the worker's tests cover.
OF_THE_SOCKET = {
    "descriptors come with their frame",
    "descriptors belong to a frame",
}


def decode(data: bytes) -> Tuple[Header, Any, List[Entry]]:
    header = Header.unpack(data[:16])
    body = data[16:]
    if header.kind in WITH_VALUES:
        return header, *_frames.unpack_values(body, header.descriptors)
    return header, _frames.parse_object(body) if body else None, []


@pytest.mark.parametrize(
    "vector", VECTORS["frames"], ids=lambda v: v["meaning"]
)
def test_a_frame_means_what_the_vector_says(vector: Dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    header, content, entries = decode(data)
    assert header.length == len(data) - 16
    assert KINDS[header.kind - 1] == vector["kind"]
    assert header.call == vector["call"]
    assert header.descriptors == vector["descriptors"]
    assert content == vector.get("object", vector.get("metadata"))
    found = [
        {
            "name": entry.name,
            "position": None
            if entry.position == _frames.SINGLE
            else entry.position,
            "codec": entry.codec,
            "label": entry.label,
            "length": entry.length,
            "content": None if entry.content is None else entry.content.hex(),
        }
        for entry in entries
    ]
    assert found == vector.get("values", [])


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS["frames"] if v["kind"] in ("call", "result")],
    ids=lambda v: v["meaning"],
)
def test_what_was_decoded_encodes_to_the_same_bytes(
    vector: Dict[str, Any],
) -> None:
    data = bytes.fromhex(vector["hex"])
    header, _, entries = decode(data)
    length = int.from_bytes(data[16:20], "little")
    body = _frames.pack_values(data[20 : 20 + length], entries)
    packed = _frames.pack(header.kind, header.call, body, header.descriptors)
    assert packed == data


@pytest.mark.parametrize(
    "vector",
    [
        v
        for v in VECTORS["refused"]
        if v["rule"] not in NOT_OF_THE_FORMAT | OF_THE_SOCKET
    ],
    ids=lambda v: v["rule"],
)
def test_a_frame_that_breaks_a_rule_is_refused(
    vector: Dict[str, Any],
) -> None:
    with pytest.raises(ProtocolError):
        decode(bytes.fromhex(vector["hex"]))


def test_the_rules_that_are_left_out_exist() -> None:
    rules = {vector["rule"] for vector in VECTORS["refused"]}
    assert NOT_OF_THE_FORMAT | OF_THE_SOCKET <= rules
