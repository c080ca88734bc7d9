"""Does its worst to a host from inside of workers, and looks at the host.

    python3 stress.py --orchestrator PROGRAM [--seconds N]

The classes of stress-ng, and the random system calls of trinity, run in workers
with `system.exec` and the limits of the profile, two at a time. While they do, the
host is watched; when they are through, nothing of them may be left, and each must
have ended as it had to: well, or with the class of its limit.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
JOBS = 2
# Processes and threads of a worker: the profile's, and those that pid 1 and the
# worker itself are.
TASKS = 512 + 8
# Of the host's memory, what has to stay.
FREE = 0.05
# In kilobytes: however much a worker writes, the supervisor keeps little of it.
SUPERVISOR = 200_000
TROUBLE = re.compile(
    r"BUG:|Oops|general protection|soft lockup|hung_task|blocked for more than|KASAN|UBSAN"
)


class Class:
    """What runs in one node.

    :param ends: the classes of failure of which one must come; `success` is none
    :param stressors: those of stress-ng that must have done something; without any,
        the command runs until SIGKILL ends it
    """

    def __init__(self, name, command, ends=("success",), stressors=(), memory="512Mi", timeout=None):
        self.name = name
        self.command = command
        self.ends = ends
        self.stressors = stressors
        self.memory = memory
        self.timeout = timeout


def stress_ng(name, *stressors, options=(), **more):
    """One instance of each stressor, all at once."""
    command = ["stress-ng", "--metrics-brief", "--timeout", "SECONDS", *options]
    for stressor in stressors:
        command += [f"--{stressor}", "1"]
    return Class(name, command, stressors=stressors, **more)


CLASSES = [
    stress_ng("processor", "cpu", "matrix", "branch"),
    stress_ng("memory", "vm", "mmap", "malloc", "memfd", "shm", memory="1Gi", options=[
        "--vm-bytes", "96M", "--mmap-bytes", "64M", "--malloc-bytes", "64M", "--memfd-bytes", "64M",
        "--shm-bytes", "1M", "--shm-objs", "8",
    ]),
    stress_ng("faults", "fault", "mprotect", "mremap", "stack", "brk", memory="1Gi", options=[
        "--mremap-bytes", "32M",
    ], ends=("success", "oom")),
    stress_ng("processes", "fork", "vfork", "clone", "zombie", "daemon", "exec"),
    stress_ng("threads", "pthread", "futex", "switch", "yield", "sem"),
    stress_ng("signals", "kill", "signal", "sigq", "sigfd", "sigpending", "timer", "itimer"),
    stress_ng("files", "hdd", "dentry", "fallocate", "link", "rename", "dir", "open", "flock", "utime", options=[
        "--hdd-bytes", "48M", "--fallocate-bytes", "32M",
    ], memory="1Gi"),
    stress_ng("channels", "pipe", "sockpair", "eventfd", "poll", "epoll", "splice", "tee", "sendfile"),
    stress_ng("calls", "syscall", "sysbadaddr", "enosys", "prctl", "get", "procfs"),
    Class("random-calls", [
        "timeout", "--signal=KILL", "SECONDS", "trinity", "-q", "-a", "64", "-C", "4", "-l", "off",
        "--disable-fds=perf", "--disable-fds=sockets",
    ], ends=("success", "crash", "oom", "timeout", "error"), memory="1Gi"),
    # What has to end in a limit, and be told so.
    stress_ng("too-much-memory", "vm", options=["--vm-bytes", "2G", "--vm-keep", "--vm-populate"],
              ends=("oom",), memory="256Mi"),
    stress_ng("too-many-tasks", "fork", options=["--fork-max", "2000"]),
    stress_ng("too-long", "cpu", options=["--cpu-load", "100"], ends=("timeout",), timeout=3),
]


def workflow(seconds):
    nodes = {}
    for chosen in CLASSES:
        nodes[chosen.name] = {
            "type": "stress/command",
            "with": {"command": [str(seconds) if w == "SECONDS" else w for w in chosen.command]},
            "timeout": f"{chosen.timeout or 3 * seconds + 60}s",
            "resources": {"memory": chosen.memory},
        }
        if chosen.timeout:
            nodes[chosen.name]["with"]["command"][3] = "600"
    return {
        "apiVersion": "orchestrator/v1", "kind": "Workflow", "metadata": {"name": "stress"},
        "spec": {"nodes": nodes, "outputs": {name: f"{name}.result" for name in nodes}},
    }


class Watch(threading.Thread):
    """Looks at the host until it is told to stop."""

    def __init__(self, supervisor, plugin):
        super().__init__(daemon=True)
        self.supervisor = supervisor
        self.plugin = plugin
        self.stopped = threading.Event()
        self.tasks = self.resident = 0
        self.free = 1.0
        self.looks = 0

    def run(self):
        while not self.stopped.wait(0.25):
            self.tasks = max(self.tasks, sum(tasks(process) for process in workers(self.plugin)))
            memory = fields("/proc/meminfo")
            self.free = min(self.free, memory["MemAvailable"] / memory["MemTotal"])
            self.resident = max(
                self.resident, fields(f"/proc/{self.supervisor}/status").get("VmHWM", 0)
            )
            self.looks += 1


def fields(path):
    """The numbers of a file of `name: number` lines; none where it is gone."""
    found = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                words = value.split()
                if words and words[0].isdigit():
                    found[name] = int(words[0])
    except OSError:
        pass
    return found


def tasks(process):
    return fields(f"/proc/{process}/status").get("Threads", 0)


def workers(plugin):
    """The processes in whose mount namespace `plugin` is mounted."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/mountinfo", encoding="utf-8", errors="replace") as file:
                    if plugin in file.read():
                        found.append(name)
            except OSError:
                pass
    return found


