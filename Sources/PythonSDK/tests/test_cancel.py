"""What a node learns of a cancel while it waits."""

from __future__ import annotations

import random
import time

import pytest

from supervisor import ACK, CANCEL, ERROR, LOG, RESULT, Launch, frame


def test_a_node_that_waits_learns_of_a_cancel_at_once(launch: Launch) -> None:
    worker = launch(
        """
        import threading
        asked = threading.Event()
        context.on_cancel(asked.set)
        context.log("waiting")
        assert asked.wait(10)
        late = []
        context.on_cancel(lambda: late.append(1))
        assert late == [1]
        context.raise_if_cancelled()
        """
    )
    call = worker.send_execute("probe")
    worker.expect(ACK, call)
    worker.expect(LOG, call)
    begin = time.monotonic()
    worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
    got = worker.receive()
    assert got is not None and got.kind == ERROR, got
    assert got.object["class"] == "cancelled"
    assert time.monotonic() - begin < 5


def test_what_is_done_on_a_cancel_may_fail_and_comes_once(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import threading
        asked = threading.Event()
        def fail():
            COUNT.append(1)
            raise ValueError("it broke")
        context.on_cancel(fail)
        context.on_cancel(asked.set)
        if not self.parameters:
            context.log("waiting")
            assert asked.wait(10)
        return {"count": len(COUNT)}
        """,
        "COUNT = []",
    )
    call = worker.send_execute("probe")
    worker.expect(ACK, call)
    worker.expect(LOG, call)
    for _ in range(2):
        worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
    got = worker.expect(LOG, call)
    assert "it broke" in got.object["message"]
    # It was just done: it has never asked whether it was cancelled.
    got = worker.expect(RESULT, call)
    assert got.values()[1]["count"][2] == b"1"
    assert worker.outputs(worker.send_execute("probe", {"a": 1})) == {
        "count": 1
    }


MAY_WAIT = """
import time
end = time.monotonic() + self.parameters["seconds"]
while time.monotonic() < end:
    context.raise_if_cancelled()
    time.sleep(0.0005)
return {"ok": True}
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_cancel_is_heard_whatever_was_called_before_and_when(
    launch: Launch, seed: int
) -> None:
    # Another thread reads once a call has run for a while; here calls begin,
    # and cancels come, at any point of that.
    chance = random.Random(seed)
    worker = launch(MAY_WAIT)
    for _ in range(12):
        for _ in range(chance.randrange(20)):
            seconds = chance.choice([0, 0, 0, 0.005, 0.012])
            call = worker.send_execute("probe", {"seconds": seconds})
            assert worker.outputs(call) == {"ok": True}
        time.sleep(chance.choice([0, 0.005, 0.012, 0.03]))
        call = worker.send_execute("probe", {"seconds": 60})
        worker.expect(ACK, call)
        time.sleep(chance.choice([0, 0.005, 0.009, 0.012, 0.03]))
        for _ in range(chance.randrange(1, 3)):
            worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
        assert worker.expect(ERROR, call).object["class"] == "cancelled"


def test_calls_sent_ahead_are_answered_in_order(launch: Launch) -> None:
    worker = launch(MAY_WAIT)
    for size in (2, 3, 50):
        calls = [
            worker.send_execute("probe", {"seconds": 0.012 * (n % 5 == 1)})
            for n in range(size)
        ]
        got = [worker.receive() for _ in range(2 * size)]
        kinds = {
            kind: [f.call for f in got if f is not None and f.kind == kind]
            for kind in (ACK, RESULT)
        }
        assert kinds == {ACK: calls, RESULT: calls}
