"""The bundled plugin `command`, mostly through its real worker."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

import command_process
from command_failures import CommandError, CommandFailed, failed
from command_plugin import PATH, CommandPlugin
from pipeline import ExecutionContext, PluginManifest
from supervisor import ACK, CANCEL, ERROR, FILE, LOG, RESULT, Supervisor, frame

Run = Callable[..., Dict[str, Any]]
JUNIT = '<testsuite name="unit"><testcase name="adds" time="0.5"/></testsuite>'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in a workspace, in this process."""
    plugin = CommandPlugin(PluginManifest("command", "1.0.0", "us"))

    def execute(
        command: Any, secrets: Any = None, **parameters: Any
    ) -> Dict[str, Any]:
        node = plugin.create_node("run", {"command": command, **parameters})
        assert node.validate_inputs({})
        context = ExecutionContext(
            "run-1",
            "test",
            2,
            workspace=str(tmp_path),
            scratch="/tmp",
            secrets=secrets,
        )
        return node.execute({}, context)

    return execute


@pytest.fixture
def worker(started: Any, tmp_path: Path) -> Supervisor:
    """A worker of the plugin, with a workspace."""
    supervisor: Supervisor = started("command", tmp_path)
    return supervisor


def refused(run: Run, *arguments: Any, **parameters: Any) -> CommandError:
    """Why a command isn't run, or what it made isn't kept."""
    with pytest.raises(CommandError) as caught:
        run(*arguments, **parameters)
    return caught.value


def test_the_specification_is_valid_and_matches_the_manifest(
    described: Any,
) -> None:
    (node,) = described("command")
    manifest = Path(__file__).parent.parent / "plugin.yaml"
    assert node["node_type"] == "run"
    assert "- run\n" in manifest.read_text()
    assert [port["name"] for port in node["outputs"]] == ["artifacts", "paths"]
    assert [port["multiple"] for port in node["outputs"]] == [True, False]


# How it ends.


def test_a_command_that_succeeds_has_outputs(worker: Supervisor) -> None:
    call = worker.send_execute("run", {"command": "true"})
    answer, _ = worker.answer(call)
    assert answer.kind == RESULT
    metadata, values = answer.values()
    assert "tests" not in metadata
    assert json.loads(values.pop("paths")[2]) == [] and not values


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("exit 3", "the command failed with status 3", None),
        ("false; exit 0", "the command failed with status 1", None),
        ("kill -SEGV $$", "the command was ended by SIGSEGV", None),
        ("exec /etc/passwd", "the command failed with status 126", "executa"),
        ("no-such-thing", "the command failed with status 127", "PATH is /usr"),
        (
            "sh -c 'kill -KILL $$'; true",
            "the command failed with status 137",
            "SIGKILL",
        ),
    ],
)
def test_a_command_that_fails_is_told_without_a_traceback(
    worker: Supervisor, command: str, message: str, hint: Optional[str]
) -> None:
    error = worker.error(worker.send_execute("run", {"command": command}))
    assert error["class"] == "error" and error["type"] == "CommandFailed"
    assert error["message"] == message
    assert error["traceback"] is None
    assert error["hint"] is None if hint is None else hint in error["hint"]


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert "by signal 40" in str(failed(-40, PATH))
    assert failed(128 + 40, PATH).hint is None
    assert failed(255, PATH).hint is None


def test_bash_fails_where_a_part_of_a_pipe_fails(run: Run) -> None:
    assert run("false | true") == {"artifacts": [], "paths": []}
    with pytest.raises(CommandFailed, match="status 1"):
        run("false | true", shell="bash")
    run("set -o | grep -q 'pipefail.*on'; [[ -n $BASH ]]", shell="bash")


def test_a_command_is_never_taken_for_an_option(run: Run) -> None:
    with pytest.raises(CommandFailed, match="status 127"):
        run("-x; echo")
    with pytest.raises(CommandFailed, match="status 127"):
        run("+x; echo", shell="bash")


