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

# Not the one that ran this: a virtual environment would be a difference.
PYTHON = "/usr/bin/python3.11"
# `python -m test`, but that its results hold nothing back (where a class can't be set up, 3.11 looks for what it had held back,
# finds nothing and gives the whole module up), and that what becomes of each test is told at once: the report is written at
# the end, and not every module comes to its end.
RUNNER = """
def prepare():
    import json, os, re, signal, sys, unittest
    from test.support.testresult import RegressionTestResult as Result

    progress = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    process = os.getpid()
    del sys.argv[1]

    def tell(*words):
        # A child that a test forks has no business with it.
        if os.getpid() == process:
            os.write(progress, json.dumps(words).encode() + b"\\n")

    # Of each class, how many tests hung; the rest of a class of which two did is skipped.
    hung = {}
    current = None

    def interrupt(number, frame):
        if os.getpid() != process:
            return
        hung.setdefault(type(current), set()).add(current.id() if current else "")
        if current and len(hung[type(current)]) == 2:
            type(current).__unittest_skip__ = True
            type(current).__unittest_skip_why__ = "two of its class hung"
        raise TimeoutError("it hung, and was interrupted")

    signal.signal(signal.SIGXCPU, interrupt)

    def start(self, test, inner=Result.startTest):
        nonlocal current
        current = test
        tell("start", test.id())
        inner(self, test)

    def stop(self, test, inner=Result.stopTest):
        inner(self, test)
        told = self._RegressionTestResult__suite[-1]
        wrong = [child for child in told if child.tag in ("error", "failure", "skipped")]
        if told.get("name") is None:
            # A subtest failed.
            tell("stop", None, None)
        elif wrong:
            text = wrong[0].text or ""
            said = (wrong[0].get("message") or text).strip()[-400:]
            # Where it was raised, and what called that.
            for file, line, name in re.findall('File "(.*)", line ([0-9]+), in (.*)', text)[-3:]:
                said += f" < {os.path.basename(file)}:{line} {name}"
            tell("stop", told.get("name"), wrong[0].tag + ": " + said)
        else:
            tell("stop", told.get("name"), None)

    Result.startTest, Result.stopTest = start, stop
    Result.buffer = property(lambda self: False, lambda self, value: None)

prepare()
from test.libregrtest import main
main()
"""
# Of a module's last words.
CHARACTERS = 400
# A module that tells of no test for so long hangs, and its test is interrupted; so is what it does after. One that goes on
# hanging is ended, and begins again without that test.
SILENCE = 45
# The same where four tests have hung already: a module in which one server after the other gets no socket.
SILENCE_THEN = 8
BETWEEN_INTERRUPTS = 5
MOST_INTERRUPTS = 4
# Of one module.
MOST_LEFT_OUT = 4


def measure(module, seconds, start=None, silence=SILENCE):
    """
    :param start: what makes the process; by default one of a program of its own
    :returns: `passed`, the tests that passed; `others`, what each of the rest
        said; `end` and `seconds`, how the process ended and when
    """
    started = time.monotonic()
    left_out = {}
    passed = set()
    while True:
        left = seconds - (time.monotonic() - started)
        told = measure_once(module, left, start or start_program, silence, left_out)
        running = told.pop("running")
        passed.update(told["passed"])
        if running is None or told["end"].startswith("exited") or len(left_out) == MOST_LEFT_OUT:
            break
        left_out[running] = f"left out: {told['end']}"
        if left <= silence:
            break
    told["others"].update(left_out)
    told["passed"] = sorted(passed - set(told["others"]))
    return {**told, "seconds": round(time.monotonic() - started, 1)}


def measure_once(module, seconds, start, silence, left_out):
    place = tempfile.mkdtemp(prefix="suite-")
    progress = os.path.join(place, "progress")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8",
    }
    arguments = [progress, "--junit-xml", os.path.join(place, "report.xml"), module]
    for test in left_out:
        arguments += ["--ignore", test]
    try:
        with open(os.path.join(place, "log"), "wb") as log:
            process = start(arguments, log, place, environment)
            try:
                end = ending(process, progress, seconds, silence)
            finally:
                end_session(process)
        return {**outcomes(progress), "end": end, "tail": last_lines(os.path.join(place, "log"))}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def ending(process, progress, seconds, silence):
    """How the process ended, by itself or because it took too long."""
    deadline = time.monotonic() + seconds
    quiet_since = time.monotonic()
    hung = 0
    interrupts = 0
    size = 0
    while True:
        try:
            return described(process.wait(0.5))
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        told = os.path.getsize(progress) if os.path.exists(progress) else 0
        if told != size:
            size, quiet_since, interrupts = told, now, 0
        if now > deadline:
            return "took more than its time"
        patience = silence if hung < 4 else min(silence, SILENCE_THEN)
        if now > quiet_since + patience + interrupts * BETWEEN_INTERRUPTS:
            if interrupts == MOST_INTERRUPTS or not size:
                return "went on hanging"
            os.kill(process.pid, signal.SIGXCPU)
            hung += interrupts == 0
            interrupts += 1


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
    # One of them waits for the import of `logging`.
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not type(finder).__module__.startswith("pipeline")
    ]
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


def outcomes(progress):
    """What was told of each test. One of which a subtest failed has no name there: it
    is in neither list."""
    passed = set()
    others = {}
    running = None
    if os.path.exists(progress):
        with open(progress, encoding="utf-8") as file:
            # The last line may be half of one.
            lines = [line for line in file if line.endswith("\n")]
        for kind, name, *said in map(json.loads, lines):
            if kind == "start":
                running = name
                continue
            running = None
            if name is None:
                continue
            if said[0] is None:
                passed.add(name)
            else:
                others[name] = said[0]
    # One that ran twice passes only if it passed both times.
    return {"passed": sorted(passed - set(others)), "others": others, "running": running}


def last_lines(path):
    with open(path, "rb") as file:
        return file.read()[-CHARACTERS:].decode(errors="replace")


if __name__ == "__main__":
    # A shell's background has it ignored, and so has all that is started there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Nothing hangs there but what is slow.
    json.dump(measure(sys.argv[1], int(sys.argv[2]), silence=int(sys.argv[2])), sys.stdout)
