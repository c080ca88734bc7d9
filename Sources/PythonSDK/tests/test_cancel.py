"""What a node learns of a cancel while it waits."""

from __future__ import annotations

import time

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
