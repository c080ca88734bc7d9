"""Values on their way to another node, and back."""

from __future__ import annotations

import collections
import enum
import fcntl
import io
import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import numpy
import pytest

from pipeline import File, _json, _memory, values
from pipeline.values import DecodingError, Encoded, EncodingError
from supervisor import SDK


def through(value: Any) -> Any:
    """What the next node gets."""
    return received(values.encode(value))


def received(encoded: Encoded, shared: bool = False) -> Any:
    content: values.Content = encoded.inline()
    assert len(content) == encoded.size
    if shared:
        memory = encoded.shared()
        content = _memory.adopt(os.dup(memory.fd), encoded.size)
    return values.decode(encoded.codec, encoded.label, content)


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (0.1, 0.1),
        (1e300, 1e300),
        ("ü \0 \u2028 😀", "ü \0 \u2028 😀"),
        ([], []),
        ({}, {}),
        ((1, (2, [3])), [1, [2, [3]]]),
        ({"b": 1, "a": {"": None}}, {"b": 1, "a": {"": None}}),
        (collections.OrderedDict(z=1, a=2), {"z": 1, "a": 2}),
        (Level.HIGH, 3),
        (numpy.float32(0.5), 0.5),
        ([numpy.int64(7), numpy.bool_(True)], [7, True]),
        (b"\0\xff", b"\0\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
    ],
)
def test_plain_values_and_bytes_arrive_as_they_were(
    value: Any, expected: Any
) -> None:
    result = through(value)
    assert result == expected
    assert type(result) is type(expected)


def test_the_order_of_keys_is_kept_and_the_bytes_are_compact() -> None:
    encoded = values.encode({"z": [1, 2.5], "a": "ü"})
    assert encoded.inline() == '{"z":[1,2.5],"a":"ü"}'.encode()
    assert list(through({"z": 1, "a": 2})) == ["z", "a"]


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting_is_bounded_in_both_directions() -> None:
    assert through(nested(64)) == nested(64)
    with pytest.raises(EncodingError, match="deeper than 64"):
        values.encode(nested(65))
    loop: List[Any] = []
    loop.append(loop)
    with pytest.raises(EncodingError, match="inside itself"):
        values.encode(loop)
    wide = [[n] for n in range(1000)]
    assert through(wide) == wide
    text = b'{"a":' * 65 + b"1" + b"}" * 65
    with pytest.raises(DecodingError, match="deeper than 64"):
        values.decode(values.JSON, "", text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [{}, {"b": float("inf")}]}, r"at \['a'\]\[1\]\['b'\]: inf"),
        ([numpy.float64("nan")], "nan has no place"),
        ({None: 1}, "the key None is a NoneType; keys are text"),
        ({("a",): 1}, "is a tuple; keys are text"),
        ({True: 1}, "is a bool"),
        (complex(1, 2), "a complex can't be carried"),
        (Path("/x"), "File.from_path"),
        ([numpy.zeros(2)], r"\.tolist\(\)"),
        ([File("a", b"")], "File.from_path"),
        (numpy.datetime64("2020-01-01"), "can't be carried"),
        (-(2**63) - 1, "64 bits"),
        (lambda: None, "function"),
    ],
)
def test_what_json_has_no_word_for_is_refused_with_its_place(
    value: Any, words: str
) -> None:
    with pytest.raises(EncodingError, match=words):
        values.encode(value)


@pytest.mark.parametrize("seed", range(20))
def test_any_plain_value_survives_the_way(seed: int) -> None:
    chance = random.Random(seed)

    def make(depth: int) -> Any:
        kind = chance.randrange(8 if depth else 6)
        if kind == 0:
            return chance.choice([None, True, False])
        if kind == 1:
            return chance.randrange(-(2**63), 2**63)
        if kind == 2:
            return chance.uniform(-1e18, 1e18)
        if kind in (3, 4, 5):
            points = (chance.randrange(0x110000) for _ in range(9))
            return "".join(chr(c) for c in points if not 0xD800 <= c < 0xE000)
        items = [make(depth - 1) for _ in range(chance.randrange(5))]
        if kind == 6:
            return items
        return {str(make(0)): item for item in items}

    for _ in range(50):
        value = make(4)
        encoded = values.encode(value)
        assert received(encoded) == value
        assert received(encoded, shared=True) == value
        assert values.encode(value).inline() == encoded.inline()


