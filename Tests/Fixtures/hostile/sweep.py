"""Makes every system call there could be, with arguments that can do no harm."""

import ctypes
import errno
import os

from harness import LIBC, in_child

LAST = 1024
# pause and rt_sigsuspend would wait for ever, and exit means what it says.
ANSWERS = {"exited 255": "exit"}


def sweep(numbers=None):
    """The verdict on each number: the name of an error, `ok`, `exit`, `waits` or
    the signal that killed the process which made the call.

    Every argument is -1: no such descriptor, address, process, flag or size.
    """
    return {
        str(number): verdict(number)
        for number in (range(LAST + 1) if numbers is None else numbers)
    }


def verdict(number):
    def call():
        ctypes.set_errno(0)
        result = LIBC.syscall(
            ctypes.c_long(number), *([ctypes.c_long(-1)] * 6)
        )
        code = ctypes.get_errno()
        if result == -1 and code:
            return errno.errorcode.get(code, str(code)).encode()
        return b"ok"

    ended, text = in_child(call, seconds=0.5)
    if not text and ended == "hung":
        # On a busy machine a child may not have run at all yet.
        ended, text = in_child(call, seconds=6)
    if text:
        return text.decode().split("\n")[0]
    if ended == "hung":
        return "waits"
    if ended.startswith("exited"):
        return "exit"
    return ended


if __name__ == "__main__":
    print(sweep())
    os._exit(0)
