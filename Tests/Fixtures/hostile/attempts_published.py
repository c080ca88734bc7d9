"""Escapes that were published for other sandboxes, tried on this one.

Each claim names the CVE. What another file of attempts already tries is not
repeated here: `Tests/EscapeTests/Published.swift` says which attempt stands for
which CVE.
"""

import ctypes
import errno
import fcntl
import os
import socket
import stat

from attempts_execution import ENVIRONMENT, ran_in_child, shell_arguments
from attempts_kernel import (
    CURRENT,
    NO_TERMINAL,
    buffer,
    type_into_terminal,
)
from harness import IS_X86, LIBC, Prevented, attempt, in_child, system_call

HERE = os.path.dirname(os.path.abspath(__file__))
ABSENT = {"ENOENT", "ENOTDIR", "ELOOP"}
UPWARDS = "../" * 40
FSOPEN = 430
FSCONFIG = 431
UNSHARE = 272 if IS_X86 else 97
MOUNT = 165 if IS_X86 else 40
NEW_USER, NEW_MOUNTS, NEW_GROUPS, NEW_NETWORK = (
    0x10000000, 0x00020000, 0x02000000, 0x40000000,
)


def in_new_user_namespace(flags, body):
    """Runs `body` where an unprivileged process would have every capability."""

    def enter():
        try:
            system_call(UNSHARE, NEW_USER | flags)
            return f"+{body()}".encode()
        except OSError as error:
            return f"-{error.errno}".encode()

    ended, text = in_child(enter)
    if text.startswith(b"+"):
        return text[1:].decode()
    if text.startswith(b"-"):
        code = int(text[1:])
        raise OSError(code, os.strerror(code))
    raise RuntimeError(f"{ended}, {text!r}")


@attempt("leave-through-working-directory", ABSENT, open_to_everyone=True)
def leave_through_working_directory(facts):
    """The working directory lies in the sandbox's own root: no way up from it leads
    to the host (CVE-2024-21626)."""
    last = None
    for start in ("", "/proc/self/cwd/", "/proc/thread-self/cwd/"):
        try:
            with open(start + UPWARDS + facts["file"].lstrip("/"), "rb") as file:
                return f"read {len(file.read())} bytes from {start or '.'}"
        except OSError as error:
            last = error
    # getcwd(2) tells a directory outside of the root so.
    if os.getcwd().startswith("(unreachable)"):
        return os.getcwd()
    raise last


@attempt("leave-through-descriptor", ABSENT, open_to_everyone=True)
def leave_through_descriptor(facts):
    """No descriptor that the worker started with, whatever its number, leads to a
    directory of the host (CVE-2024-21626, CVE-2016-9962)."""
    tried = 0
    for number in range(1024):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        tried += 1
        places = [f"/proc/self/fd/{number}/"]
        if stat.S_ISDIR(status.st_mode):
            places.append("")
        for place in places:
            try:
                descriptor = os.open(
                    place + UPWARDS + facts["file"].lstrip("/"), os.O_RDONLY,
                    dir_fd=number,
                )
                os.close(descriptor)
                return f"descriptor {number} leads to the host"
            except OSError:
                pass
    if tried < 3:
        raise RuntimeError(f"only {tried} descriptors are open")
    raise Prevented(f"{tried} descriptors, none of them a way out")


@attempt("overwrite-executable-through-descriptor")
def overwrite_executable_through_descriptor(facts):
    """The interpreter, which other sandboxes run too, can't be reopened for writing
    through a descriptor that was opened while it ran (CVE-2019-5736)."""
    # That it is busy (ETXTBSY) would be no denial: it isn't for ever.
    last = None
    for flags in (os.O_RDONLY, os.O_PATH):
        descriptor = os.open("/proc/self/exe", flags)
        try:
            for access in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
                try:
                    os.close(os.open(f"/proc/self/fd/{descriptor}", access))
                    return "opened the interpreter for writing"
                except OSError as error:
                    last = error
        finally:
            os.close(descriptor)
    raise last


@attempt(
    "paste-into-console-high-bits", open_to_everyone=True, reached=NO_TERMINAL
)
def paste_into_console_high_bits(facts):
    """High bits don't hide TIOCLINUX (CVE-2023-28100 and CVE-2019-10063)."""
    return type_into_terminal(1 << 32 | 0x541C)


