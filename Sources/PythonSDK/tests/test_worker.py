"""The worker, driven through its socket."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from supervisor import (
    ACK,
    BYTES,
    CANCEL,
    ERROR,
    FILE,
    HELLO,
    JSON,
    LOG,
    Launch,
    PROGRESS,
    RESULT,
    Supervisor,
    Value,
    frame,
    json_value,
    memfd,
    write_probe,
)


def test_hello_names_protocol_sdk_and_language(supervisor: Supervisor) -> None:
    hello = supervisor.expect(HELLO).object
    assert hello["protocol"] == 1
    assert hello["sdk"] == "pipeline 1.0.0"
    assert hello["language"].startswith("python 3.")


def test_a_call_is_acknowledged_then_answered(launch: Launch) -> None:
    worker = launch('return {"output": [inputs["a"], self.parameters["b"]]}')
    call = worker.send_execute("probe", {"b": 2}, [json_value("a", 1)])
    answer, before = worker.answer(call)
    assert answer.kind == RESULT and not before
    metadata, values = answer.values()
    assert metadata == {"fallback": False, "cache_key": None}
    assert values == {"output": (JSON, "", b"[1,2]", 0)}


def test_calls_are_carried_out_in_order_and_acknowledged_meanwhile(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import time
        time.sleep(0.2)
        return {"n": self.parameters["n"]}
        """
    )
    for n in (1, 2, 3):
        worker.send_execute("probe", {"n": n})
    frames = [worker.receive() for _ in range(6)]
    kinds = [(f.kind, f.call) for f in frames if f is not None]
    assert kinds[:3] == [(ACK, 1), (ACK, 2), (ACK, 3)]
    assert kinds[3:] == [(RESULT, 1), (RESULT, 2), (RESULT, 3)]


