"""What `sandbox-init` is to a worker, for one container of another runtime: lets
the first execve through and refuses every later one, seccomp_unotify(2).

    seccomp_agent.py SOCKET
"""

import array
import fcntl
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

answered = 0
while True:
    notification = bytearray(80)
    try:
        fcntl.ioctl(descriptors[0], RECEIVE, notification)
    except FileNotFoundError:
        break  # the container has ended
    (call,) = struct.unpack_from("Q", notification)
    error, flags = (0, CONTINUE) if answered == 0 else (ACCESS_DENIED, 0)
    answered += 1
    fcntl.ioctl(descriptors[0], SEND, bytearray(struct.pack("QqiI", call, 0, error, flags)))
