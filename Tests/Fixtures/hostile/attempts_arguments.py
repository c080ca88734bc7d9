"""Calls that are allowed, with arguments that aren't.

The kernel would refuse many of these to an unprivileged process by itself, with
the same EPERM as the filter. Each is therefore made so that the kernel's first
word is another one, which shows that the filter let the call in.
"""

import ctypes
import mmap
import os
import resource

from attempts_execution import ran_in_child
from harness import IS_X86, Prevented, attempt, system_call

CURRENT = -100  # AT_FDCWD

# name: (number on x86-64, on aarch64, what stands before the mode)
MODE_CALLS = {
    "chmod": (90, None, lambda path, file: (path,)),
    "fchmod": (91, 52, lambda path, file: (file,)),
    "fchmodat": (268, 53, lambda path, file: (CURRENT, path)),
    "fchmodat2": (452, 452, lambda path, file: (CURRENT, path)),
    "creat": (85, None, lambda path, file: (path + b"-new",)),
    "mkdir": (83, None, lambda path, file: (path + b"-new",)),
    "mkdirat": (258, 34, lambda path, file: (CURRENT, path + b"-new")),
    "mknod": (133, None, lambda path, file: (path + b"-new",)),
    "mknodat": (259, 33, lambda path, file: (CURRENT, path + b"-new")),
    "open": (2, None, lambda path, file: (path + b"-new", 0o101)),
    "openat": (257, 56, lambda path, file: (CURRENT, path + b"-new", 0o101)),
    "openat-unnamed": (
        257, 56, lambda path, file: (CURRENT, b"/tmp", os.O_TMPFILE | os.O_WRONLY),
    ),
}


def register_mode(name, number, arguments, mode, word):
    def set_identifier(facts):
        path = f"/tmp/.probe-mode-{os.getpid()}".encode()
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            # mkdir(2) drops the bits, and has passed the filter all the same.
            system_call(number, *arguments(path, file), mode, 0)
            return f"the call was made with the mode {mode:o}"
        finally:
            os.close(file)
            os.unlink(path)
            if os.path.isdir(path + b"-new"):
                os.rmdir(path + b"-new")
            elif os.path.lexists(path + b"-new"):
                os.unlink(path + b"-new")

    set_identifier.__doc__ = f"{name}(2) takes no {word} mode."
    attempt(f"{word}-by-{name}", open_to_everyone=True)(set_identifier)


def register_device(name, number, before, kind, word):
    def make_device(facts):
        path = b"/tmp/.probe-no-such-directory/device"
        return f"returned {system_call(number, *before, path, kind | 0o600, 0x101)}"

    make_device.__doc__ = f"{name}(2) makes no {word} device."
    # The path is looked up before the right to make devices is.
    attempt(f"{word}-device-by-{name}", open_to_everyone=True, reached={"ENOENT"})(
        make_device
    )


for _name, (_x86, _arm, _arguments) in MODE_CALLS.items():
    _number = _x86 if IS_X86 else _arm
    if _number is not None:
        register_mode(_name, _number, _arguments, 0o4755, "set-user-id")
        register_mode(_name, _number, _arguments, 0o2755, "set-group-id")
for _name, _x86, _arm, _before in (
    ("mknod", 133, None, ()), ("mknodat", 259, 33, (CURRENT,)),
):
    _number = _x86 if IS_X86 else _arm
    if _number is not None:
        register_device(_name, _number, _before, 0o020000, "character")
        register_device(_name, _number, _before, 0o060000, "block")


CORE = 4


def core_limit():
    """The soft limit on core dumps, as procfs tells it: asking is refused too."""
    with open("/proc/self/limits", encoding="utf-8") as table:
        for line in table:
            if line.startswith("Max core file size"):
                return line.split()[4]
    raise RuntimeError("procfs tells no limit on core dumps")


@attempt("allow-core-dump")
def allow_core_dump(facts):
    """A worker that dies starts no program on the host: its limit on core dumps is
    1, which a piped core_pattern heeds, and not 0, which it doesn't."""
    if core_limit() != "1":
        return f"the limit is {core_limit()}"
    raise Prevented("the limit is 1")


