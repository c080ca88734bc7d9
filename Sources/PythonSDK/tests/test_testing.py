"""The fixtures of `pipeline.testing`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from _socket import socket as Socket
from pathlib import Path
from socket import socketpair
from typing import Any, Callable, Dict, List, Tuple

import pytest

from pipeline import (
    Cancelled,
    DeclaredNode,
    DeclaredPlugin,
    File,
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    PortSpecification,
    ResourcePool,
    _frames,
    _json,
)
from pipeline._test_context import empty_directory
from pipeline._test_sandbox import Sandbox
from pipeline._transfer import open_call, pack_outputs
from pipeline._wire import Connection
from pipeline.testing import (
    VARIABLE,
    FakeExecutionContext,
    InputsRefused,
    NodeCheckFailed,
    NodeFailed,
    NodeRunner,
)
from supervisor import SDK
from test_specification import mended_template

FIXTURES = Path(__file__).parent / "fixtures"


class EchoNode(DeclaredNode):
    """Returns what its parameter says."""

    specification = NodeSpecification(
        "echo",
        "Echo",
        "Test",
        "Does what it is told",
        inputs=[
            PortSpecification("text", "string", "Text", ""),
            PortSpecification(
                "more", "list<integer>", "More", "", False, [7]
            ),
            PortSpecification(
                "files", "file", "Files", "", False, multiple=True
            ),
        ],
        outputs=[
            PortSpecification("text", "string", "Text", ""),
            PortSpecification(
                "files", "file", "Files", "", False, multiple=True
            ),
        ],
        parameters=[
            ParameterSpecification(
                "do", "string", "Do", "", "echo", {"pattern": "^[a-z]+$"}
            ),
            ParameterSpecification(
                "count", "integer", "Count", "", 1, {"min": 1, "max": 3}
            ),
        ],
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        if inputs["text"] == "raise":
            raise ValueError("no such text")
        return bool(inputs["text"])

    def execute(self, inputs: Dict[str, Any], context: Any) -> Dict[str, Any]:
        context.log("working", "warning")
        context.progress(0.5, "half")
        context.raise_if_cancelled()
        todo = self.parameters["do"]
        if todo in ("fail", "mend"):
            raise ValueError("it was told to")
        if todo == "less":
            return {}
        if todo == "more":
            return {"text": "", "else": 1}
        if todo == "wrong":
            return {"text": 1}
        if todo == "nothing":
            return None  # type: ignore[return-value]
        if todo == "inputs":
            return {"text": json.dumps(inputs)}
        return {"text": inputs["text"] * self.parameters["count"]}

    def on_error(self, error: Exception, context: Any) -> Any:
        return {"text": "mended"} if self.parameters["do"] == "mend" else None


class EchoPlugin(DeclaredPlugin):
    nodes = (EchoNode,)


@pytest.fixture
def run() -> NodeRunner:
    plugin = EchoPlugin(PluginManifest("echo", "1.0.0", "Ada"))
    plugin.initialize(PluginContext("1.0.0", ResourcePool()))
    return NodeRunner(plugin, FakeExecutionContext())


def test_a_node_runs_with_its_defaults(run: NodeRunner) -> None:
    assert run("echo", {"text": "a"}) == {"text": "a"}
    assert run("echo", {"text": "a"}, {"count": 3}) == {"text": "aaa"}
    told = run("echo", {"text": "a"}, {"do": "inputs"})["text"]
    assert json.loads(told) == {"text": "a", "more": [7]}
    assert run.context.logs[0] == ("warning", "working")
    assert run.context.progress_reports[0] == (0.5, "half")


@pytest.mark.parametrize(
    ("node_type", "inputs", "parameters", "complaint"),
    [
        ("other", {}, {}, "no node type 'other'; it has echo"),
        ("echo", {}, {}, "the input 'text' is missing"),
        ("echo", {"text": "a", "x": 1}, {}, "has no input 'x'"),
        ("echo", {"text": 1}, {}, "'text' is int, not string"),
        ("echo", {"text": {1}}, {}, "can't be carried: a set has no order"),
        ("echo", {"text": "a", "more": ["b"]}, {}, r"\[0\] is str"),
        ("echo", {"text": "a", "files": "b"}, {}, "has several values"),
        ("echo", {"text": "a"}, {"y": 1}, "has no parameter 'y'"),
        ("echo", {"text": "a"}, {"count": "1"}, "is str, not integer"),
        ("echo", {"text": "a"}, {"count": 0}, "is 0, below 1"),
        ("echo", {"text": "a"}, {"count": 4}, "is 4, above 3"),
        ("echo", {"text": "a"}, {"do": "A"}, "must match"),
        ("echo", {"text": "a"}, {"do": "less"}, "the outputs lack text"),
        ("echo", {"text": "a"}, {"do": "more"}, "has no output 'else'"),
        ("echo", {"text": "a"}, {"do": "wrong"}, "is int, not string"),
        ("echo", {"text": "a"}, {"do": "nothing"}, "returned NoneType"),
    ],
)
def test_what_the_engine_would_refuse_fails_the_test(
    run: NodeRunner,
    node_type: str,
    inputs: Dict[str, Any],
    parameters: Dict[str, Any],
    complaint: str,
) -> None:
    with pytest.raises(NodeCheckFailed, match=complaint):
        run(node_type, inputs, parameters)


def test_refused_inputs_are_told_apart(run: NodeRunner) -> None:
    with pytest.raises(InputsRefused, match="EchoNode.validate_inputs"):
        run("echo", {"text": ""})
    with pytest.raises(InputsRefused, match="no such text"):
        run("echo", {"text": "raise"})


def test_an_error_passes_unless_on_error_mends_it(run: NodeRunner) -> None:
    with pytest.raises(ValueError, match="it was told to"):
        run("echo", {"text": "a"}, {"do": "fail"})
    assert run("echo", {"text": "a"}, {"do": "mend"}) == {"text": "mended"}


def test_the_context_cancels_and_holds_secrets(run: NodeRunner) -> None:
    context = run.context
    called: List[int] = []
    context.on_cancel(lambda: called.append(1))
    context.set_secret("TOKEN", "abcdef")
    assert context.secrets["TOKEN"] == "abcdef"
    assert "abcdef" not in repr(context.secrets)
    context.cancel()
    context.on_cancel(lambda: called.append(2))
    assert called == [1, 2]
    with pytest.raises(Cancelled):
        run("echo", {"text": "a"})


def test_a_workspace_is_emptied_without_following_links(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("kept")
    place = tmp_path / "place"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "link").symlink_to(other)
    (place / "file").write_text("")
    empty_directory(str(place))
    assert list(place.iterdir()) == []
    assert (other / "kept").exists()


def run_tests(
    directory: Path, manifest: Dict[str, Any], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    told = {"directory": str(directory), "manifest": manifest}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pipeline._test_run",
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(SDK),
            "PYTHONDONTWRITEBYTECODE": "1",
            **({VARIABLE: json.dumps(told)} if manifest else {}),
        },
    )


MANIFEST: Dict[str, Any] = {
    "name": "example_plugin",
    "version": "1.0.0",
    "author": "Ada",
    "entry_point": "example_plugin.py",
    "permissions": ["filesystem.read"],
    "configuration": {"greeting": {"type": "string", "default": "Hello"}},
}


def test_the_specifications_own_tests_pass_as_written(tmp_path: Path) -> None:
    # Its plugin has two bugs of its own, which are mended.
    (tmp_path / "example_plugin.py").write_text(mended_template())
    as_written = (FIXTURES / "specification_tests" / "tests.txt").read_text()
    (tmp_path / "test_plugin.py").write_text(
        "from pipeline.testing import *\n"
        "from example_plugin import ExamplePlugin\n" + as_written
    )
    done = run_tests(tmp_path, MANIFEST, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


OWN_TESTS = """
from example_plugin import ExamplePlugin

