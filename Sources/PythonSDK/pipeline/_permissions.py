"""Whether a granted permission covers one that is needed."""

from __future__ import annotations

_PATHS = ("filesystem.read", "filesystem.write")
_LISTS = ("network.http", "network.socket", "system.exec")


def covers(granted: str, required: str) -> bool:
    """True when holding `granted` is enough for `required`.

    A path covers what lies beneath it; a list covers its parts. The bare form
    of the file system permissions is the run's workspace, and so covers no
    path; the bare form of the others is the widest.
    """
    if granted == required:
        return True
    name, _, scope = granted.partition(":")
    wanted_name, _, wanted = required.partition(":")
    if name != wanted_name:
        return False
    if name in _PATHS:
        return bool(scope and wanted) and _beneath(wanted, scope)
    if name in _LISTS:
        if not scope:
            return True
        return bool(wanted) and set(wanted.split(",")) <= set(scope.split(","))
    if name == "gpu.access":
        return _count(scope) >= _count(wanted)
    return False


def _beneath(path: str, directory: str) -> bool:
    if ".." in path.split("/"):
        return False
    directory = directory.rstrip("/")
    return path == directory or path.startswith(directory + "/")


def _count(scope: str) -> int:
    """The number of GPUs that a scope names; without one, at least one."""
    return int(scope) if scope.isdecimal() else 1
