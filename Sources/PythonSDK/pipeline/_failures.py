"""What goes wrong in a call, and how it is told to the engine."""

from __future__ import annotations

import errno
import os

from pipeline import _attempts
from pipeline._frames import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional

# The classes of the protocol's error frame.
LOAD = "load"
INITIALIZE = "initialize"
INPUT = "input"
OUTPUT = "output"
ERROR = "error"
CANCELLED = "cancelled"
UNKNOWN = "unknown"

_FRAMEWORK = os.path.dirname(os.path.abspath(__file__)) + os.sep
# Whether tracebacks keep our own frames.
_shows_framework = False
# A hint is a sentence. Escaped as JSON, the frame stays below 1 MiB.
_HINT = 1_000
# What a worker can fill: its scratch, its shared memory and the workspace.
_FILLABLE = ("/tmp", "/dev/shm", "/workspace")
# Exceptions behind an exception that are looked at.
_BEHIND = 16
# Enough of a traceback to find its cause, however deep the recursion was.
_LAST_FRAMES = 100


def show_framework(shows: bool) -> None:
    """Sets whether tracebacks keep the framework's own frames."""
    global _shows_framework
    _shows_framework = shows


class Failure(Exception):
    """A call that ends with an error frame.

    :ivar kind: its class in the protocol
    :ivar hint: how to mend it, where that is known
    """

    def __init__(
        self,
        kind: str,
        message: str,
        cause: Optional[BaseException] = None,
        hint: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.cause = cause
        self.hint = hint

    @classmethod
    def of(cls, kind: str, error: BaseException) -> Failure:
        """The failure that an exception of the plugin's code is."""
        return cls(kind, text_of(error), error, _hint(error))

    def body(self) -> Dict[str, Any]:
        """The error frame's object."""
        cause = self.cause
        limit = {} if cause is None else _limit(cause)
        denied = None if cause is None else _attempts.denied(_chain(cause))
        return {
            **limit,
            **({} if denied is None else {"denied": denied}),
            "class": self.kind,
            "type": "" if cause is None else type(cause).__name__,
            "message": cut(self.message),
            "traceback": "" if cause is None else _traceback(cause),
            "hint": None if self.hint is None else self.hint[:_HINT],
        }


def text_of(error: BaseException) -> str:
    """The exception's message, whatever its class does."""
    if isinstance(error, SystemExit):
        return f"the plugin called sys.exit({error.code!r})"
    try:
        return str(error)
    except Exception:
        return f"<the text of this {type(error).__name__} can't be made>"


def _hint(error: BaseException) -> Optional[str]:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"add the package that provides '{error.name}' to the manifest's "
            "dependencies"
        )
    hint = getattr(error, "hint", None)
    return hint if isinstance(hint, str) else None


def _limit(error: BaseException) -> Dict[str, Any]:
    """The limit that an exception, or one behind it, says was reached."""
    for cause in _chain(error):
        if isinstance(cause, OSError):
            if cause.errno in (errno.ENOSPC, errno.EDQUOT):
                return {"limit": "space", "full": _full()}
            if cause.errno == errno.EMFILE:
                return {"limit": "open_files"}
        # CPython's own words: it keeps no errno here.
        if type(cause) is RuntimeError and cause.args == (
            "can't start new thread",
        ):
            return {"limit": "tasks"}
    return {}


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: Optional[BaseException] = error
    for _ in range(_BEHIND):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _full() -> List[str]:
    """Those directories that have no room for a byte or a file more."""
    full = []
    for path in _FILLABLE:
        try:
            room = os.statvfs(path)
        except OSError:
            continue
        # Some file systems count no inodes.
        if room.f_bavail == 0 or (room.f_files > 0 and room.f_favail == 0):
            full.append(path)
    return full


def _traceback(error: BaseException) -> Optional[str]:
    """The traceback for the engine; None for a class that shows none."""
    if getattr(type(error), "shows_traceback", True) is False:
        return None
    return cut(traceback_of(error))


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, without the framework's frames."""
    try:
        # May fail where the plugin has left no file to be opened.
        import traceback

        formatted = traceback.TracebackException.from_exception(
            error, limit=-_LAST_FRAMES
        )
        if not _shows_framework:
            _strip(formatted, set())
        return "".join(formatted.format())
    except Exception as problem:
        # An exception class may break anything that formats it.
        return f"<no traceback: {type(problem).__name__}>\n"


def _strip(formatted: Any, seen: set[int]) -> None:
    """Removes our frames, in the exception and in those behind it."""
    if formatted is None or id(formatted) in seen:
        return
    seen.add(id(formatted))
    formatted.stack[:] = [
        frame
        for frame in formatted.stack
        if not frame.filename.startswith((_FRAMEWORK, "<frozen importlib"))
    ]
    _strip(formatted.__cause__, seen)
    _strip(formatted.__context__, seen)
    for part in getattr(formatted, "exceptions", None) or ():
        _strip(part, seen)
