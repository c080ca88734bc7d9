"""Runs in the place of a worker and prints, as JSON, what it was refused."""

import ctypes
import errno
import json
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


def refusal(action):
    try:
        result = action()
    except OSError as error:
        return errno.errorcode[error.errno]
    if result == -1:
        return errno.errorcode[ctypes.get_errno()]
    return "allowed"


def start_another():
    child = os.fork()
    if child == 0:
        try:
            os.execv(sys.executable, [sys.executable, "-I", "-c", "pass"])
        except OSError as error:
            os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "execve")


print(
    json.dumps(
        {
            "user": os.getuid(),
            "directories": sorted(os.listdir("/")),
            "root": refusal(lambda: os.setuid(0)),
            "shadow": refusal(lambda: open("/etc/shadow")),
            "write": refusal(lambda: open("/plugin/made", "w")),
            "scratch": refusal(lambda: open("/tmp/made", "w")),
            "null": refusal(lambda: open("/dev/null", "w")),
            "mount": refusal(lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
            "execution": refusal(start_another),
        }
    ),
    flush=True,
)
