"""Runs one module of CPython's test suite in a process of its own, the same way
inside a sandbox and outside: python3 measure.py MODULE SECONDS.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
from xml.etree import ElementTree

# Not the one that ran this: a virtual environment would be a difference.
PYTHON = "/usr/bin/python3.11"
# `python -m test`, but that its results hold nothing back: where a class can't be set up, 3.11 looks for what it had held
# back, finds nothing and gives the whole module up.
RUNNER = """
from test.libregrtest import main
from test.support.testresult import RegressionTestResult
RegressionTestResult.buffer = property(lambda self: False, lambda self, value: None)
main()
"""
# What is told of a test that doesn't pass, and of a module that ends otherwise.
CHARACTERS = 400


def measure(module, seconds, start=None):
    """
    :param start: what makes the process; by default one of a program of its own
    :returns: `passed`, the tests that passed; `others`, what each of the rest
        said; `end` and `seconds`, how the process ended and when
    """
    place = tempfile.mkdtemp(prefix="suite-")
    report = os.path.join(place, "report.xml")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8",
    }
    arguments = ["--junit-xml", report, module]
    try:
        with open(os.path.join(place, "log"), "wb") as log:
            process = (start or start_program)(arguments, log, place, environment)
            started = time.monotonic()
            try:
                end = described(process.wait(seconds))
            except subprocess.TimeoutExpired:
                end = f"took more than {seconds} s"
            finally:
                end_session(process)
        took = time.monotonic() - started
        passed, others = outcomes(report)
        return {
            "passed": passed, "others": others, "end": end, "seconds": round(took, 1),
            "tail": last_lines(os.path.join(place, "log")),
        }
    finally:
        shutil.rmtree(place, ignore_errors=True)


def start_program(arguments, log, place, environment):
    """A Python of its own, as whoever runs the suite starts it."""
    return subprocess.Popen(
        [PYTHON, "-E", "-B", "-X", "utf8", "-c", RUNNER, *arguments],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place, env=environment,
        start_new_session=True,
    )


def start_copy(arguments, log, place, environment):
    """A copy of this process: for where no program may be started."""
    process = os.fork()
    if process:
        return Copy(process)
    status = 1
    try:
        become_alike(log, place, environment)
        sys.argv = ["-c", *arguments]
        try:
            exec(compile(RUNNER, "<string>", "exec"), sys.modules["__main__"].__dict__)
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else int(left.code is not None)
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def become_alike(log, place, environment):
    """Makes of a copy of a worker what a Python of its own would be, as far as it can be made."""
    os.setsid()
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    os.closerange(3, 256)
    for number in (1, 2):
        name = ("stdout", "stderr")[number - 1]
        stream = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is not None and number not in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pipeline"]:
        del sys.modules[name]
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.path[:] = ["", *(path for path in sys.path if path.startswith("/usr/"))]
    logging = sys.modules.get("logging")
    if logging:
        logging.root.handlers.clear()
        logging.root.setLevel(logging.WARNING)


class Copy:
    """A forked process, with as much of `subprocess.Popen` as is used here."""

    def __init__(self, pid):
        self.pid = pid
        self.status = None

    def wait(self, seconds=None):
        until = None if seconds is None else time.monotonic() + seconds
        while self.status is None:
            ended, status = os.waitpid(self.pid, 0 if until is None else os.WNOHANG)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                raise subprocess.TimeoutExpired("the suite", seconds)
            else:
                time.sleep(0.05)
        return self.status


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def described(status):
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exited {status}"


def outcomes(report):
    """The tests of a report as libregrtest writes it. A test of which a subtest
    failed has no name there: it is in neither list."""
    passed = []
    others = {}
    if not os.path.exists(report):
        return passed, others
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        name = test.get("name")
        if name is None:
            continue
        told = [child for child in test if child.tag in ("error", "failure", "skipped")]
        if told:
            said = told[0].get("message") or told[0].text or ""
            others[name] = f"{told[0].tag}: {said.strip()}"[:CHARACTERS]
        else:
            passed.append(name)
    # One that ran twice passes only if it passed both times.
    return sorted(set(passed) - set(others)), others


def last_lines(path):
    with open(path, "rb") as file:
        return file.read()[-CHARACTERS:].decode(errors="replace")


if __name__ == "__main__":
    json.dump(measure(sys.argv[1], int(sys.argv[2])), sys.stdout)