def test_the_context_tells_run_node_attempt_and_deadline(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import time
        left = context.deadline - time.monotonic()
        return {"all": [context.run_id, context.node_id, self.node_id,
                        context.attempt, 50 < left <= 60,
                        50 < context.remaining() <= 60,
                        str(context.workspace), str(context.scratch)]}
        """
    )
    call = worker.send_execute("probe", attempt=3, deadline_ms=60_000)
    assert worker.outputs(call)["all"] == [
        "run-1",
        "n1",
        "n1",
        3,
        True,
        True,
        "None",
        "/tmp",
    ]


def test_the_plugin_sees_config_resources_and_grants(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    supervisor.config = {"key": "value"}
    supervisor.permissions = ["filesystem.read:/srv"]
    supervisor.workspace = "/workspace"
    supervisor.start(
        write_probe(
            tmp_path,
            """
            plugin = self.plugin
            return {"all": [
                plugin.context.config,
                plugin.context.engine_version,
                plugin.context.available_resources.available_memory,
                plugin.validate_permissions(["filesystem.read:/srv/x"]),
                plugin.validate_permissions(["filesystem.read"]),
                str(context.workspace)]}
            """,
        ),
        permissions=["filesystem.read"],
    )
    call = supervisor.send_execute("probe")
    assert supervisor.outputs(call)["all"] == [
        {"key": "value"},
        "1.0.0",
        1024,
        True,
        False,
        "/workspace",
    ]


def test_a_port_that_takes_several_arrives_as_a_list(launch: Launch) -> None:
    worker = launch('return {"output": inputs["many"]}')
    values = [json_value("many", n, position=n) for n in range(3)]
    call = worker.send_execute("probe", values=values)
    assert worker.outputs(call) == {"output": [0, 1, 2]}


def test_large_values_arrive_and_leave_in_sealed_memory(
    launch: Launch,
) -> None:
    worker = launch(
        """
        return {"size": len(inputs["big"]), "back": inputs["big"][::-1],
                "small": b"x", "file": inputs["file"]}
        """
    )
    content = os.urandom(300_000)
    call = worker.send_execute(
        "probe",
        values=[
            Value("big", BYTES, content, fd=memfd(content)),
            Value("file", FILE, content, label="ü.bin", fd=memfd(content)),
        ],
    )
    answer, _ = worker.answer(call)
    _, values = answer.values()
    assert values["size"][2] == b"300000"
    assert values["back"] == (BYTES, "", content[::-1], 1)
    assert values["small"] == (BYTES, "", b"x", 0)
    assert values["file"] == (FILE, "ü.bin", content, 1)


def test_descriptors_do_not_pile_up(launch: Launch) -> None:
    worker = launch(
        """
        import os
        return {"fds": len(os.listdir("/proc/self/fd")),
                "big": inputs["big"] + b"x"}
        """
    )
    counts = set()
    for _ in range(5):
        content = b"x" * 100_000
        call = worker.send_execute(
            "probe", values=[Value("big", BYTES, content, fd=memfd(content))]
        )
        counts.add(worker.outputs(call)["fds"])
    assert len(counts) == 1


def test_more_large_outputs_than_descriptors_stay_inline(
    launch: Launch,
) -> None:
    worker = launch(
        """
        return {f"o{n}": bytes([n]) * (70_000 + n) for n in range(70)}
        """
    )
    answer, _ = worker.answer(worker.send_execute("probe"))
    _, values = answer.values()
    assert len(answer.descriptors) == 64
    for n in range(70):
        content = bytes([n]) * (70_000 + n)
        assert values[f"o{n}"] == (BYTES, "", content, 0 if n < 6 else 1)


def test_many_small_outputs_that_fill_the_body_move_to_descriptors(
    launch: Launch,
) -> None:
    worker = launch('return {f"o{n}": b"x" * 60_000 for n in range(300)}')
    answer, _ = worker.answer(worker.send_execute("probe"))
    assert answer.kind == RESULT
    assert 0 < len(answer.descriptors) < 64
    assert len(answer.values()[1]) == 300


def test_too_many_large_outputs_are_an_output_error(launch: Launch) -> None:
    worker = launch('return {f"o{n}": b"x" * 900_000 for n in range(90)}')
    error = worker.error(worker.send_execute("probe"))
    assert error["class"] == "output"
    assert "too many and too large" in error["message"]


@pytest.mark.parametrize(
    ("execute", "words"),
    [
        ("return None", "execute returned None"),
        ("return [1]", "execute returned list"),
        ('return {"a/b": 1}', "can't name an output"),
        ("return {1: 1}", "can't name an output"),
        ('return {"o": {1: 2}}', "keys are text"),
        ('return {"o": [0, float("nan")]}', "at [1]: nan has no place"),
        ('return {"o": {1, 2}}', "a set has no order"),
        ('return {"o": object()}', "an object can't be carried"),
        ('return {"o": 2**63}', "64 bits"),
        ('return {"o": "\\ud800"}', "surrogate"),
        ('return {"o": [b"x"]}', "but not a part of one"),
        (
            'import pathlib; return {"o": pathlib.Path("/x")}',
            "File.from_path",
        ),
        ("return {f'o{n}': 1 for n in range(2000)}", "more than 1024"),
    ],
)
def test_outputs_that_cannot_be_carried_are_refused_with_the_reason(
    launch: Launch, execute: str, words: str
) -> None:
    worker = launch(execute)
    error = worker.error(worker.send_execute("probe"))
    assert error["class"] == "output"
    assert words in error["message"]


def test_an_exception_that_says_all_by_its_message_has_no_traceback(
    launch: Launch,
) -> None:
    worker = launch(
        """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise {"it": Expected, "below": Below, "not": Not}[
                self.parameters["which"]]("no") from error
        """,
        """
        class Expected(Exception):
            shows_traceback = False
            hint = "another way"
        class Below(Expected): pass
        class Not(Expected): shows_traceback = True
        """,
    )
    for which in ("it", "below"):
        error = worker.error(worker.send_execute("probe", {"which": which}))
        assert (error["message"], error["hint"]) == ("no", "another way")
        assert error["traceback"] is None
    error = worker.error(worker.send_execute("probe", {"which": "not"}))
    assert "ZeroDivisionError" in error["traceback"]


def test_long_messages_are_cut(launch: Launch) -> None:
    worker = launch('raise ValueError("ü" * 100_000)')
    error = worker.error(worker.send_execute("probe"))
    assert len(error["message"].encode()) <= 65_536
    assert error["message"].endswith("ü…")
    assert len(error["traceback"].encode()) <= 65_536


@pytest.mark.parametrize(
    ("execute", "kind"),
    [
        ("import sys; sys.exit(3)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("return self.execute(inputs, context)", "RecursionError"),
        ("class E(Exception):\n  def __str__(self): 1/0\nraise E", "E"),
        ("import sys; sys.stdout = None; 1/0", "ZeroDivisionError"),
    ],
)
def test_whatever_a_plugin_raises_the_worker_goes_on(
    launch: Launch, execute: str, kind: str
) -> None:
    worker = launch(
        f"""
        if self.parameters:
            return {{"ok": True}}
        {execute}
        """.replace("\n  def", "\n            def").replace(
            "\nraise E", "\n        raise E"
        )
    )
    error = worker.error(worker.send_execute("probe"))
    assert (error["class"], error["type"]) == ("error", kind)
    call = worker.send_execute("probe", {"again": True})
    assert worker.outputs(call) == {"ok": True}


def test_on_error_supplies_a_fallback(launch: Launch) -> None:
    worker = launch(
        "1 / 0",
        """
        def on_error(self, error, context):
            return {"output": type(error).__name__}
        ProbeNode.on_error = on_error
        """,
    )
    answer, _ = worker.answer(worker.send_execute("probe"))
    metadata, values = answer.values()
    assert metadata["fallback"] is True
    assert values["output"][2] == b'"ZeroDivisionError"'


def test_when_on_error_fails_the_first_error_is_reported(
    launch: Launch,
) -> None:
    worker = launch(
        "1 / 0",
        """
        def on_error(self, error, context):
            raise KeyError("second")
        ProbeNode.on_error = on_error
        """,
    )
    answer, before = worker.answer(worker.send_execute("probe"))
    assert answer.object["type"] == "ZeroDivisionError"
    assert [f.kind for f in before] == [LOG]
    assert "KeyError: 'second'" in before[0].object["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return False", "refused the inputs: a (int)"),
        ("raise ValueError('a must be even')", "a must be even"),
    ],
)
def test_refused_inputs_are_an_input_error(
    launch: Launch, body: str, words: str
) -> None:
    worker = launch(
        "return {}",
        f"""
        def validate_inputs(self, inputs):
            {body}
        ProbeNode.validate_inputs = validate_inputs
        """,
    )
    call = worker.send_execute("probe", values=[json_value("a", 1)])
    error = worker.error(call)
    assert error["class"] == "input"
    assert words in error["message"]


@pytest.mark.parametrize(
    ("codec", "content", "words"),
    [
        (JSON, b'{"a":1,"a":2}', "appears twice"),
        (JSON, b"NaN", "isn't JSON"),
        (JSON, b"1e999", "out of range"),
        (JSON, b"9223372036854775808", "64 bits"),
        (JSON, b"[" * 65 + b"]" * 65, "deeper than 64"),
        (JSON, b"[" * 100_000, "deeper than 64"),
        (JSON, b"\xff", "not UTF-8"),
        (JSON, b"\xef\xbb\xbf1", "not JSON"),
        (JSON, b"1 2", "not JSON"),
        (JSON, b"", "not JSON"),
        (4, b"", "Arrow"),
        (2, b"\x80\x04K\x01.", "begin like a .npy"),
    ],
)
def test_content_that_is_not_what_it_says_is_an_input_error(
    launch: Launch, codec: int, content: bytes, words: str
) -> None:
    worker = launch("return {}")
    call = worker.send_execute("probe", values=[Value("a", codec, content)])
    error = worker.error(call)
    assert error["class"] == "input"
    assert "'a'" in error["message"] and words in error["message"]


def test_unknown_operations_and_node_types_are_unknown(
    launch: Launch,
) -> None:
    worker = launch("return {}")
    error = worker.error(worker.send_call({"operation": "dance"}))
    assert error["class"] == "unknown"
    error = worker.error(worker.send_execute("other"))
    assert error["class"] == "unknown"
    assert "Unknown node type: other" in error["message"]


def test_a_plugin_that_makes_its_own_cache_key_reports_it(
    launch: Launch,
) -> None:
    worker = launch(
        "return {}",
        """
        ProbeNode.cache_key = lambda self, inputs: "mine"
        """,
    )
    answer, _ = worker.answer(worker.send_execute("probe"))
    assert answer.values()[0]["cache_key"] == "mine"
    asked = {"operation": "cache_key", "node_type": "probe", "parameters": {}}
    answer, _ = worker.answer(worker.send_call(asked))
    assert answer.values() == ({"cache_key": "mine"}, {})


# Progress, logs and what is printed.


def test_progress_is_thinned_and_ends_with_the_last(launch: Launch) -> None:
    worker = launch(
        """
        for n in range(2001):
            context.progress(n / 2000, f"step {n}")
        return {}
        """
    )
    answer, before = worker.answer(worker.send_execute("probe"))
    assert answer.kind == RESULT
    assert {f.kind for f in before} == {PROGRESS}
    assert before[0].object == {"fraction": 0.0, "message": "step 0"}
    assert before[-1].object == {"fraction": 1.0, "message": "step 2000"}
    assert len(before) < 100


def test_dropped_progress_is_sent_when_nothing_follows(
    launch: Launch,
) -> None:
    worker = launch(
        """
        context.progress(0.1, "first")
        context.progress(0.2, "second")
        while not context.cancelled:
            pass
        return {}
        """
    )
    call = worker.send_execute("probe")
    worker.expect(ACK, call)
    assert worker.expect(PROGRESS, call).object["message"] == "first"
    assert worker.expect(PROGRESS, call).object["message"] == "second"
    worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
    assert worker.expect(ERROR, call).object["class"] == "cancelled"


def test_logs_come_as_frames_of_their_call(launch: Launch) -> None:
    worker = launch(
        """
        import logging
        context.log("one", "warning")
        self.plugin.logger.debug("two %d", 2)
        logging.getLogger("library").debug("not this")
        logging.getLogger("library").info("three")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("four")
        return {}
        """
    )
    _, before = worker.answer(worker.send_execute("probe"))
    lines = [f.object for f in before]
    assert all(f.kind == LOG for f in before)
    assert lines[0] == {
        "level": "warning",
        "logger": "node.n1",
        "message": "one",
    }
    assert lines[1] == {
        "level": "debug",
        "logger": "plugin.probe",
        "message": "two 2",
    }
    assert lines[2]["message"] == "three"
    assert lines[3]["level"] == "error"
    assert "ZeroDivisionError" in lines[3]["message"]
    assert len(lines) == 4


def test_logs_of_initialize_belong_to_no_call(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    directory = write_probe(
        tmp_path,
        "return {}",
        """
        Probe.initialize = lambda self, context: self.logger.info("hello")
        """,
    )
    supervisor.expect(HELLO)
    supervisor.initialize(directory)
    assert supervisor.expect(LOG).object == {
        "level": "info",
        "logger": "plugin.probe",
        "message": "hello",
    }


def test_a_thread_that_outlives_its_call_logs_for_none(
    launch: Launch,
) -> None:
    worker = launch(
        """
        import logging, threading, time
        def late():
            time.sleep(0.3)
            context.progress(0.5)
            context.log("dropped")
            logging.info("late")
        threading.Thread(target=late).start()
        return {}
        """
    )
    answer, before = worker.answer(worker.send_execute("probe"))
    assert answer.kind == RESULT and not before
    assert worker.expect(LOG, 0).object["message"] == "late"


def test_what_is_printed_goes_to_the_standard_output(launch: Launch) -> None:
    worker = launch('print("to the log \\ud800"); return {}')
    worker.outputs(worker.send_execute("probe"))
    status, out, err = worker.shut_down()
    assert (status, err) == (0, "")
    assert out == "to the log \\ud800\nbye\n"


PATTERN = """
from pipeline import NodeSpecification as N, ParameterSpecification as Q
Probe.get_node_types = lambda self: [
    N('probe', 'P', 'T', 'd', parameters=[
        Q('tag', 'string', 'Tag', 'd', 'en', {'pattern': '^[a-z]{2}$'}),
        Q('size', 'integer', 'Size', 'd', 1),
    ])
]
"""


def test_a_parameter_must_match_the_pattern_of_its_node_type(
    launch: Launch,
) -> None:
    worker = launch("return {'tag': self.parameters['tag']}", PATTERN)
    error = worker.error(worker.send_execute("probe", {"tag": "english"}))
    assert error["class"] == "input"
    assert "'tag' must match ^[a-z]{2}$: it is 'english'" in error["message"]
    call = worker.send_execute("probe", {"tag": "pt", "size": 3})
    assert worker.outputs(call) == {"tag": "pt"}


def test_a_pattern_says_nothing_of_what_is_not_text(launch: Launch) -> None:
    worker = launch("return {'tag': self.parameters['tag']}", PATTERN)
    call = worker.send_execute("probe", {"tag": None})
    assert worker.outputs(call) == {"tag": None}
