"""Raw system calls: what a sandbox is made of, and what leads out of one."""

import ctypes
import mmap
import os
import signal

from harness import IS_X86, LIBC, attempt, in_child, system_call

CLONE_VM = 0x100

CURRENT = -100  # AT_FDCWD
NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "pid": 0x20000000,
    "network": 0x40000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
    "time": 0x00000080,
}


def buffer(size=256):
    return ctypes.create_string_buffer(size)


def words(*values):
    return (ctypes.c_uint64 * len(values))(*values)


def vector(memory):
    """One iovec that spans `memory`."""
    return words(ctypes.addressof(memory), ctypes.sizeof(memory))


# name: (claim, number on x86-64, on aarch64, arguments, an ordinary process may)
CALLS = {
    "mount": (
        "Nothing can be mounted.", 165, 40,
        lambda: (b"none", b"/tmp", b"tmpfs", 0, 0), False,
    ),
    "remount": (
        "A read-only mount can't be made writable.", 165, 40,
        lambda: (b"none", b"/", b"", 0x20 | 0x1000, 0), False,
    ),
    "umount": (
        "Nothing can be unmounted.", 166, 39, lambda: (b"/tmp", 2), False,
    ),
    "pivot-root": (
        "The root can't be exchanged.", 155, 41, lambda: (b"/", b"/"), False,
    ),
    "chroot": ("chroot(2) is closed.", 161, 51, lambda: (b"/tmp",), False),
    "open-tree": (
        "No mount can be cloned.", 428, 428, lambda: (CURRENT, b"/", 1), False,
    ),
    "move-mount": (
        "No mount can be moved.", 429, 429,
        lambda: (CURRENT, b"/tmp", CURRENT, b"/", 0), False,
    ),
    "open-file-system": (
        "No file system can be opened.", 430, 430, lambda: (b"tmpfs", 0), False,
    ),
    "pick-file-system": (
        "No file system can be reconfigured.", 433, 433,
        lambda: (CURRENT, b"/", 0), False,
    ),
    "change-mount": (
        "A mount's attributes can't be changed.", 442, 442,
        lambda: (CURRENT, b"/", 0, words(0, 1, 0, 0), 32), False,
    ),
    "enter-namespace": (
        "No namespace can be entered.", 308, 268,
        lambda: (os.open("/proc/self/ns/uts", os.O_RDONLY), 0x04000000), False,
    ),
    "trace-me": (
        "No process is traced.", 101, 117, lambda: (0, 0, 0, 0), True,
    ),
    "trace-parent": (
        "A process can't attach to another.", 101, 117,
        lambda: (0x4206, os.getppid(), 0, 0), False,
    ),
    "read-process-memory": (
        "Another process's memory can't be read.", 310, 270,
        lambda: (os.getpid(), vector(buffer()), 1, vector(buffer()), 1, 0), True,
    ),
    "write-process-memory": (
        "Another process's memory can't be written.", 311, 271,
        lambda: (os.getpid(), vector(buffer()), 1, vector(buffer()), 1, 0), True,
    ),
    "steal-descriptor": (
        "Another process's descriptors can't be taken.", 438, 438,
        lambda: (os.pidfd_open(os.getpid()), 0, 0), True,
    ),
    "compare-processes": (
        "Kernel objects of processes can't be compared.", 312, 272,
        lambda: (os.getpid(), os.getpid(), 2, 0, 0), True,
    ),
    "add-key": (
        "Nothing can be put into a keyring.", 248, 217,
        lambda: (b"user", b"orchestrator-probe", b"x", 1, -1), True,
    ),
    "request-key": (
        "No key can be asked for.", 249, 218,
        lambda: (b"user", b"orchestrator-probe", 0, -1), True,
    ),
    "read-keyring": (
        "No keyring can be read, the operator's least of all.", 250, 219,
        lambda: (0, -4, 1), True,
    ),
    "load-bpf": (
        "No program can be loaded into the kernel.", 321, 280,
        lambda: (0, words(1 | 4 << 32, 4 | 1 << 32), 16), False,
    ),
    "io-uring": (
        "There is no io_uring: its operations pass no filter.", 425, 425,
        lambda: (1, buffer(120)), True,
    ),
    "perf-events": (
        "Nothing can be measured through perf.", 298, 241,
        lambda: (
            words(1 | 128 << 32, 0, 0, 0, 0, 1 << 5 | 1 << 6, *([0] * 10)),
            0, -1, -1, 0,
        ), True,
    ),
    "userfaultfd": (
        "Page faults can't be held up.", 323, 282, lambda: (1,), True,
    ),
    "own-seccomp": (
        "The filters can't be added to.", 317, 277, lambda: (2, 0, buffer(4)),
        True,
    ),
    "load-module": (
        "No kernel module can be loaded.", 313, 273, lambda: (0, b"", 0), False,
    ),
    "load-module-image": (
        "No kernel module can be loaded from memory.", 175, 105,
        lambda: (buffer(64), 64, b""), False,
    ),
    "unload-module": (
        "No kernel module can be unloaded.", 176, 106,
        lambda: (b"orchestrator_probe", 0x800), False,
    ),
    "load-kernel": (
        "No other kernel can be loaded.", 246, 104, lambda: (0, 0, 0, 0), False,
    ),
    "make-file-handle": (
        "Files have no handles.", 303, 264,
        lambda: (
            CURRENT, b"/", ctypes.create_string_buffer(b"\x80" + bytes(200)),
            buffer(4), 0,
        ), True,
    ),
    "open-file-handle": (
        "No file can be opened without a path (the shocker escape).", 304, 265,
        lambda: (CURRENT, words(8 | 1 << 32, 2), 0), False,
    ),
    "set-clock": (
        "The clock can't be set.", 227, 112, lambda: (0, words(0, 0)), False,
    ),
    "set-host-name": (
        "The host's name can't be set.", 170, 161, lambda: (b"probe", 5), False,
    ),
    "local-descriptor-table": (
        "No segment descriptors (CVE-2015-5157).", 154, None,
        lambda: (0, buffer(), 16), True,
    ),
    "port-access": (
        "No I/O ports.", 173, None, lambda: (0x80, 1, 1), False,
    ),
    "port-level": ("No I/O privilege level.", 172, None, lambda: (3,), False),
    "accounting": ("No process accounting.", 163, 89, lambda: (b"/tmp/x",), False),
    "kernel-log": (
        "The kernel's log can't be read.", 103, 116,
        lambda: (3, buffer(), 256), False,
    ),
    "watch-files": (
        "Files can't be watched beyond one's own.", 300, 262,
        lambda: (0x200, 0), False,
    ),
    "swap": ("No swap.", 167, 224, lambda: (b"/tmp/x", 0), False),
    "disable-randomisation": (
        "Address randomisation can't be switched off.", 135, 92,
        lambda: (0x0040000,), True,
    ),
    "high-bits-in-prctl": (
        "High bits don't hide PR_SET_SECCOMP (CVE-2019-10063).", 157, 167,
        lambda: (1 << 32 | 22, 2, 0, 0, 0), True,
    ),
    "memory-of-others": (
        "Memory advice for other processes is closed.", 440, 440,
        lambda: (os.pidfd_open(os.getpid()), vector(buffer()), 1, 4, 0), True,
    ),
}

