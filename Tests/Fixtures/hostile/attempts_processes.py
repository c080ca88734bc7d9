"""Seeing, signalling and reaching into processes; what was inherited."""

import os
import signal

from harness import Prevented, attempt

GONE = {"ESRCH", "ENOENT"}


def strangers():
    """Visible processes that are neither pid 1 of a sandbox nor this worker's."""
    own = {1, os.getpid(), os.getppid()}
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in own:
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                if int(fields[1]) not in own:
                    found.append(int(name))
            except OSError:
                pass
    return found


@attempt("see-processes", open_to_everyone=True)
def see_processes(facts):
    """A plugin sees its own processes only."""
    found = strangers()
    if not found:
        raise Prevented("there is no other process")
    return f"saw {len(found)} others, {found[:5]} among them"


@attempt("signal-supervisor", GONE, open_to_everyone=True)
def signal_supervisor(facts):
    """No signal reaches a process of the host."""
    os.kill(facts["pid"], 0)
    return f"could signal {facts['pid']}"


@attempt("signal-everyone", GONE, open_to_everyone=True)
def signal_everyone(facts):
    """Every process number up to the largest was tried."""
    own = {1, os.getpid(), os.getppid(), os.getpgrp()}
    for number in range(2, 70000):
        if number in own:
            continue
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            continue
        except PermissionError:
            return f"{number} exists"
        if number not in _own_family() and _is_there(number):
            return f"could signal {number}"
    raise Prevented("nobody is there")


def _is_there(number):
    """A thread of one's own may have ended before one's family was looked up."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return number not in _own_family()


def _own_family():
    family = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent in (0, 1, os.getpid(), os.getppid()):
                family.update(threads(name))
    return family


def threads(process):
    """kill(2) takes the number of any thread for its process."""
    try:
        return {int(name) for name in os.listdir(f"/proc/{process}/task")}
    except OSError:
        return {int(process)}


@attempt("read-supervisor-environment", GONE, open_to_everyone=True)
def read_supervisor_environment(facts):
    """The supervisor's environment, where operators keep their secrets, can't
    be read."""
    marker = facts["marker"].encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if marker in file.read():
                        return f"found the secret in /proc/{name}/environ"
            except OSError:
                pass
    raise Prevented("no process shows it")


@attempt("inherit-environment", open_to_everyone=True)
def inherit_environment(facts):
    """A worker's environment is made anew; the supervisor's isn't inherited."""
    known = {
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER",
        "LOGNAME", "PWD", "TERM", "SHELL",
    }
    strange = sorted(
        name for name in os.environ
        if name not in known and not name.startswith(("PYTHON", "PIPELINE_"))
    )
    if not strange:
        raise Prevented(f"only {sorted(os.environ)}")
    return f"inherited {strange}"


@attempt("read-init-environment", GONE)
def read_init_environment(facts):
    """pid 1 of the sandbox doesn't show its environment."""
    with open("/proc/1/environ", "rb") as file:
        return f"read {len(file.read())} bytes"


@attempt("see-init-descriptors", GONE)
def see_init_descriptors(facts):
    """pid 1 of the sandbox doesn't show its descriptors."""
    return f"saw {os.listdir('/proc/1/fd')}"


@attempt("read-init-memory", GONE | {"EIO"})
def read_init_memory(facts):
    """pid 1's memory can't be read."""
    with open("/proc/1/mem", "rb") as file:
        file.seek(0x400000)
        return f"read {len(file.read(16))} bytes"


@attempt("write-init-memory", GONE)
def write_init_memory(facts):
    """pid 1's memory can't be written."""
    os.close(os.open("/proc/1/mem", os.O_WRONLY))
    return "opened /proc/1/mem for writing"


@attempt("overwrite-init-executable", GONE)
def overwrite_init_executable(facts):
    """The program of pid 1 can't be overwritten through /proc
    (CVE-2019-5736)."""
    last = None
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_PATH):
        try:
            descriptor = os.open("/proc/1/exe", flags)
            if flags == os.O_PATH:
                descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY)
            os.close(descriptor)
            return "opened /proc/1/exe for writing"
        except OSError as error:
            last = error
    raise last


@attempt("overwrite-own-executable", GONE)
def overwrite_own_executable(facts):
    """The interpreter can't be overwritten through /proc/self/exe
    (CVE-2019-5736)."""
    os.close(os.open("/proc/self/exe", os.O_WRONLY))
    return "opened /proc/self/exe for writing"


