"""What goes wrong with a command, in words."""

from __future__ import annotations

import signal
from typing import Optional


class CommandError(Exception):
    """A command that can't be run, or whose files can't be kept.

    :ivar hint: how to mend it, where that is known
    """

    # The message says all there is to say.
    shows_traceback = False

    def __init__(self, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.hint = hint


class CommandFailed(CommandError):
    """A command that was run, and ended badly."""


def failed(status: int, path: str) -> CommandFailed:
    """What an exit status other than 0 means.

    :param status: what the shell exited with; below 0, the signal that ended
        it
    :param path: the command's PATH
    """
    if status < 0:
        name = _signal(-status) or f"signal {-status}"
        return CommandFailed(f"the command was ended by {name}")
    hint = None
    if status == 126:
        hint = (
            "126 says that a program was found and couldn't be started: it "
            "must be executable, name an interpreter that is there, and lie "
            "where the profile's execPaths let programs be started"
        )
    elif status == 127:
        hint = (
            "127 says that there is no such program in the sandbox, which "
            f"shows the host's; PATH is {path}"
        )
    elif _signal(status - 128):
        hint = (
            f"shells say {status} where a program was ended by "
            f"{_signal(status - 128)}"
        )
    return CommandFailed(f"the command failed with status {status}", hint)


def _signal(number: int) -> Optional[str]:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