# What the kernel says once the filter has let the call in.
REACHED = {
    "high-bits-in-prctl": {"EFAULT"},
    "memory-of-others": {"EINVAL"},
    "request-key": {"ENOKEY"},
}


def register_call(name, claim, number, arguments, open_to_everyone):
    def try_call(facts):
        return f"returned {system_call(number, *arguments())}"

    try_call.__doc__ = claim
    attempt(
        f"call-{name}", open_to_everyone=open_to_everyone,
        reached=REACHED.get(name, ()),
    )(try_call)


for _name, (_claim, _x86, _arm, _arguments, _open) in CALLS.items():
    _number = _x86 if IS_X86 else _arm
    if _number is not None:
        register_call(_name, _claim, _number, _arguments, _open)


def register_namespace(name, flag):
    open_to_everyone = name == "user"

    def unshare(facts):
        return f"returned {system_call(272 if IS_X86 else 97, flag)}"

    unshare.__doc__ = f"No {name} namespace can be made by unshare."
    attempt(f"unshare-{name}", open_to_everyone=open_to_everyone)(unshare)

    def clone_flag(facts):
        # CLONE_THREAD without CLONE_SIGHAND: what the kernel refuses first.
        return f"returned {system_call(56 if IS_X86 else 220, flag | 0x10000, 0, 0, 0, 0)}"

    if name != "time":
        clone_flag.__doc__ = f"clone with the flag of a {name} namespace is closed."
        attempt(f"clone-flag-{name}", open_to_everyone=True, reached={"EINVAL"})(
            clone_flag
        )

    def clone(facts):
        if name == "time":  # clone's flags have no room for it
            child = system_call(CLONE3, words(flag, *([0] * 10)), 88)
        else:
            child = system_call(
                56 if IS_X86 else 220, flag | signal.SIGCHLD, 0, 0, 0, 0
            )
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        return "cloned into it"

    clone.__doc__ = f"No {name} namespace can be made by clone."
    attempt(f"clone-{name}", open_to_everyone=open_to_everyone)(clone)