@attempt("leave-through-init", GONE)
def leave_through_init(facts):
    """/proc/1/root and /proc/1/cwd lead to no other tree."""
    for name in ("root", "cwd"):
        path = f"/proc/1/{name}"
        if os.stat(path).st_dev != os.stat("/").st_dev:
            return f"{path} is another tree: {os.listdir(path)[:5]}"
    raise Prevented("both are the sandbox's own root")


@attempt("leaked-descriptors")
def leaked_descriptors(facts):
    """A worker holds 0, 1, 2, its socket, and nothing of the supervisor's
    (CVE-2024-21626)."""
    allowed = ("pipe:", "anon_inode:", "/memfd:", "/dev/null", "/dev/urandom")
    found = []
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 3:
            try:
                target = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
            own = f"/proc/{os.getpid()}/fd"
            if not target.startswith(allowed) and target != own:
                found.append(f"{name} -> {target}")
    if not found:
        raise Prevented("there is none")
    return f"found {found}"


@attempt("descriptor-leads-out", open_to_everyone=False)
def descriptor_leads_out(facts):
    """No open descriptor is a directory, or a file that can be written, of
    another tree."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            os.stat("..", dir_fd=number)
        except OSError:
            continue
        if not os.readlink(f"/proc/self/fd/{name}").startswith("/proc"):
            return f"{name} is a directory"
    raise Prevented("none is a directory")


@attempt("gain-capabilities")
def gain_capabilities(facts):
    """All five capability sets are empty, the inheritable one among them
    (CVE-2022-27650, CVE-2022-29162), and no_new_privs is set."""
    with open("/proc/self/status", encoding="utf-8") as file:
        status = dict(
            line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line
        )
    sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    held = {name: status[name] for name in sets if int(status[name], 16)}
    if held or status["NoNewPrivs"] != "1":
        return f"holds {held}, NoNewPrivs is {status['NoNewPrivs']}"
    raise Prevented("all empty")


@attempt("be-root")
def be_root(facts):
    """Nothing in a sandbox looks like root, not even to itself."""
    ids = os.getresuid() + os.getresgid()
    groups = os.getgroups()
    if 0 in ids or 0 in groups:
        return f"ids {ids}, groups {groups}"
    raise Prevented(f"ids {ids}, groups {groups}")


@attempt("become-root", {"EINVAL"})
def become_root(facts):
    """setuid(2) and its family change nothing."""
    last = None
    for call, arguments in (
        (os.setuid, (0,)), (os.setgid, (0,)), (os.setresuid, (0, 0, 0)),
        (os.setgroups, ([0],)),
    ):
        try:
            call(*arguments)
            return f"{call.__name__}{arguments}"
        except OSError as error:
            last = error
    raise last


@attempt("keep-filters-off")
def keep_filters_off(facts):
    """A system-call filter is installed in every thread."""
    modes = set()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("Seccomp:"):
                    modes.add(line.split()[1])
    if modes != {"2"}:
        return f"modes {modes}"
    raise Prevented("mode 2 everywhere")


@attempt("raise-limits", {"EINVAL"})
def raise_limits(facts):
    """A resource limit can be lowered, never raised again."""
    import resource

    raised = []
    for name in ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_MEMLOCK", "RLIMIT_STACK"):
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY:
            raised.append(f"{name} is unlimited")
            continue
        try:
            resource.setrlimit(kind, (hard, hard + 1))
            raised.append(name)
        except (OSError, ValueError):
            pass
    if not raised:
        raise Prevented("each stayed")
    return f"raised {raised}"


@attempt("raise-priority")
def raise_priority(facts):
    """A worker can't put itself before the host's processes."""
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    return "nice -10"


@attempt("share-session", {"ENXIO", "ENOENT"})
def share_session(facts):
    """A worker has a session of its own, without a controlling terminal."""
    descriptor = os.open("/dev/tty", os.O_RDWR)
    os.close(descriptor)
    return "opened the controlling terminal"


@attempt("outlive-sandbox", open_to_everyone=True)
def outlive_sandbox(facts):
    """A daemon stays a process of the sandbox, and ends with it."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.closerange(0, 256)
        signal.alarm(10)
        signal.pause()
    os.waitpid(child, 0)
    try:
        with open("/proc/1/comm", encoding="utf-8") as file:
            init = file.read().strip()
    except FileNotFoundError:
        if os.getppid() < 100:
            raise Prevented("pid 1 is hidden: a sandbox's own") from None
        raise
    return f"pid 1 is {init}"
