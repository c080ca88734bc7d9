"""What `sandbox-init` is to a worker, for one container of another runtime: lets
the runtime become the worker, and the worker nothing else, seccomp_unotify(2).

    seccomp_agent.py SOCKET

Counting isn't enough here: the scheduler of a runtime in Go interrupts its own
threads, and an execve that is interrupted while it waits is asked for again.
"""

import array
import fcntl
import os
import select
import socket
import struct
import sys

# Of <linux/seccomp.h>: the ioctls with the sizes of struct seccomp_notif and
# seccomp_notif_resp, SECCOMP_USER_NOTIF_FLAG_CONTINUE.
RECEIVE = 0xC0502100
SEND = 0xC0182101
CONTINUE = 1
ACCESS_DENIED = -13

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
listener.settimeout(60)
print("listening", flush=True)
connection, _ = listener.accept()
_, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
descriptors = array.array("i")
descriptors.frombytes(control[0][2])

waiting = select.poll()
waiting.register(descriptors[0], select.POLLIN)
runtime = None
# Hung up: no process with the filter is left.
while not waiting.poll()[0][1] & select.POLLHUP:
    notification = bytearray(80)
    try:
        fcntl.ioctl(descriptors[0], RECEIVE, notification)
        call, process = struct.unpack_from("QI", notification)
        program = os.stat(f"/proc/{process}/exe")
        runtime = runtime or program
        may_execute = os.path.samestat(program, runtime)
        error, flags = (0, CONTINUE) if may_execute else (ACCESS_DENIED, 0)
        answer = struct.pack("QqiI", call, 0, error, flags)
        fcntl.ioctl(descriptors[0], SEND, bytearray(answer))
    except FileNotFoundError:
        continue  # the call was interrupted meanwhile