def test_plugin_is_of_the_imported_class(test_plugin):
    assert isinstance(test_plugin, ExamplePlugin) and test_plugin.initialized
    assert test_plugin.validate_permissions(["filesystem.read"])
    assert not test_plugin.validate_permissions(["system.exec"])

def test_context(plugin_context, plugin_manifest):
    assert plugin_context.config == {"greeting": "Hello"}
    assert plugin_context.available_resources.available_cpu == 8.0
    assert plugin_manifest.name == "example_plugin"

def test_directories(execution_context):
    assert execution_context.workspace.is_dir()
    assert execution_context.scratch.is_dir()

def test_node(run_node):
    assert run_node("example_processor", {"input": [1, (2,)]}) == {
        "output": [1, [2]]
    }
"""


def test_the_fixtures_know_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "example_plugin.py").write_text(mended_template())
    (tmp_path / "test_own.py").write_text(OWN_TESTS)
    done = run_tests(tmp_path, MANIFEST, "-q")
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_without_a_manifest_the_remedy_is_told(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_it(test_plugin): pass\n")
    (tmp_path / "yaml.py").write_text("raise ImportError\n")
    done = run_tests(tmp_path, {}, "-q")
    assert done.returncode == 1
    assert "hint: orchestrator plugin test" in done.stdout


def test_a_missing_pytest_has_a_status_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").write_text("raise ModuleNotFoundError('x')\n")
    assert run_tests(tmp_path, MANIFEST).returncode == 86


Answer = Callable[[Connection, Any], None]


@pytest.fixture
def sandboxed(run: NodeRunner) -> Any:
    """Runs nodes at a stand-in for `plugin test --sandboxed`."""
    ends: List[Socket] = []

    def make(answer: Answer) -> NodeRunner:
        ours, theirs = socketpair()
        ends.extend((ours, theirs))

        def serve() -> None:
            connection = Connection(os.dup(theirs.fileno()))
            while True:
                frame = connection.receive()
                if frame is None:
                    return
                answer(connection, open_call(frame))

        threading.Thread(target=serve, daemon=True).start()
        from pipeline.testing import _run_in

        context = PluginContext("1.0.0", ResourcePool(), {"key": "value"})
        _run_in(Sandbox(os.dup(ours.fileno())), run.plugin, context)
        return run

    yield make
    for end in ends:
        end.close()


def respond(connection: Connection, call: Any, outputs: Any) -> None:
    body, shared = pack_outputs({"fallback": False}, outputs, set(outputs))
    connection.send(
        _frames.RESULT, call.number, body, [one.fd for one in shared]
    )


def test_a_sandboxed_node_is_run_at_the_other_end(
    sandboxed: Callable[[Answer], NodeRunner],
) -> None:
    seen: List[Tuple[Dict[str, Any], Dict[str, Any]]] = []
    large = File("large", b"x" * 100_000)

    def answer(connection: Connection, call: Any) -> None:
        seen.append((call.metadata, call.inputs()))
        told = {"fraction": None, "message": "there"}
        connection.send_object(_frames.PROGRESS, call.number, told)
        log = {"level": "info", "logger": "", "message": "said"}
        connection.send_object(_frames.LOG, call.number, log)
        respond(connection, call, {"text": ["b"], "files": [large]})

    run = sandboxed(answer)
    outputs = run("echo", {"text": "a", "files": [large]}, {"count": 2})
    assert outputs == {"text": "b", "files": [large]}
    (metadata, inputs), *_ = seen
    assert metadata["parameters"] == {"do": "echo", "count": 2}
    assert metadata["config"] == {"key": "value"}
    assert inputs == {"text": "a", "more": [7], "files": [large]}
    assert run.context.logs == [("info", "said")]
    assert run.context.progress_reports == [(None, "there")]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"class": "error", "type": "KeyError"}, KeyError),
        ({"class": "error", "type": "PermissionError"}, OSError),
        ({"class": "error", "type": "NotConfigured"}, NodeFailed),
        ({"class": "error", "type": "SystemExit"}, NodeFailed),
        ({"class": "error", "type": "UnicodeDecodeError"}, NodeFailed),
        ({"class": "error", "type": "ExceptionGroup"}, NodeFailed),
        ({"class": "error", "type": "print"}, NodeFailed),
        ({"class": "input", "type": ""}, InputsRefused),
        ({"class": "output", "type": ""}, NodeCheckFailed),
        ({"class": "cancelled", "type": ""}, Cancelled),
        ({"class": "worker", "type": ""}, NodeFailed),
    ],
)
def test_what_a_sandboxed_node_raises_is_raised_here(
    sandboxed: Callable[[Answer], NodeRunner],
    told: Dict[str, Any],
    kind: type,
) -> None:
    def answer(connection: Connection, call: Any) -> None:
        body = {**told, "message": "why", "traceback": "there", "hint": "do"}
        connection.send(_frames.ERROR, call.number, _json.dumps(body))

    with pytest.raises(kind, match="why") as raised:
        sandboxed(answer)("echo", {"text": "a"})
    failed = raised.value.__cause__ or raised.value
    assert isinstance(failed, NodeFailed)
    assert "hint: do" in str(failed) and "there" in str(failed)


def test_a_sandbox_that_has_gone_fails_the_node(
    sandboxed: Callable[[Answer], NodeRunner],
) -> None:
    def answer(connection: Connection, call: Any) -> None:
        connection._socket.shutdown(2)

    with pytest.raises(NodeFailed, match="has gone"):
        sandboxed(answer)("echo", {"text": "a"})