def test_a_command_is_taken_as_it_is(run: Run, tmp_path: Path) -> None:
    run("printf %s '${{ inputs.a }} $HOME \\' > out")
    assert (tmp_path / "out").read_text() == "${{ inputs.a }} $HOME \\"


# What it is given.


def test_a_command_is_given_this_environment_and_no_other(
    run: Run, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OF_THE_WORKER", "1")
    for shell in ("sh", "bash"):
        run(
            "cat /proc/$$/environ > out",
            {"TOKEN": "hunter2"},
            shell=shell,
            environment={
                "A": "b c\n'd",
                "LD_PRELOAD": "",
                "CI": "no",
                "NONE": None,
                "YES": True,
                "NUMBER": 3,
            },
        )
        given = (tmp_path / "out").read_bytes().rstrip(b"\0").split(b"\0")
        assert dict(v.decode().split("=", 1) for v in given) == {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin"
            ":/bin",
            "HOME": "/tmp",
            "TMPDIR": "/tmp",
            "LANG": "C.UTF-8",
            "CI": "no",
            "ORCHESTRATOR_RUN": "run-1",
            "ORCHESTRATOR_NODE": "test",
            "ORCHESTRATOR_ATTEMPT": "2",
            "ORCHESTRATOR_WORKSPACE": str(tmp_path),
            "A": "b c\n'd",
            "LD_PRELOAD": "",
            "NONE": "",
            "YES": "true",
            "NUMBER": "3",
            "TOKEN": "hunter2",
        }


def test_secrets_reach_the_command_and_nothing_that_is_told(
    worker: Supervisor, tmp_path: Path
) -> None:
    call = worker.send_execute(
        "run",
        {"command": 'printf %s "$TOKEN" > out; exit 4'},
        secrets={"TOKEN": "hunter2"},
    )
    got, before = worker.answer(call)
    _, out, err = worker.shut_down()
    assert (tmp_path / "out").read_text() == "hunter2"
    for text in (str(got.body), *(str(f.body) for f in before), out, err):
        assert "hunter2" not in text


def test_a_name_is_a_variable_or_a_secret(run: Run) -> None:
    error = refused(run, "true", {"A": "hunter2"}, environment={"A": "b"})
    assert str(error) == "'A' is a variable and a secret"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ([], "is list, not a mapping"),
        ({"1A": "b"}, "'1A' can't name a variable"),
        ({"A=B": "c"}, "can't name a variable"),
        ({"": "c"}, "can't name a variable"),
        ({"Ä": "c"}, "can't name a variable"),
        ({"A\n": "c"}, "can't name a variable"),
        ({"A": [5]}, "variable 'A' is a list, not text"),
        ({"A": "x\0y"}, "variable 'A' can't be passed"),
        ({"A": "x\ud800"}, "variable 'A' can't be passed"),
    ],
)
def test_what_can_not_be_a_variable_is_refused(
    run: Run, environment: Any, words: str
) -> None:
    assert words in str(refused(run, "true", environment=environment))


@pytest.mark.parametrize("secrets", [{"1": "hunter2"}, {"A": "hunter2\0"}])
def test_what_can_not_be_a_secret_is_refused_and_not_shown(
    run: Run, secrets: Any
) -> None:
    error = refused(run, "true", secrets)
    assert "hunter2" not in f"{error} {error.hint}"


def test_a_command_has_no_descriptor_but_the_three(
    worker: Supervisor, tmp_path: Path
) -> None:
    command = "ls -l /proc/$$/fd > out"
    worker.outputs(worker.send_execute("run", {"command": command}))
    lines = (tmp_path / "out").read_text().splitlines()[1:]
    numbers = [line.split(" -> ")[0].split()[-1] for line in lines]
    # The third is what the shell itself opened: dash has a copy of one there.
    assert set(numbers) <= {"0", "1", "2", "10"}
    assert not any("socket" in line or "memfd" in line for line in lines)
    assert "/dev/null" in lines[0]