@pytest.mark.parametrize("seed", range(20))
def test_mutated_json_is_decoded_or_refused_but_never_raises_else(
    seed: int,
) -> None:
    chance = random.Random(seed)
    text = b'{"a":[1,-2.5e10,"x\\u00e4",null,true,{"b":{}}],"c":[[[]]]}'
    for _ in range(300):
        data = bytearray(text)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            value = values.decode(values.JSON, "", bytes(data))
        except DecodingError:
            continue
        # What we accept, the strict library accepts as the same value.
        assert json.loads(data.decode()) == value


def test_sorted_json_does_not_depend_on_the_order_of_keys() -> None:
    one = _json.dumps({"a": 1, "b": {"c": 1, "d": 2}}, sort_keys=True)
    two = _json.dumps({"b": {"d": 2, "c": 1}, "a": 1}, sort_keys=True)
    assert one == two


# Arrays.

ARRAYS = [
    numpy.arange(12).reshape(3, 4),
    numpy.asfortranarray(numpy.arange(12.0).reshape(3, 4)),
    numpy.arange(24).reshape(2, 3, 4)[:, ::2, 1:],
    numpy.array(3.5),
    numpy.zeros((0, 3), "<i2"),
    numpy.zeros((2, 0)),
    numpy.array(["a", "bcd"]),
    numpy.array([b"x", b"yz"]),
    numpy.array([True, False]),
    numpy.array([1 + 2j]),
    numpy.array(["2020-01-01"], "M8[s]"),
    numpy.array([(1, 2.5)], [("a", "<i4"), ("ü", "<f8")]),
    numpy.arange(5, dtype=">i4"),
    numpy.float16([1, 2]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
@pytest.mark.parametrize("shared", [False, True])
def test_arrays_arrive_with_type_and_shape_and_can_not_be_written(
    array: Any, shared: bool
) -> None:
    encoded = values.encode(array)
    assert encoded.codec == values.NUMPY
    result = received(encoded, shared)
    assert result.dtype == array.dtype and result.shape == array.shape
    assert (result == array).all()
    assert not result.flags.writeable
    if array.size:
        with pytest.raises(ValueError):
            result.flags.writeable = True


def test_what_is_sent_is_what_numpy_reads() -> None:
    array = numpy.arange(10.0)
    data = values.encode(array).inline()
    assert (numpy.load(io.BytesIO(data), allow_pickle=False) == array).all()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version: Any) -> None:
    buffer = io.BytesIO()
    array = numpy.arange(6).reshape(2, 3)
    numpy.lib.format.write_array(buffer, array, version)
    result = values.decode(values.NUMPY, "", buffer.getvalue())
    assert (result == array).all()


def test_a_large_array_is_a_view_of_the_shared_memory() -> None:
    array = numpy.arange(1_000_000)
    encoded = values.encode(array)
    memory = encoded.shared()
    copy = _memory.adopt(os.dup(memory.fd), encoded.size)
    result = values.decode(values.NUMPY, "", copy)
    mapped = numpy.frombuffer(copy.buffer(), numpy.uint8)
    assert numpy.shares_memory(result, mapped)
    del copy, mapped, memory, encoded
    assert int(result[-1]) == 999_999


def test_no_pickle_leaves_or_enters() -> None:
    objects = numpy.array([object()])
    with pytest.raises(EncodingError, match="Python objects"):
        values.encode(objects)
    with pytest.raises(EncodingError, match="masked"):
        values.encode(numpy.ma.masked_array([1, 2], [0, 1]))
    buffer = io.BytesIO()
    numpy.save(buffer, numpy.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DecodingError, match="Python objects"):
        values.decode(values.NUMPY, "", buffer.getvalue())
    with pytest.raises(DecodingError):
        values.decode(values.NUMPY, "", pickle.dumps([1]))


def npy(header: str, data: bytes = b"") -> bytes:
    encoded = header.encode("latin-1")
    size = len(encoded).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + size + encoded + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00\x02\x00{}",
        npy("{}"),
        npy("1"),
        npy("(" * 200),
        npy("__import__('os')"),
        npy("{'descr':'<i4','fortran_order':False,'shape':(2,)}", b"1234"),
        npy("{'descr':'<i4','fortran_order':0,'shape':(1,)}", b"1234"),
        npy("{'descr':'<i4','fortran_order':False,'shape':(-1,)}", b"1234"),
        npy("{'descr':'<i4','fortran_order':False,'shape':[1]}", b"1234"),
        npy("{'descr':'<i4','fortran_order':False,'shape':(1.0,)}", b"1234"),
        npy(
            "{'descr':'<i4','fortran_order':False,'shape':(2**62,4)}", b"1234"
        ),
        npy("{'descr':'O','fortran_order':False,'shape':(1,)}", b"12345678"),
        npy("{'descr':'zz','fortran_order':False,'shape':(1,)}", b"1234"),
        npy("{'descr':[1,2],'fortran_order':False,'shape':(1,)}", b"1234"),
        npy(
            "{'descr':'<i4','fortran_order':False,"
            "'shape':(99999999999999999999,0)}"
        ),
    ],
)
def test_a_broken_array_is_refused(data: bytes) -> None:
    with pytest.raises(DecodingError):
        values.decode(values.NUMPY, "", data)