@attempt("change-core-limit", open_to_everyone=True)
def change_core_limit(facts):
    """The limit on core dumps can't be lowered to 0 by prlimit64(2)."""
    system_call(302 if IS_X86 else 261, 0, CORE, (ctypes.c_uint64 * 2)(0, 0), 0)
    return f"the limit is {core_limit()}"


@attempt("change-core-limit-of-another", open_to_everyone=True)
def change_core_limit_of_another(facts):
    """Nor can that of a child, nor with high bits set."""
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
        os._exit(0)
    try:
        system_call(
            302 if IS_X86 else 261, child, 1 << 32 | CORE,
            (ctypes.c_uint64 * 2)(0, 0), 0,
        )
        return "the child's limit was changed"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


if IS_X86:

    @attempt("change-core-limit-the-old-way", open_to_everyone=True)
    def change_core_limit_the_old_way(facts):
        """Nor by setrlimit(2)."""
        system_call(160, CORE, (ctypes.c_uint64 * 2)(0, 0))
        return f"the limit is {core_limit()}"


@attempt("exhaust-descriptors", {"EMFILE"})
def exhaust_descriptors(facts):
    """Descriptors end at the limit of the plan."""
    held = []
    try:
        while len(held) < 5000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in held:
            os.close(descriptor)
    return f"opened {len(held)}"


@attempt("lock-memory", {"ENOMEM", "EAGAIN"})
def lock_memory(facts):
    """No more memory can be locked than the plan says."""
    size = 64 << 20
    memory = mmap.mmap(-1, size)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    system_call(149 if IS_X86 else 228, address, size)
    return f"locked {size} bytes"


@attempt("be-realtime")
def be_realtime(facts):
    """A worker can't run in real time, before everything else on the host."""
    soft, hard = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if soft or hard:
        return f"RLIMIT_RTPRIO is {soft}, {hard}"
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "runs in real time"


@attempt("fill-message-queues")
def fill_message_queues(facts):
    """Message queues hold no memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    if soft or hard:
        return f"RLIMIT_MSGQUEUE is {soft}, {hard}"
    raise Prevented("the limit is 0")


def register_mapping(place, open_to_everyone):
    def map_as_code(facts):
        if not os.path.isdir(place) or not os.access(place, os.W_OK):
            raise Prevented(f"nothing can be written to {place}")
        path = f"{place}/.probe-code-{os.getpid()}"
        with open(path, "w+b") as file:
            try:
                file.write(b"\xc3" * mmap.PAGESIZE)
                file.flush()
                mmap.mmap(
                    file.fileno(), mmap.PAGESIZE, flags=mmap.MAP_PRIVATE,
                    prot=mmap.PROT_READ | mmap.PROT_EXEC,
                ).close()
                return "mapped what was written as code"
            finally:
                os.unlink(path)

    map_as_code.__doc__ = (
        f"What is written to {place} can't be mapped as code: its mount is noexec."
    )
    attempt(f"map-{place.strip('/').replace('/', '-')}-as-code",
            open_to_everyone=open_to_everyone)(map_as_code)


for _place, _open in (("/tmp", True), ("/dev/shm", False), ("/workspace", False)):
    register_mapping(_place, _open)


@attempt("share-namespaces", open_to_everyone=True)
def share_namespaces(facts):
    """No namespace of the supervisor is a worker's."""
    shared = [
        name for name, host in facts["namespaces"].items()
        if os.readlink(f"/proc/self/ns/{name}") == host
    ]
    if not shared:
        raise Prevented(f"{len(facts['namespaces'])} of its own")
    return f"shares {shared}"


@attempt("exec-library", {"ENOENT"})
def exec_library(facts):
    """A library that is marked executable can't be started: Landlock leaves only
    the loader and the listed programs."""
    machine = "x86_64" if IS_X86 else "aarch64"
    library = f"/usr/lib/{machine}-linux-gnu/libc.so.6"

    def start():
        # It prints its version.
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.execve(library, ["libc"], {})

    return ran_in_child(start, expected="exited 0")
