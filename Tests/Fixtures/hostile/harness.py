"""How an attempt is written, run and judged.

An attempt is a function whose docstring is the claim that it tries to break.
It raises `OSError` where the kernel said no, `Prevented` where there was
nothing to reach, and returns a text that says what it reached where it got
through. What raises anything else is a broken probe, and is reported as such:
a probe that fails for a reason of its own must never count as a denial.
"""

import ctypes
import errno
import os
import platform
import select
import signal
import time
import traceback

DENIALS = frozenset({"EPERM", "EACCES", "ENOSYS", "EROFS"})

ATTEMPTS = {}


class Prevented(Exception):
    """There was nothing to reach."""


class Attempt:
    def __init__(self, name, function, denials, reached, open_to_everyone):
        self.name = name
        self.claim = " ".join(function.__doc__.split())
        self.function = function
        self.denials = DENIALS | denials
        self.reached = reached
        self.open_to_everyone = open_to_everyone


def attempt(name, denials=(), open_to_everyone=False, reached=()):
    """Registers an attempt.

    :param denials: errors besides EPERM, EACCES, ENOSYS and EROFS that mean "no"
    :param reached: errors that show that the call got as far as it must not,
        and only then failed
    :param open_to_everyone: an ordinary process without a sandbox gets through,
        which is how the tests know that the probe itself works
    """

    def register(function):
        if name in ATTEMPTS:
            raise ValueError(f"two attempts are called {name}")
        ATTEMPTS[name] = Attempt(
            name, function, frozenset(denials), frozenset(reached),
            open_to_everyone,
        )
        return function

    return register


# How many times longer than usual a child may take: more where the processor is
# emulated.
patience = 1


def run(name, facts):
    """Runs one attempt in a child process and judges it; never raises."""
    global patience
    patience = facts.get("patience", 1)
    tried = ATTEMPTS[name]
    outcome, detail = _judged_in_child(tried, facts)
    return {
        "attempt": name,
        "claim": tried.claim,
        "outcome": outcome,
        "detail": detail,
    }


def judge(tried, facts):
    try:
        return "allowed", str(tried.function(facts))
    except Prevented as reason:
        return "denied", str(reason)
    except OSError as error:
        word = errno.errorcode.get(error.errno, str(error.errno))
        detail = f"{word}: {error}"
        if word in tried.reached:
            return "allowed", detail
        return ("denied" if word in tried.denials else "broken"), detail
    except BaseException:
        return "broken", traceback.format_exc()[-2000:]


def _judged_in_child(tried, facts):
    ended, text = in_child(
        lambda: "\n".join(judge(tried, facts)).encode(), seconds=20
    )
    if ended == "killed by SIGSYS":
        return "denied", ended
    if ended != "exited 0" or b"\n" not in text:
        return "broken", f"the probe's process {ended}"
    outcome, detail = text.decode(errors="replace").split("\n", 1)
    return outcome, detail


def in_child(function, seconds=5.0):
    """Runs `function` in a forked child.

    :returns: how the child ended (`exited 0`, `killed by SIGSYS`, `hung`) and the
        bytes that `function` returned
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            os.close(reader)
            data = function()
            while data:
                data = data[os.write(writer, data) :]
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    received = b""
    deadline = time.monotonic() + seconds * patience
    hung = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            hung = True
            os.kill(child, signal.SIGKILL)
            break
        block = os.read(reader, 65536)
        if not block:
            break
        received += block
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if hung:
        return "hung", received
    return described(status), received


def described(status):
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exited {os.WEXITSTATUS(status)}"


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

IS_X86 = platform.machine() == "x86_64"


def system_call(number, *arguments):
    """One raw system call; raises `OSError` where it fails."""
    ctypes.set_errno(0)
    result = LIBC.syscall(
        ctypes.c_long(number),
        *(a if isinstance(a, ctypes._Pointer) else _word(a) for a in arguments),
    )
    if result == -1 and ctypes.get_errno():
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _word(argument):
    if isinstance(argument, bytes):
        return ctypes.c_char_p(argument)
    if isinstance(argument, int):
        return ctypes.c_long(
            argument if argument < 1 << 63 else argument - (1 << 64)
        )
    return argument


def tiny_program(status=42):
    """A static ELF executable of 132 bytes that exits with `status`."""
    if IS_X86:
        machine = 62
        code = (
            b"\xbf" + status.to_bytes(4, "little")  # mov edi, status
            + b"\xb8\x3c\x00\x00\x00"  # mov eax, SYS_exit
            + b"\x0f\x05"  # syscall
        )
    else:
        machine = 183
        code = b"".join(
            word.to_bytes(4, "little")
            for word in (
                0xD2800000 | status << 5,  # mov x0, status
                0xD2800BA8,  # mov x8, SYS_exit
                0xD4000001,  # svc 0
            )
        )
    base = 0x400000
    header = (
        b"\x7fELF\x02\x01\x01" + bytes(9)
        + (2).to_bytes(2, "little") + machine.to_bytes(2, "little")
        + (1).to_bytes(4, "little") + (base + 120).to_bytes(8, "little")
        + (64).to_bytes(8, "little") + bytes(8) + bytes(4)
        + b"".join(n.to_bytes(2, "little") for n in (64, 56, 1, 64, 0, 0))
    )
    size = 120 + len(code)
    segment = (
        (1).to_bytes(4, "little") + (5).to_bytes(4, "little")
        + bytes(8) + base.to_bytes(8, "little") + base.to_bytes(8, "little")
        + size.to_bytes(8, "little") + size.to_bytes(8, "little")
        + (0x1000).to_bytes(8, "little")
    )
    return header + segment + code
