"""The first report of a `sandbox-init` that is given no plan, in hexadecimal.

    first_report.py PROGRAM [ARGUMENT...]

It asks for the seals of its plan (descriptor 5, here a file without any) and
says on its control socket (descriptor 4) that there are none.
"""

import os
import socket
import subprocess
import sys

ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
plan = os.memfd_create("plan")
# Away from the numbers that are about to be given away.
control, plan = os.dup(control.fileno()), os.dup(plan)
assert min(ours.fileno(), control, plan) > 2 and ours.fileno() not in (4, 5)


def place():
    high = [os.dup2(control, 100), os.dup2(plan, 101)]
    os.dup2(high[0], 4)
    os.dup2(high[1], 5)


result = subprocess.run(sys.argv[1:], pass_fds=(4, 5), preexec_fn=place, timeout=20)
assert result.returncode == 1, f"it ended with {result.returncode}"
ours.settimeout(10)
print(ours.recv(4096).hex())