def test_a_command_reads_nothing_and_is_left_no_descriptor_by_mistake(
    run: Run, tmp_path: Path
) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"for the worker\n")
    os.set_inheritable(theirs, True)
    kept = os.dup(0)
    try:
        os.dup2(ours, 0)
        run(f"head -n1 > in; test ! -e /proc/$$/fd/{theirs}; ! tty >> in")
    finally:
        os.dup2(kept, 0)
        for fd in (ours, theirs, kept):
            os.close(fd)
    assert (tmp_path / "in").read_text() == "not a tty\n"


def test_what_a_command_writes_goes_where_the_worker_writes(
    worker: Supervisor,
) -> None:
    command = "echo to one; echo to two >&2"
    worker.outputs(worker.send_execute("run", {"command": command}))
    status, out, err = worker.shut_down()
    assert (status, out, err) == (0, "to one\n", "to two\n")


def test_a_command_runs_in_its_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    run("pwd > $ORCHESTRATOR_WORKSPACE/out", directory="a/b")
    assert (tmp_path / "out").read_text() == f"{tmp_path}/a/b\n"
    run("pwd > out")
    assert (tmp_path / "out").read_text() == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"directory": "none"}, "there is no directory 'none'"),
        ({"directory": "file"}, "there is no directory 'file'"),
        ({"directory": "/tmp"}, "isn't a directory within"),
        ({"directory": "a/../.."}, "isn't a directory within"),
        ({"directory": "a\0"}, "holds a NUL"),
        ({"directory": 5}, "'directory' is int, not text"),
        ({"command": " \n"}, "there is no command"),
        ({"command": "echo \0"}, "holds a NUL"),
        ({"command": "echo \ud800"}, "what is no character"),
        ({"command": None}, "'command' is NoneType, not text"),
        ({"command": ":" * 200_000}, "it is too long"),
        ({"shell": "zsh"}, "there is no shell 'zsh'"),
        ({"artifacts": "dist"}, "'artifacts' is str, not a list"),
        ({"artifacts": [5]}, "a pattern of 'artifacts' is int"),
        ({"artifacts": ["/etc/passwd"]}, "isn't a pattern for files"),
        ({"artifacts": ["a/../../b"]}, "isn't a pattern for files"),
        ({"artifacts": ["./"]}, "isn't a pattern for files"),
        ({"artifacts": [""]}, "isn't a pattern for files"),
        ({"junit": ["a\0"]}, "isn't a pattern for files"),
        ({"junit": {}}, "'junit' is dict, not a list"),
    ],
)
def test_what_is_wrong_is_said_before_the_command_runs(
    run: Run, tmp_path: Path, parameters: Dict[str, Any], words: str
) -> None:
    (tmp_path / "file").write_text("")
    given = {"command": "echo > ran", **parameters}
    error = refused(run, given.pop("command"), **given)
    assert words in str(error) and error.hint
    assert not (tmp_path / "ran").exists()


def test_without_a_workspace_the_permission_is_named(started: Any) -> None:
    worker = started("command")
    error = worker.error(worker.send_execute("run", {"command": "true"}))
    assert "command=filesystem.write" in error["hint"]


def test_a_shell_that_can_not_be_started_is_told(
    run: Run, tmp_path: Path, monkeypatch: Any
) -> None:
    import command_plugin

    shell = tmp_path / "shell"
    monkeypatch.setitem(command_plugin.SHELLS, "sh", [str(shell)])
    error = refused(run, "true")
    assert f"can't be started: there is no {shell}" in str(error)
    assert error.hint
    shell.write_text("")
    error = refused(run, "true")
    assert "can't be started: permission denied" in str(error)
    assert "command=system.exec" in (error.hint or "")