@attempt("fake-procfs", ABSENT | {"EBUSY", "EXDEV", "ENOTEMPTY"})
def fake_procfs(facts):
    """/proc is the kernel's own and can't be exchanged, so that what is written there
    goes where it says (CVE-2019-19921, CVE-2025-52881)."""
    status = buffer(256)
    system_call(137 if IS_X86 else 43, b"/proc", status)
    kind = ctypes.c_long.from_buffer(status).value
    if kind != 0x9FA0:  # PROC_SUPER_MAGIC
        return f"/proc is a file system of the kind {kind:#x}"
    last = None
    for change in (
        lambda: os.rename("/proc", "/tmp/.probe-proc"),
        lambda: os.rename("/tmp", "/proc"),
        lambda: os.symlink("/tmp", "/proc/self/task/link"),
        lambda: os.rmdir("/proc"),
        lambda: os.mkdir("/proc/attr"),
    ):
        try:
            change()
            return "/proc was changed"
        except OSError as error:
            last = error
    raise last


@attempt("write-procfs", ABSENT | {"EINVAL"})
def write_procfs(facts):
    """Nothing in /proc that changes an identity, a label or a namespace can be written
    (CVE-2019-19921, CVE-2014-8989)."""
    last = None
    for name, text in (
        ("uid_map", b"0 0 1\n"), ("gid_map", b"0 0 1\n"), ("setgroups", b"allow"),
        ("attr/exec", b"unconfined"), ("attr/current", b"unconfined"),
        ("oom_score_adj", b"-1000"), ("loginuid", b"0"), ("timens_offsets", b"0 1 0\n"),
    ):
        try:
            descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
            try:
                os.write(descriptor, text)
            finally:
                os.close(descriptor)
            return f"wrote to /proc/self/{name}"
        except OSError as error:
            last = error
    raise last


@attempt("exchange-devices", ABSENT | {"EXDEV", "EBUSY", "EEXIST"})
def exchange_devices(facts):
    """No device, and no link in /dev, can be exchanged for a link that a later mount
    or the supervisor would follow (CVE-2025-31133, CVE-2025-52565)."""
    last = None
    for name in ("null", "zero", "console", "ptmx", "pts", "fd", "stdin"):
        path = f"/dev/{name}"
        for change in (
            lambda: os.unlink(path),
            lambda: os.symlink("/proc/sys/kernel/core_pattern", path),
            lambda: os.rename(path, path + ".old"),
            lambda: os.replace("/dev/full", path),
        ):
            try:
                change()
                return f"{path} was changed"
            except OSError as error:
                last = error
    raise last


@attempt("open-console", {"ENOENT", "ENXIO"}, open_to_everyone=True)
def open_console(facts):
    """There is no console and no pseudo-terminal of the host (CVE-2025-52565)."""
    last = None
    for path in ("/dev/console", "/dev/ptmx", "/dev/pts/ptmx", "/dev/pts/0", "/dev/tty0"):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
            return f"opened {path}"
        except OSError as error:
            last = error
    raise last


@attempt("regain-groups", {"EINVAL"})
def regain_groups(facts):
    """setgroups(2) is closed, so that no group can be left that denies something
    (CVE-2014-8989)."""
    last = None
    for groups in ([], [0], os.getgroups()):
        try:
            os.setgroups(groups)
            return f"the groups are {os.getgroups()}"
        except OSError as error:
            last = error
    raise last


@attempt("mount-cgroup", {"EBUSY"}, open_to_everyone=True)
def mount_cgroup(facts):
    """No cgroup tree can be mounted, and with it no release_agent named that the host
    would run as root (CVE-2022-0492)."""
    place = f"/tmp/.probe-cgroup-{os.getpid()}"
    os.mkdir(place)

    def body():
        last = None
        for kind, options in ((b"cgroup2", 0), (b"cgroup", b"memory"), (b"cgroup", b"rdma")):
            try:
                system_call(MOUNT, b"none", place.encode(), kind, 0, options)
                return f"mounted {kind.decode()}: {os.listdir(place)[:3]}"
            except OSError as error:
                last = error
        raise last

    try:
        return in_new_user_namespace(NEW_MOUNTS | NEW_GROUPS, body)
    finally:
        os.rmdir(place)


@attempt("see-cgroup", open_to_everyone=True)
def see_cgroup(facts):
    """No cgroup tree is mounted in a sandbox: there is none to write to
    (CVE-2023-25809, CVE-2022-0492)."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        lines = table.read().splitlines()
    found = [
        line.split()[4] for line in lines
        if line.split(" - ", 1)[1].split()[0] in ("cgroup", "cgroup2")
    ]
    for place in ("/sys/fs/cgroup", "/cgroup", "/run/cgroup"):
        if os.path.isdir(place):
            found.append(place)
    if found:
        return f"saw {found[:5]}"
    raise Prevented(f"{len(lines)} mounts, none of them")


@attempt("configure-file-system", open_to_everyone=True)
def configure_file_system(facts):
    """fsconfig(2), whose parameters overflowed, can't be called: neither as the process
    that one is nor in a user namespace of one's own (CVE-2022-0185)."""

    def body():
        context = system_call(FSOPEN, b"tmpfs", 0)
        system_call(FSCONFIG, context, 1, b"size", b"4096", 0)
        return "configured a file system"

    try:
        return in_new_user_namespace(NEW_MOUNTS, body)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    # Where the namespace was refused, the filter has to refuse the call itself: the
    # kernel's word on this descriptor would be EINVAL.
    try:
        system_call(FSCONFIG, 0, 1, b"size", b"4096", 0)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return "fsconfig(2) reaches the kernel"
        raise
    return "fsconfig(2) was let in"


