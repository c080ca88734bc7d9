"""Runs a program on a terminal of its own, as its session's foreground, and types when it is asked.

terminal.py [--before KEYS] [--expect TEXT --type KEYS]... -- PROGRAM ARGUMENT...

KEYS may hold ``\\x03`` (Ctrl-C), ``\\x04`` (Ctrl-D) and ``\\n``. What the terminal shows is written to standard output.
Ends with the program's status, or with 128 and the number of the signal that ended it.
"""

import os
import pty
import select
import signal
import sys
import time


def keys(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


def main() -> int:
    arguments = sys.argv[1:]
    steps, before = [], b""
    while arguments[0] != "--":
        option = arguments.pop(0)
        if option == "--before":
            before = keys(arguments.pop(0))
        elif option == "--expect":
            steps.append([arguments.pop(0).encode(), b""])
        elif option == "--type":
            steps[-1][1] = keys(arguments.pop(0))
    program = arguments[1:]
    child, terminal = pty.fork()
    if child == 0:
        if before:
            time.sleep(0.3)
        # Whoever runs the tests in the background has it ignored, and this would be inherited.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(program[0], program)
    if before:
        os.write(terminal, before)
    shown, seen = b"", 0
    deadline = time.monotonic() + 60
    while True:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(child, 9)
            break
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        while steps and steps[0][0] in shown[seen:]:
            text, answer = steps.pop(0)
            seen = shown.index(text, seen) + len(text)
            os.write(terminal, answer)
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()
    _, status = os.waitpid(child, 0)
    if steps:
        sys.stderr.write(f"it never showed {steps[0][0]!r}\n")
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main())