@pytest.mark.parametrize("seed", range(10))
def test_a_mutated_array_is_decoded_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    good = values.encode(numpy.arange(4, dtype="<i4")).inline()
    for _ in range(200):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(128)] = chance.randrange(256)
        try:
            values.decode(values.NUMPY, "", bytes(data))
        except DecodingError:
            pass


def test_without_numpy_an_array_is_refused_and_nothing_imports_it() -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SDK)!r})
from pipeline import values
values.encode({{"a": [1, b"".decode()]}}); values.encode(b"x")
assert "numpy" not in sys.modules
sys.modules["numpy"] = None
data = {values.encode(numpy.zeros(1)).inline()!r}
try:
    values.decode(values.NUMPY, "", data)
except values.DecodingError as error:
    print(error)
"""
    out = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True
    )
    assert "numpy isn't installed" in out.stdout, out.stderr


# Files.


def test_a_file_carries_its_name_and_content(tmp_path: Path) -> None:
    path = tmp_path / "päge.txt"
    path.write_text("text\n")
    file = File.from_path(path)
    path.unlink()
    result = through(file)
    assert (result.name, result.size) == ("päge.txt", 5)
    assert result.read_bytes() == b"text\n"
    assert result.read_text() == "text\n"
    assert result == file and hash(result) == hash(file)
    assert result != File("other", b"text\n") and result != 5
    assert repr(result) == "File('päge.txt', 5 bytes)"


@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 3_000_000])
def test_a_file_of_any_size_can_be_read_in_every_way(
    tmp_path: Path, size: int
) -> None:
    content = os.urandom(size)
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    for file in (
        File.from_path(path),
        File.from_bytes(content, "data.bin"),
        File("data.bin", bytearray(content)),
        received(values.encode(File.from_path(path)), shared=True),
    ):
        assert file.size == size
        assert file.view() == content and file.view().readonly
        assert file.read_bytes() == content
        with file.open() as stream:
            assert stream.read(3) == content[:3]
            stream.seek(-2, os.SEEK_END) if size > 2 else stream.seek(0)
            assert stream.read() == content[-2:]
            stream.seek(1)
            stream.seek(1, os.SEEK_CUR)
            assert stream.read() == content[2:]
            with pytest.raises(ValueError):
                stream.seek(-1)
        with open(file, "rb") as opened:
            assert opened.read() == content
        assert os.path.basename(os.fspath(file)) == "data.bin"
        file.write_to(tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content


def test_a_large_file_passes_through_without_a_copy() -> None:
    file = received(values.encode(File("a", b"x" * 100_000)), shared=True)
    again = values.encode(file).shared()
    assert os.fstat(again.fd).st_ino == os.fstat(file.content.fd).st_ino


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "/", "a\0", "a\n", "\x7f", "x" * 256, "\ud800"]
    + ["é\x1b", "é/", "\x85", "\u200e", "\u202e", "\u2066", "\ufeff"]
    + ["\ufffa", "\U000e0041"],
)
def test_a_file_name_is_never_a_path_or_an_order(name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        File(name, b"")
    with pytest.raises(DecodingError):
        values.decode(values.FILE, name, b"")


# Shared memory.


def test_shared_memory_is_sealed_before_it_leaves() -> None:
    memory = _memory.create([b"ab", memoryview(b"cd")])
    seals = fcntl.fcntl(memory.fd, fcntl.F_GET_SEALS)
    wanted = (
        fcntl.F_SEAL_SEAL
        | fcntl.F_SEAL_SHRINK
        | fcntl.F_SEAL_GROW
        | fcntl.F_SEAL_WRITE
    )
    assert seals & wanted == wanted == _memory.SEALS
    assert not os.get_inheritable(memory.fd)
    with pytest.raises(PermissionError):
        os.write(memory.fd, b"x")
    with pytest.raises(PermissionError):
        os.ftruncate(memory.fd, 0)
    assert bytes(memory.buffer()) == b"abcd"


def test_the_descriptor_is_closed_with_its_owner() -> None:
    memory = _memory.create([b"x"])
    fd = memory.fd
    del memory
    with pytest.raises(OSError):
        os.fstat(fd)
