"""How calls are cancelled and how a worker ends."""

from __future__ import annotations

import os
import time

import pytest

from supervisor import (
    ACK,
    CANCEL,
    ERROR,
    HELLO,
    Launch,
    PROGRESS,
    RESULT,
    Supervisor,
    frame,
)

WAIT = """
import time
context.progress(0)
while True:
    time.sleep(0.01)
    {check}
"""


@pytest.mark.parametrize(
    "check",
    [
        "context.raise_if_cancelled()",
        "if context.cancelled: return {}",
        "if context.cancelled: 1 / 0",
    ],
)
def test_a_cancelled_call_answers_so_however_it_stops(
    launch: Launch, check: str
) -> None:
    worker = launch(WAIT.replace("{check}", check))
    call = worker.send_execute("probe")
    worker.expect(ACK, call)
    worker.expect(PROGRESS, call)
    worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
    assert worker.expect(ERROR, call).object["class"] == "cancelled"


def test_a_call_that_was_just_done_when_cancelled_gives_its_result(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import time
        context.progress(0)
        time.sleep(0.3)
        return {"ok": True}
        """
    )
    call = worker.send_execute("probe")
    worker.expect(ACK, call)
    worker.expect(PROGRESS, call)
    worker.send(frame(CANCEL, call, b'{"reason":"deadline"}'))
    worker.expect(RESULT, call)


def test_a_waiting_call_that_is_cancelled_never_begins(
    launch: Launch,
) -> None:
    worker = launch('import time; time.sleep(0.3); print("ran"); return {}')
    first = worker.send_execute("probe")
    second = worker.send_execute("probe")
    worker.send(frame(CANCEL, second, b'{"reason":"user"}'))
    kinds = [worker.receive() for _ in range(4)]
    answers = {f.call: f for f in kinds if f and f.kind in (RESULT, ERROR)}
    assert answers[first].kind == RESULT
    assert answers[second].object["class"] == "cancelled"
    assert worker.shut_down()[1] == "ran\nbye\n"


def test_a_cancel_for_an_unknown_call_is_ignored(launch: Launch) -> None:
    worker = launch('return {"ok": True}')
    worker.send(frame(CANCEL, 77, b'{"reason":"user"}'))
    assert worker.outputs(worker.send_execute("probe")) == {"ok": True}


def test_shutdown_calls_the_plugin_and_exits_with_0(launch: Launch) -> None:
    assert launch("return {}").shut_down() == (0, "bye\n", "")


def test_the_end_of_the_stream_means_shutdown(launch: Launch) -> None:
    worker = launch("return {}")
    worker.socket.close()
    assert worker.ending() == (0, "bye\n", "")


def test_the_end_of_the_stream_cancels_the_running_call(
    launch: Launch,
) -> None:
    worker = launch(WAIT.replace("{check}", "context.raise_if_cancelled()"))
    worker.expect(ACK, worker.send_execute("probe"))
    worker.socket.close()
    assert worker.ending()[:2] == (0, "bye\n")


def test_a_forgotten_thread_does_not_keep_the_worker(launch: Launch) -> None:
    worker = launch(
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,)).start()
        return {}
        """
    )
    worker.outputs(worker.send_execute("probe"))
    start = time.monotonic()
    assert worker.shut_down()[0] == 0
    assert time.monotonic() - start < 30


def test_shutdown_before_initialize_is_a_quiet_end(
    supervisor: Supervisor,
) -> None:
    supervisor.expect(HELLO)
    assert supervisor.shut_down() == (0, "", "")


def test_a_forked_child_cannot_speak_for_the_worker(launch: Launch) -> None:
    worker = launch(
        """
        import os
        pid = os.fork()
        if pid == 0:
            context.log("from the child")
            return {"who": "child"}
        os.waitpid(pid, 0)
        return {"who": "parent"}
        """
    )
    answer, before = worker.answer(worker.send_execute("probe"))
    assert not before
    assert answer.values()[1]["who"][2] == b'"parent"'
    assert worker.shut_down()[0] == 0


def test_programs_that_a_plugin_starts_do_not_inherit_the_socket(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import subprocess
        out = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False,
                             capture_output=True, text=True).stdout
        return {"out": out}
        """
    )
    assert "socket:" not in worker.outputs(worker.send_execute("probe"))["out"]
