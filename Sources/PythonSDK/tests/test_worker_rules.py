"""A supervisor that breaks the rules of the protocol."""

from __future__ import annotations

import json
import os
from typing import Callable

import pytest

from supervisor import (
    BYTES,
    CALL,
    CANCEL,
    FILE,
    HELLO,
    INITIALIZE,
    JSON,
    Launch,
    RESULT,
    SHUTDOWN,
    Supervisor,
    Value,
    frame,
    json_value,
    memfd,
    values_body,
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"garbage garbage garbage", "longer than 16777216"),
        (frame(99), "no frame of kind 99"),
        (frame(0), "no frame of kind 0"),
        (frame(CALL, 1, b"", flags=1), "flags"),
        (frame(CALL, 1, b"", 65), "at most 64"),
        (frame(HELLO), "out of order"),
        (frame(CALL, 0, values_body({}, [])), "doesn't come after"),
        (frame(CALL, 1, b""), "ends within"),
        (frame(CALL, 1, b"\xff\xff\xff\xff"), "bytes of metadata"),
        (frame(CALL, 1, values_body([], [])), "not a JSON object"),
        (frame(CALL, 1, values_body({}, []) + b"x"), "follow the last"),
        (
            frame(CALL, 1, values_body({}, [json_value("a b", 1)])),
            "no port name",
        ),
        (
            frame(CALL, 1, values_body({}, [Value("a", 9, b"")])),
            "no codec 9",
        ),
        (
            frame(CALL, 1, values_body({}, [json_value("a", 1)] * 2)),
            "repeat or are out of order",
        ),
        (
            frame(
                CALL, 1, values_body({}, [json_value("a", 1, position=1)])
            ),
            "repeat or are out of order",
        ),
        (
            frame(CALL, 1, values_body({}, [Value("a", FILE, b"", "a/b")])),
            "slash",
        ),
        (
            frame(CALL, 1, values_body({}, [Value("a", BYTES, b"", "l")])),
            "only a file",
        ),
        (
            frame(
                CALL, 1, values_body({}, [Value("a", BYTES, b"", length=9)])
            ),
            "ends within an inline value",
        ),
        (
            frame(CALL, 1, values_body({}, [Value("a", BYTES, b"", fd=9)])),
            "1 values are in descriptors, but 0 came",
        ),
        (frame(CALL, 1, b"", 1), "didn't come with it"),
        (frame(CANCEL, 1, b"[]"), "not a JSON object"),
        (frame(SHUTDOWN, 5), "expected a frame of kind 11"),
    ],
)
def test_a_broken_frame_ends_the_worker_and_names_the_rule(
    launch: Launch, data: bytes, words: str
) -> None:
    worker = launch("return {}")
    worker.send(data)
    status, out, err = worker.ending()
    assert (status, out) == (76, "bye\n")
    assert err.startswith("the supervisor broke the protocol: ")
    assert words in err


@pytest.mark.parametrize(
    ("fd", "length", "words"),
    [
        (lambda: memfd(b"1234", 0), 4, "lacks seals"),
        (lambda: memfd(b"1234", 0x7), 4, "lacks seals"),
        (lambda: memfd(b"1234"), 5, "has 4 bytes, not 5"),
        (lambda: os.open("/dev/zero", os.O_RDONLY), 4, "isn't a memory file"),
        (lambda: os.pipe()[0], 4, "isn't a memory file"),
    ],
)
def test_a_descriptor_is_checked_before_it_is_mapped(
    launch: Launch, fd: Callable[[], int], length: int, words: str
) -> None:
    worker = launch("return {}")
    worker.send_execute(
        "probe", values=[Value("a", BYTES, b"", fd=fd(), length=length)]
    )
    status, _, err = worker.ending()
    assert status == 76
    assert "'a': " in err and words in err


def test_a_descriptor_that_no_frame_claims_ends_the_worker(
    launch: Launch,
) -> None:
    worker = launch("return {}")
    body = values_body({"operation": "dance"}, [])
    worker.send(frame(CALL, 1, body), (memfd(b"x"),))
    status, _, err = worker.ending()
    assert status == 76
    assert "belongs to no frame" in err


def test_frames_may_arrive_byte_by_byte_or_all_at_once(
    launch: Launch,
) -> None:
    worker = launch('return {"size": len(inputs["a"])}')
    content = b"x" * 70_000
    execute = {
        "operation": "execute",
        "node_type": "probe",
        "parameters": {},
    }
    shared = Value("a", BYTES, content, fd=memfd(content))
    one = frame(CALL, 1, values_body(execute, [json_value("a", "abc")]))
    two = frame(CALL, 2, values_body(execute, [shared]), 1)
    for index in range(len(one)):
        worker.send(one[index : index + 1])
    assert worker.outputs(1) == {"size": 3}
    assert shared.fd is not None
    worker.send(two[:1], (shared.fd,))
    worker.send(two[1:])
    assert worker.outputs(2) == {"size": 70_000}
    three = frame(CALL, 3, values_body(execute, [json_value("a", "abc")]))
    four = frame(CALL, 4, values_body(execute, [shared]), 1)
    worker.send(three)
    worker.send(four, (shared.fd,))
    os.close(shared.fd)
    frames = [worker.receive() for _ in range(4)]
    results = [f for f in frames if f is not None and f.kind == RESULT]
    assert [f.values()[1]["size"][2] for f in results] == [b"3", b"70000"]


@pytest.mark.parametrize(
    "message",
    [
        b"{",
        b"{}",
        b'{"protocol":2}',
        b'{"protocol":1,"engine_version":"1"}',
    ],
)
def test_a_broken_initialize_ends_the_worker(
    supervisor: Supervisor, message: bytes
) -> None:
    supervisor.expect(HELLO)
    supervisor.send(frame(INITIALIZE, 0, message))
    status, _, err = supervisor.ending()
    assert status == 76
    assert "the supervisor broke the protocol" in err


def test_a_call_before_initialize_ends_the_worker(
    supervisor: Supervisor,
) -> None:
    supervisor.expect(HELLO)
    supervisor.send(frame(CALL, 1, values_body({"operation": "x"}, [])))
    assert supervisor.ending()[0] == 76


def test_a_truncated_frame_ends_the_worker(launch: Launch) -> None:
    worker = launch("return {}")
    worker.send(frame(CALL, 1, b"x" * 100)[:50])
    worker.socket.close()
    status, _, err = worker.ending()
    assert status == 76
    assert "ends within a frame" in err


def test_every_body_that_describe_sends_is_strict_json(
    launch: Launch,
) -> None:
    worker = launch("return {}")
    answer, _ = worker.answer(worker.send_call({"operation": "describe"}))
    metadata, values = answer.values()
    assert values == {}
    assert metadata["node_types"][0]["node_type"] == "probe"
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