# Its processes.


@pytest.fixture
def sleepers() -> Iterator[Callable[[Path], int]]:
    """Reads the number of a process that a command wrote down, and ends what
    is still there in the end."""
    numbers: List[int] = []

    def number(path: Path) -> int:
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
        numbers.append(int(path.read_text()))
        return numbers[-1]

    yield number
    for one in numbers:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_there(number: int) -> bool:
    """Whether a process runs; one that waits to be reaped doesn't."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.split()[0] not in ("Z", "X")


@pytest.mark.parametrize("end", ["exit 0", "exit 1", "kill -TERM $$"])
def test_what_is_left_in_the_background_is_killed(
    worker: Supervisor, tmp_path: Path, sleepers: Any, end: str
) -> None:
    command = f"sleep 300 & echo $! > one; {end}"
    worker.answer(worker.send_execute("run", {"command": command}))
    one = sleepers(tmp_path / "one")
    wait_for(lambda: not is_there(one))


def test_a_cancel_ends_the_command_and_all_below_it(
    worker: Supervisor, tmp_path: Path, sleepers: Any
) -> None:
    command = (
        "trap 'echo asked > asked' TERM\n"
        "sh -c 'sleep 300 & echo $! > one; wait'"
    )
    call = worker.send_execute("run", {"command": command})
    worker.expect(ACK, call)
    one = sleepers(tmp_path / "one")
    begin = time.monotonic()
    worker.send(frame(CANCEL, call, b'{"reason":"deadline"}'))
    got = worker.expect(ERROR, call)
    assert got.object["class"] == "cancelled"
    assert time.monotonic() - begin < command_process.GRACE
    assert (tmp_path / "asked").read_text() == "asked\n"
    wait_for(lambda: not is_there(one))


def test_a_command_that_does_not_stop_is_killed_after_two_seconds(
    worker: Supervisor, tmp_path: Path, sleepers: Any
) -> None:
    command = (
        "trap '' TERM; sh -c 'echo $$ > one; while :; do sleep 0.1; done' &\n"
        "while :; do sleep 0.1; done"
    )
    call = worker.send_execute("run", {"command": command})
    worker.expect(ACK, call)
    one = sleepers(tmp_path / "one")
    begin = time.monotonic()
    worker.send(frame(CANCEL, call, b'{"reason":"user"}'))
    assert worker.expect(ERROR, call).object["class"] == "cancelled"
    assert 1.9 < time.monotonic() - begin < 10
    wait_for(lambda: not is_there(one))
    # It serves on.
    worker.outputs(worker.send_execute("run", {"command": "true"}))


def test_a_cancel_that_comes_before_the_start_ends_it_at_once(
    tmp_path: Path,
) -> None:
    def at_once(action: Callable[[], object]) -> None:
        action()

    begin = time.monotonic()
    status = command_process.run(["/bin/sleep", "300"], "/", {}, at_once)
    assert status == -signal.SIGTERM
    assert time.monotonic() - begin < 10


def test_a_command_has_a_session_of_its_own(run: Run, tmp_path: Path) -> None:
    run("echo $$ $(cut -d' ' -f5,6 /proc/$$/stat) > out")
    numbers = set((tmp_path / "out").read_text().split())
    assert len(numbers) == 1 and str(os.getsid(0)) not in numbers


def test_no_thread_and_no_descriptor_is_left_behind(
    run: Run, tmp_path: Path
) -> None:
    import threading

    (tmp_path / "report.xml").write_text(JUNIT)
    descriptors = sorted(os.listdir("/proc/self/fd"))
    for command in ("true", "exit 1", "exec /nowhere"):
        try:
            run(command, artifacts=["*.xml"], junit=["**/*.xml"])
        except CommandError:
            pass
    refused(run, ":" * 200_000)
    wait_for(lambda: threading.active_count() == 1)
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


# What it leaves.


def test_artifacts_are_files_in_the_order_of_their_paths(
    worker: Supervisor,
) -> None:
    command = (
        "mkdir -p dist/sub; echo z > dist/z; echo s > dist/sub/a; echo t > top"
        "; head -c 70000 /dev/zero > dist/big"
    )
    call = worker.send_execute(
        "run", {"command": command, "artifacts": ["dist/**", "t?p", "dist/z"]}
    )
    answer, _ = worker.answer(call)
    values = answer.values()[1]
    assert json.loads(values["paths"][2]) == [
        "dist/big",
        "dist/sub/a",
        "dist/z",
        "top",
    ]
    assert values["artifacts"] == [
        (FILE, "big", bytes(70_000), 1),
        (FILE, "a", b"s\n", 0),
        (FILE, "z", b"z\n", 0),
        (FILE, "top", b"t\n", 0),
    ]


def test_a_pattern_that_matches_nothing_fails_a_command_that_succeeded(
    run: Run, tmp_path: Path
) -> None:
    error = refused(
        run, "mkdir d; echo > a", artifacts=["a", "d", "*.none", "none/**"]
    )
    assert "the pattern 'd' of 'artifacts' matches no file" in str(error)
    assert "DIRECTORY/**" in (error.hint or "")
    error = refused(run, "exit 9", artifacts=["*.none"], junit=["*.xml"])
    assert "status 9" in str(error)
    error = refused(run, "true", artifacts=["a"], junit=["*.xml"])
    assert "the pattern '*.xml' of 'junit' matches no file" in str(error)


def test_the_most_files_of_one_node_fit_into_its_result(
    worker: Supervisor,
) -> None:
    command = "for i in $(seq 1000); do echo $i > f$i; done"
    parameters: Dict[str, Any] = {"command": command, "artifacts": ["f*"]}
    answer, _ = worker.answer(worker.send_execute("run", parameters))
    assert answer.kind == RESULT
    assert len(answer.values()[1]["artifacts"]) == 1_000
    parameters["command"] = "echo > f1001"
    error = worker.error(worker.send_execute("run", parameters))
    assert "match 1,001 files; a node keeps at most 1,000" in error["message"]


# Test reports.


def test_tests_are_told_with_the_result_and_with_the_error(
    worker: Supervisor,
) -> None:
    tests = {
        "suites": [
            {
                "name": "unit",
                "cases": [
                    {
                        "name": "adds",
                        "class": "",
                        "seconds": 0.5,
                        "outcome": "passed",
                    }
                ],
            }
        ],
        "omitted": 0,
    }
    parameters = {
        "command": f"echo '{JUNIT}' > report.xml",
        "junit": ["*.xml"],
    }
    answer, _ = worker.answer(worker.send_execute("run", parameters))
    assert answer.values()[0]["tests"] == tests
    parameters["command"] += "; exit 7"
    error = worker.error(worker.send_execute("run", parameters))
    assert error["message"] == "the command failed with status 7"
    assert error["tests"] == tests


def test_a_broken_report_fails_what_succeeded_and_is_warned_of_otherwise(
    worker: Supervisor,
) -> None:
    command = f"echo '{JUNIT}' > a.xml; echo '<testsuite>\n<' > b.xml"
    words = "'b.xml', line 2, isn't a test report: "
    parameters = {"command": command, "junit": ["*.xml"]}
    error = worker.error(worker.send_execute("run", parameters))
    assert error["message"].startswith(words)
    assert error["tests"]["suites"][0]["name"] == "unit"
    parameters["command"] += "; exit 7"
    answer, before = worker.answer(worker.send_execute("run", parameters))
    assert answer.object["message"] == "the command failed with status 7"
    assert answer.object["tests"]["suites"][0]["name"] == "unit"
    (log,) = [f.object for f in before if f.kind == LOG]
    assert log["level"] == "warning" and log["message"].startswith(words)