@attempt("reach-packet-filter", {"EAFNOSUPPORT", "EPROTONOSUPPORT"}, open_to_everyone=True)
def reach_packet_filter(facts):
    """nf_tables can't be reached, which takes a netlink socket and a network of one's
    own (CVE-2024-1086)."""

    def body():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as channel:
            channel.bind((0, 0))
            return "opened NETLINK_NETFILTER with every capability"

    try:
        return in_new_user_namespace(NEW_NETWORK, body)
    except OSError as error:
        if error.errno == errno.EPROTONOSUPPORT:  # a kernel without it
            return "only this kernel's lack of nf_tables was in the way"
        raise


@attempt("overwrite-page-cache")
def overwrite_page_cache(facts):
    """What is spliced from a file that is shown read-only into a pipe can't be changed
    there, and with it the file for everybody (CVE-2022-0847)."""
    path = os.path.join(HERE, "listing.py")
    before = open(path, "rb").read()
    file = os.open(path, os.O_RDONLY)
    reader, writer = os.pipe()
    try:
        # Full once and emptied again: every buffer of it could be merged into.
        size = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
        for _ in range(size // 4096):
            os.write(writer, bytes(4096))
        for _ in range(size // 4096):
            os.read(reader, 4096)
        moved = system_call(
            275 if IS_X86 else 76, file, (ctypes.c_int64 * 1)(len(before) - 2), writer, 0,
            1, 0,
        )
        if moved != 1:
            raise RuntimeError(f"{moved} bytes were spliced")
        # A comment's last byte would become another one.
        os.write(writer, b" ")
    finally:
        for descriptor in (file, reader, writer):
            os.close(descriptor)
    if open(path, "rb").read() != before:
        return "the file's pages were changed"
    raise Prevented("the pages are as they were")


@attempt("plant-startup-files", ABSENT)
def plant_startup_files(facts):
    """A file that isn't there yet can't be made where the next start would read it
    (CVE-2026-25725)."""
    planted = []
    last = None
    for path in (
        "/etc/ld.so.preload", "/etc/ld-nix.so.preload", "/etc/python3/debian_config",
        "/usr/lib/python3/dist-packages/usercustomize.py",
        "/usr/lib/python3/dist-packages/planted.pth", "/sdk/sitecustomize.py",
        "/sdk/pipeline/planted.py", os.path.join(HERE, "sitecustomize.py"),
        os.path.join(HERE, "pipeline.py"), os.path.join(HERE, ".planted"), "/plugins",
        "/pyvenv.cfg", "/usr/bin/pyvenv.cfg",
    ):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            os.close(descriptor)
            planted.append(path)
        except OSError as error:
            last = error
    if planted:
        return f"made {planted}"
    raise last


@attempt("options-in-own-command", open_to_everyone=True)
def options_in_own_command(facts):
    """Nothing that a plugin, a workflow or a path is called becomes an option of a
    program: a worker's command is the same for all (CVE-2024-32462)."""
    # Kept by the parent of this attempt's process: the worker itself.
    with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
        command = file.read().split(b"\0")[:-1]
    expected = [b"-I", b"-B", b"-X", b"utf8", b"/sdk/pipeline_worker.py"]
    if command[1:] == expected:
        raise Prevented(f"{len(command)} words, all of them fixed")
    return f"the command is {command}"


def in_range_of_unknown_calls():
    """Numbers that no kernel has yet: above the newest call, and far away from it."""
    import random

    chosen = random.Random(41133)
    far = [chosen.randrange(1025, 1 << 30) for _ in range(200)]
    return list(range(700, 1025)) + far


@attempt("call-unknown-numbers")
def call_unknown_numbers(facts):
    """A system call that is newer than the profile is answered with ENOSYS, and so is
    every number that no kernel has (CVE-2021-41133)."""

    def body():
        for number in in_range_of_unknown_calls():
            ctypes.set_errno(0)
            result = LIBC.syscall(ctypes.c_long(number), *([ctypes.c_long(-1)] * 6))
            if result != -1 or ctypes.get_errno() != errno.ENOSYS:
                return f"{number} gave {result}, {ctypes.get_errno()}".encode()
        return b"all"

    ended, text = in_child(body)
    if ended != "exited 0":
        return f"the process {ended}"
    if text == b"all":
        raise Prevented("ENOSYS for each")
    return text.decode()
