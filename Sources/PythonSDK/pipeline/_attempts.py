"""What plugin code asked of the system last, so that its errors can be told
with what they were about.

An exception knows a file's name at best. Whether it was to be read or written,
and which host was to be reached, only the audit events say (PEP 578). They are
looked at for that and for nothing else: nothing is refused here.
"""

from __future__ import annotations

import errno
import os
import sys
from threading import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Tuple

_READ = "read"
_WRITE = "write"
_EXECUTE = "execute"
_CONNECT = "connect"

# Events whose first argument is a path, or the name of a program.
_PATHS = {
    "os.listdir": _READ,
    "os.scandir": _READ,
    "os.chdir": _READ,
    "os.getxattr": _READ,
    "os.listxattr": _READ,
    "os.mkdir": _WRITE,
    "os.rmdir": _WRITE,
    "os.remove": _WRITE,
    "os.rename": _WRITE,
    "os.link": _WRITE,
    "os.symlink": _WRITE,
    "os.truncate": _WRITE,
    "os.chmod": _WRITE,
    "os.chown": _WRITE,
    "os.utime": _WRITE,
    "os.setxattr": _WRITE,
    "os.removexattr": _WRITE,
    "subprocess.Popen": _EXECUTE,
    "os.exec": _EXECUTE,
    "os.posix_spawn": _EXECUTE,
}
# Where the host is among the arguments of an event.
_HOSTS = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.connect": 1}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_DENIALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
# RFC 3986, unreserved; and the slash.
_PLAIN = frozenset(
    b"/-._~0123456789abcdefghijklmnopqrstuvwxyz"
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
_LONGEST_PATH = 4096
_LONGEST_HOST = 253
# Threads come and go; their numbers are mostly used again.
_MOST_THREADS = 256

# The last of each thread.
_files: Dict[int, Tuple[str, Any]] = {}
_hosts: Dict[int, Tuple[Any, Any]] = {}


def install() -> None:
    """Begins to look. There is no way to end it."""
    sys.addaudithook(_note)


def forget() -> None:
    """Before another call: what the one before asked for isn't its business."""
    _files.clear()
    _hosts.clear()


def _note(event: str, arguments: Tuple[Any, ...]) -> None:
    if event == "open":
        access = _WRITE if _is_writing(arguments) else _READ
    elif event in _PATHS:
        access = _PATHS[event]
    elif event in _HOSTS:
        _note_host(arguments[_HOSTS[event] :])
        return
    else:
        return
    if arguments:
        _keep(_files, (access, arguments[0]))


def _is_writing(arguments: Tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and flags & _WRITING != 0


def _note_host(arguments: Tuple[Any, ...]) -> None:
    if not arguments:
        return
    first = arguments[0]
    if isinstance(first, tuple):
        arguments = first
    elif isinstance(first, (str, bytes)) and len(arguments) == 1:
        arguments = (first, None)
    if len(arguments) >= 2:
        _keep(_hosts, (arguments[0], arguments[1]))


def _keep(table: Dict[int, Any], value: Any) -> None:
    thread = get_ident()
    if thread not in table and len(table) >= _MOST_THREADS:
        table.clear()
    table[thread] = value


def denied(chain: Iterable[BaseException]) -> Optional[Dict[str, Any]]:
    """What an exception, or one behind it, says was not let do; None where
    none of them says that."""
    for error in chain:
        if isinstance(error, OSError):
            try:
                found = _told(error)
            except Exception:
                # An exception class may make anything of its attributes.
                continue
            if found is not None:
                return found
    return None


def _told(error: OSError) -> Optional[Dict[str, Any]]:
    resolution = _resolution(error)
    if resolution is not None:
        return _connection(resolution)
    if error.errno not in _DENIALS:
        return None
    name = errno.errorcode[error.errno]
    subject: Any = error.filename
    if subject is None:
        # socket(2) and connect(2).
        return _connection(name) if error.errno != errno.ENOENT else None
    if error.filename2 is not None and os.path.lexists(error.filename):
        subject = error.filename2
    if not isinstance(subject, (str, bytes)):
        return None
    access = _access(error)
    return {
        "access": access,
        "error": name,
        "path": _encoded(_absolute(os.fsencode(subject), access)),
    }


def _access(error: OSError) -> Optional[str]:
    """What was to be done to the file; None where no event says."""
    known = [_files[get_ident()]] if get_ident() in _files else []
    for access, path in known + list(_files.values()):
        if path is error.filename or path == error.filename:
            return access
    return None


def _connection(name: str) -> Optional[Dict[str, Any]]:
    host, port = _hosts.get(get_ident(), (None, None))
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or not 0 < len(host) <= _LONGEST_HOST:
        return None
    if isinstance(port, str) and port.isascii() and port.isdigit():
        port = int(port)
    known = isinstance(port, int) and 0 < port < 65536
    return {
        "access": _CONNECT,
        "error": name,
        "host": host.encode("ascii", "replace").decode("ascii"),
        "port": port if known else None,
    }


def _resolution(error: OSError) -> Optional[str]:
    """The name of an error of getaddrinfo(3)."""
    socket = sys.modules.get("socket")
    if socket is None or not isinstance(error, socket.gaierror):
        return None
    for name in dir(socket):
        if name.startswith("EAI_") and getattr(socket, name) == error.errno:
            return name
    return "EAI_FAIL"


def _absolute(path: bytes, access: Optional[str]) -> bytes:
    # A program is looked for along PATH.
    if access == _EXECUTE and b"/" not in path:
        return path
    return os.path.normpath(os.path.join(os.getcwdb(), path))


def _encoded(path: bytes) -> str:
    return "".join(
        chr(byte) if byte in _PLAIN else f"%{byte:02X}"
        for byte in path[:_LONGEST_PATH]
    )
