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


def measure(module, seconds):
    """
    :returns: `passed`, the tests that passed; `others`, what each of the rest
        said; `end` and `seconds`, how the process ended and when
    """
    place = tempfile.mkdtemp(prefix="suite-")
    report = os.path.join(place, "report.xml")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8",
    }
    command = [
        PYTHON, "-E", "-B", "-X", "utf8", "-c", RUNNER, "--junit-xml", report, module,
    ]
    try:
        with open(os.path.join(place, "log"), "wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place,
                env=environment, start_new_session=True,
            )
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
