"""The hostile plugin's probes work: without a sandbox they get through.

A probe that failed for a reason of its own would look like a denial for ever.
These tests run every probe as an ordinary user outside any sandbox.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# An id that no user of a Debian system has.
NOBODY_AT_ALL = 64321


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    base = Path("/var/tmp") / f"orchestrator-probes-{os.getpid()}"
    base.mkdir(mode=0o755)
    try:
        yield run_probes(base)
    finally:
        shutil.rmtree(base)


def run_probes(base):
    shutil.copytree(HERE / "hostile", base / "hostile")
    secret = base / "secret.txt"
    secret.write_text("a host's file")
    writable = base / "writable.txt"
    writable.write_text("")
    writable.chmod(0o666)
    listeners = [socket.socket(socket.AF_INET)]
    listeners[0].bind(("127.0.0.1", 0))
    abstract = f"orchestrator-probe-{os.getpid()}"
    for name in ("\0" + abstract, str(base / "listening")):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(name)
        listeners.append(listener)
    for listener in listeners:
        listener.listen(8)
    (base / "listening").chmod(0o666)

    identity = {}
    if os.geteuid() == 0:
        identity = {
            "user": NOBODY_AT_ALL, "group": NOBODY_AT_ALL, "extra_groups": [],
        }
    host = subprocess.Popen(["/bin/sleep", "300"], **identity)
    facts = {
        "file": str(secret),
        "writable_file": str(writable),
        "directory": str(base / "hostile"),
        "pid": host.pid,
        "marker": "orchestrator-secret-marker",
        "port": listeners[0].getsockname()[1],
        "abstract": abstract,
        "socket": str(base / "listening"),
        "fork_limit": 50,
        "namespaces": {
            name: os.readlink(f"/proc/self/ns/{name}")
            for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
        },
    }
    environment = {
        "PATH": "/usr/bin:/bin", "SECRET": facts["marker"],
        "LANG": "C.UTF-8",
    }
    try:
        done = subprocess.run(
            ["/usr/bin/python3", str(base / "hostile/outside.py"), json.dumps(facts)],
            stdout=subprocess.PIPE, check=True, env=environment, cwd="/",
            stdin=subprocess.DEVNULL, timeout=180, **identity,
        )
    finally:
        host.kill()
        host.wait()
        for listener in listeners:
            listener.close()
    return json.loads(done.stdout)


def test_every_probe_reaches_a_verdict(report):
    broken = [
        f"{a['attempt']}: {a['detail']}"
        for a in report["attempts"]
        if a["outcome"] not in ("allowed", "denied")
    ]
    assert not broken, "\n".join(broken)


def test_what_is_open_to_everyone_gets_through(report):
    stopped = [
        f"{a['attempt']}: {a['detail']}"
        for a in report["attempts"]
        if a["open"] and a["outcome"] != "allowed"
    ]
    assert not stopped, "\n".join(stopped)


def test_every_probe_states_its_claim(report):
    assert all(a["claim"].endswith(".") for a in report["attempts"])
    assert len(report["attempts"]) > 100


def test_the_sweep_gives_a_verdict_on_every_number(report):
    assert len(report["sweep"]) == 68
    assert report["sweep"]["0"] == "EBADF"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
