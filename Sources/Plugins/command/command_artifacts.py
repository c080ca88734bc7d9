"""Finds the files of a workspace by patterns, and never follows a link.

The workspace is a command's, and may change while it is looked at. So each
directory is opened from the one above it, with O_NOFOLLOW, and so are files.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Sequence
from typing import Set, Tuple

from command_failures import CommandError
from pipeline import File

# One call carries 1,024 values.
MAXIMUM_FILES = 1_000

_NONE: FrozenSet[int] = frozenset()
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Pattern:
    """A path relative to the workspace, with `*`, `?`, `[…]`, and `**` for
    any number of directories, none among them. As in a shell, a dot that a
    name begins with has to be written."""

    def __init__(self, text: Any, parameter: str) -> None:
        """
        :param parameter: where it stands, for people
        :raises CommandError: when it can't lead to a file of the workspace
        """
        if not isinstance(text, str):
            raise CommandError(
                f"a pattern of '{parameter}' is {type(text).__name__}, not "
                "text",
                "put it into quotes",
            )
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if text.startswith("/") or ".." in parts or not parts or "\0" in text:
            raise CommandError(
                f"'{text}' isn't a pattern for files of the workspace",
                f"write patterns of '{parameter}' relative to it, without "
                "'..', such as dist/*.whl",
            )
        if parts[-1] == "**":
            parts.append("*")
        self.text = text
        # None stands for any number of directories.
        self._parts: List[Optional[Callable[[str], Any]]] = []
        self._dots = [part.startswith(".") for part in parts]
        for part in parts:
            matches = re.compile(fnmatch.translate(part)).match
            self._parts.append(None if part == "**" else matches)

    def begin(self) -> FrozenSet[int]:
        """Where one is in the pattern before the first name."""
        return self._closed({0})

    def after(self, places: FrozenSet[int], name: str) -> FrozenSet[int]:
        """Where one may be after a name; nowhere, and it doesn't match."""
        following: Set[int] = set()
        hidden = name.startswith(".")
        for place in places:
            if place == len(self._parts) or hidden and not self._dots[place]:
                continue
            matches = self._parts[place]
            if matches is None:
                following.add(place)
            elif matches(name):
                following.add(place + 1)
        return self._closed(following) if following else _NONE

    def ends(self, places: FrozenSet[int]) -> bool:
        """Whether one is at the pattern's end."""
        return len(self._parts) in places

    def _closed(self, places: Set[int]) -> FrozenSet[int]:
        """With what is reached from there without a name."""
        reached = set(places)
        for place in places:
            while place < len(self._parts) and self._parts[place] is None:
                place += 1
                reached.add(place)
        return frozenset(reached)


class Found:
    """The files that some patterns match.

    :ivar paths: relative to the workspace, sorted
    :ivar unmatched: the patterns that match none, as they were written
    """

    def __init__(self, paths: List[str], unmatched: List[str]) -> None:
        self.paths = paths
        self.unmatched = unmatched


def patterns(value: Any, parameter: str) -> List[Pattern]:
    """The patterns of a parameter.

    :raises CommandError: when it isn't a list of patterns
    """
    if not isinstance(value, list):
        raise CommandError(
            f"the parameter '{parameter}' is {type(value).__name__}, not a "
            "list",
            f"write {parameter}: [PATTERN]",
        )
    return [Pattern(text, parameter) for text in value]


def find(
    workspace: str, wanted: Sequence[Pattern], check: Callable[[], object]
) -> Found:
    """Looks for the regular files that patterns match.

    :param check: is called now and then, and may raise to end it
    :raises CommandError: when there are too many, or a directory can't be
        read
    """
    paths: List[str] = []
    count = 0
    matched: Set[int] = set()
    with _Workspace(workspace) as root:
        begin = {n: pattern.begin() for n, pattern in enumerate(wanted)}
        directories = [("", begin)] if wanted else []
        while directories:
            check()
            prefix, places = directories.pop()
            for name, is_directory in root.entries(prefix):
                following: Dict[int, FrozenSet[int]] = {}
                for n, at in places.items():
                    after = wanted[n].after(at, name)
                    if after:
                        following[n] = after
                if is_directory and following:
                    directories.append((f"{prefix}{name}/", following))
                ends = [n for n in following if wanted[n].ends(following[n])]
                if is_directory or not ends:
                    continue
                matched.update(ends)
                count += 1
                if count <= MAXIMUM_FILES:
                    paths.append(prefix + name)
    if count > MAXIMUM_FILES:
        raise CommandError(
            f"the patterns match {count:,} files; a node keeps at most "
            f"{MAXIMUM_FILES:,}",
            "narrow the patterns, or put the files into an archive",
        )
    unmatched = [p.text for n, p in enumerate(wanted) if n not in matched]
    return Found(sorted(paths), unmatched)


def read(
    workspace: str, paths: Sequence[str], check: Callable[[], object]
) -> List[File]:
    """The files' contents, under the names that they have.

    :raises CommandError: when one can't be kept
    """
    files = []
    with _Workspace(workspace) as root:
        for path in paths:
            check()
            try:
                path.encode("utf-8")
                descriptor = root.open(path)
                try:
                    name = path.rpartition("/")[2]
                    files.append(File.from_descriptor(descriptor, name))
                finally:
                    os.close(descriptor)
            except ValueError:
                raise CommandError(
                    f"the artifact {path!r} can't be kept under its name",
                    "give it one without control characters, in UTF-8",
                ) from None
    return files


def open_file(workspace: str, path: str) -> int:
    """Opens a file of the workspace for reading.

    :raises CommandError: when it is gone, or can't be read
    """
    with _Workspace(workspace) as root:
        return root.open(path)


class _Workspace:
    """The directory that all paths begin in."""

    def __init__(self, path: str) -> None:
        self._root = os.open(path, os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> _Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def entries(self, directory: str) -> List[Tuple[str, bool]]:
        """The names of the regular files and directories in a directory, and
        which of the two each is.

        :param directory: empty, or with a slash at its end
        :raises CommandError: when it can't be read
        """
        try:
            descriptor = self._descend(directory.split("/")[:-1])
            try:
                with os.scandir(descriptor) as entries:
                    return [
                        (entry.name, entry.is_dir(follow_symlinks=False))
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        or entry.is_file(follow_symlinks=False)
                    ]
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            # It was there a moment ago.
            return []
        except PermissionError as error:
            raise _unreadable(directory.rstrip("/") or ".", error) from error

    def open(self, path: str) -> int:
        """Opens a regular file for reading.

        :raises CommandError: when it is gone, or can't be read
        """
        *directories, name = path.split("/")
        try:
            directory = self._descend(directories)
            try:
                # A pipe would keep us waiting.
                descriptor = os.open(
                    name, _FLAGS | os.O_NONBLOCK, dir_fd=directory
                )
            finally:
                os.close(directory)
        except OSError as error:
            raise _unreadable(path, error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CommandError(f"'{path}' is no regular file any more")
        return descriptor

    def _descend(self, names: Sequence[str]) -> int:
        """Opens a directory; the caller closes it."""
        descriptor = os.dup(self._root)
        for name in names:
            try:
                below = os.open(
                    name, _FLAGS | os.O_DIRECTORY, dir_fd=descriptor
                )
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor


def _unreadable(path: str, error: OSError) -> CommandError:
    why = str(error.strerror).lower()
    return CommandError(f"can't read '{path}' of the workspace: {why}")