def cgroups(supervisor):
    """The supervisor's groups, wherever cgroup v2 is mounted."""
    found = []
    with open("/proc/mounts", encoding="utf-8") as table:
        roots = [line.split()[1] for line in table if line.split()[2] == "cgroup2"]
    for root in roots:
        for directory, names, _ in os.walk(root):
            found += [
                f"{directory}/{name}" for name in names
                if name.startswith(f"orchestrator-{supervisor}-")
            ]
    return found


def kernel_log():
    """None where it can't be read: an ordinary user may not."""
    done = subprocess.run(["dmesg"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else None


def judge(report):
    """What didn't end as it had to, and a line about each."""
    problems = []
    errors = {node["node"]: node.get("error") or {} for node in report["nodes"]}
    outputs = report.get("outputs") or {}
    for chosen in CLASSES:
        error = errors.get(chosen.name)
        if error is None:
            problems.append(f"{chosen.name}: the report doesn't have it")
            continue
        end = error.get("class", "success")
        result = (outputs.get(chosen.name) or {}).get("value") or {}
        said = ": ".join(error[key] for key in ("message", "cause") if error.get(key))
        done = operations(result.get("output", ""))
        print(f"  {chosen.name:16} {end:8} {said or summary(done)}")
        if end not in chosen.ends:
            problems.append(f"{chosen.name} ended with {end}, not with {' or '.join(chosen.ends)}")
        if end == "success" and not chosen.stressors and result.get("status") != -9:
            problems.append(f"{chosen.name} ended by itself: {result.get('output')}")
        if end == "success":
            idle = [name for name in chosen.stressors if not done.get(name)]
            if idle:
                problems.append(f"{chosen.name}: {', '.join(idle)} did nothing: {result.get('output')}")
    return problems


def operations(output):
    """stressor → bogus operations, as stress-ng counts them."""
    found = {}
    for line in output.splitlines():
        words = line.split()
        if "metrc:" in words and len(words) > 5 and words[4].isdigit():
            found[words[3]] = int(words[4])
    return found


def summary(done):
    return ", ".join(f"{name} {count}" for name, count in sorted(done.items())) or "ran"


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--orchestrator", required=True)
    options.add_argument("--seconds", type=int, default=60, help="about how long it takes")
    chosen = options.parse_args()
    seconds = max(2, chosen.seconds * JOBS // len(CLASSES))
    log = kernel_log()
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="stress-") as place:
        plugins = Path(place) / "plugins"
        # At a path of its own, by which this run's workers are known.
        for file in (HERE / "plugins/stress").iterdir():
            if file.is_file():
                (plugins / "stress").mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, plugins / "stress" / file.name)
        path = Path(place) / "workflow.json"
        path.write_text(json.dumps(workflow(seconds)), encoding="utf-8")
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        started = time.monotonic()
        supervisor = subprocess.Popen(
            [
                chosen.orchestrator, "run", str(path), "--plugins", str(plugins), "--grant",
                "stress=system.exec", "--jobs", str(JOBS), "--output", "json", "--state-dir",
                str(Path(place) / "state"),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=place,
        )
        watch = Watch(supervisor.pid, str(plugins))
        watch.start()
        output, _ = supervisor.communicate()
        watch.stopped.set()
        watch.join()
        took = time.monotonic() - started
        problems = []
        if supervisor.returncode != 1:
            problems.append(f"the supervisor ended with {supervisor.returncode}, not with 1")
        try:
            problems += judge(json.loads(output))
        except ValueError:
            problems.append("the supervisor wrote no report")
        deadline = time.monotonic() + 10
        while workers(str(plugins)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for what, left in (
            ("processes", workers(str(plugins))), ("cgroups", cgroups(supervisor.pid)),
        ):
            if left:
                problems.append(f"{what} are left: {left[:5]}")
        after = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        new = [line for line in after.splitlines() if line not in mounts and place in line]
        if new:
            problems.append(f"mounts are left: {new[:3]}")
    if watch.tasks > JOBS * TASKS:
        problems.append(f"{watch.tasks} processes and threads at once")
    if watch.free < FREE:
        problems.append(f"only {watch.free:.0%} of the host's memory was left")
    if watch.resident > SUPERVISOR:
        problems.append(f"the supervisor grew to {watch.resident} kB")
    if log is not None:
        fresh = [line for line in kernel_log() or [] if line not in set(log)]
        problems += [f"the kernel says: {line}" for line in fresh if TROUBLE.search(line)]
    print(
        f"{len(CLASSES)} classes in {took:.0f} s: at most {watch.tasks} tasks at once, "
        f"{watch.free:.0%} of memory left at least, supervisor {watch.resident // 1024} MB, "
        f"{watch.looks} looks, kernel log {'read' if log is not None else 'closed to this user'}"
    )
    for problem in problems:
        print(f"  {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