CLONE3 = 435
for _name, _flag in NAMESPACES.items():
    register_namespace(_name, _flag)


@attempt("clone3-user", open_to_everyone=True)
def clone3_user(facts):
    """clone3, whose flags no filter can see, makes no namespace either."""
    child = system_call(
        CLONE3, words(NAMESPACES["user"], 0, 0, 0, signal.SIGCHLD, *([0] * 6)), 88
    )
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "cloned into it"


def type_into_terminal(request):
    last = None
    for descriptor in (0, 1, 2, 3):
        try:
            system_call(16 if IS_X86 else 29, descriptor, request, b"x")
            return f"typed into {descriptor}"
        except OSError as error:
            last = error
    raise last


NO_TERMINAL = {"EBADF", "ENOTTY", "EIO"}


@attempt("type-into-terminal", open_to_everyone=True, reached=NO_TERMINAL)
def type_into_terminal_plainly(facts):
    """TIOCSTI types nothing into the operator's terminal (CVE-2017-5226)."""
    return type_into_terminal(0x5412)


@attempt(
    "type-into-terminal-high-bits", open_to_everyone=True, reached=NO_TERMINAL
)
def type_into_terminal_with_high_bits(facts):
    """High bits don't hide TIOCSTI (CVE-2019-10063)."""
    return type_into_terminal(1 << 32 | 0x5412)


@attempt("paste-into-console", open_to_everyone=True, reached=NO_TERMINAL)
def paste_into_console(facts):
    """TIOCLINUX pastes nothing into a console (CVE-2023-28100)."""
    return type_into_terminal(0x541C)


def register_x86_only():
    @attempt("call-i386", open_to_everyone=True)
    def call_i386(facts):
        """A 32-bit system call kills its process: no filter is passed by
        another numbering."""
        code = bytes(
            (0xB8, 20, 0, 0, 0)  # mov eax, getpid of i386
            + (0xCD, 0x80)  # int 0x80
            + (0xC3,)  # ret
        )
        page = mmap.mmap(
            -1, mmap.PAGESIZE,
            prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
        )
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        return f"returned {ctypes.CFUNCTYPE(ctypes.c_int)(address)()}"

    @attempt("call-x32")
    def call_x32(facts):
        """A system call with the x32 bit kills its process."""
        return f"returned {system_call(0x40000000 | 39)}"


if IS_X86:
    register_x86_only()


@attempt("exhaust-processes", {"EAGAIN"})
def exhaust_processes(facts):
    """A fork bomb ends at the limit on processes."""

    def bomb():
        # Processes that share this one's memory, as those of vfork(2) do: a copy of it
        # for each would take most of the time.
        most = facts.get("fork_limit", 2000)
        stacks = ctypes.create_string_buffer(4096 * (most + 1))
        first = -(-ctypes.addressof(stacks) // 4096) * 4096
        pause = ctypes.cast(LIBC.pause, ctypes.c_void_p)
        children = []
        try:
            for number in range(1, most + 1):
                top = ctypes.c_void_p(first + 4096 * number)
                child = LIBC.clone(pause, top, CLONE_VM | signal.SIGCHLD, None)
                if child < 0:
                    raise OSError(ctypes.get_errno(), "clone")
                children.append(child)
        except OSError as error:
            return f"{len(children)} {error.errno}".encode()
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
            for child in children:
                os.waitpid(child, 0)
        return f"{len(children)} 0".encode()

    ended, text = in_child(bomb, seconds=15)
    count, code = (int(word) for word in text.split()) if text else (0, 0)
    if code:
        raise OSError(code, f"after {count} processes")
    return f"{ended}: {count} processes"
