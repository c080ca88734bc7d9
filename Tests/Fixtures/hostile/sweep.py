"""Makes every system call there could be, with arguments that can do no harm."""

import ctypes
import errno
import os

from harness import LIBC, in_child

LAST = 1024
# Above all that a kernel has: nothing is done there, so that one child can try many.
UNASSIGNED = 600
BATCH = 64
# Waits for ever, by its number: pause, which not every architecture has.
PAUSE = {"x86_64": 34}.get(os.uname().machine)


def sweep(numbers=None):
    """The verdict on each number: the name of an error, `ok`, `exit`, `waits` or
    the signal that killed the process which made the call.

    Every argument is -1: no such descriptor, address, process, flag or size.
    """
    numbers = list(range(LAST + 1) if numbers is None else numbers)
    assigned = [number for number in numbers if number < UNASSIGNED]
    verdicts = {str(number): verdict(number) for number in assigned}
    others = [number for number in numbers if number >= UNASSIGNED]
    for start in range(0, len(others), BATCH):
        verdicts.update(together(others[start : start + BATCH]))
    return verdicts


def call(number):
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *([ctypes.c_long(-1)] * 6))
    code = ctypes.get_errno()
    return errno.errorcode.get(code, str(code)) if result == -1 and code else "ok"


def together(numbers):
    """The verdicts from one child; one by one, unless all is as it should be."""
    _, text = in_child(lambda: "\n".join(map(call, numbers)).encode())
    verdicts = text.decode().split("\n")
    if verdicts != ["ENOSYS"] * len(numbers):
        verdicts = map(verdict, numbers)
    return {str(number): of for number, of in zip(numbers, verdicts)}


def verdict(number):
    def alone():
        return call(number).encode()

    ended, text = in_child(alone, seconds=0.5)
    if not text and ended == "hung" and number != PAUSE:
        # On a busy machine a child may not have run at all yet.
        ended, text = in_child(alone, seconds=6)
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
