"""Unpacks the package of a plugin, in a sandbox of its own.

Drives libarchive(3). The program has checked the structure of the package
before, and compares every byte with the package's index afterwards: nothing
that is said here is believed.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, Iterator

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    File,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
    _memory,
)

LIBRARY = "libarchive.so.13"
# archive.h
END_OF_FILE = 1
WARNING = -20
BLOCK = 1 << 20
# The index and the signatures, which the program has read already.
OWN_MEMBERS = 2


class UnpackError(Exception):
    """A package that can't be unpacked.

    :ivar hint: how to mend it
    """

    def __init__(self, message: str, hint: str = "get it again") -> None:
        super().__init__(message)
        self.hint = hint


def load() -> ctypes.CDLL:
    """libarchive, with the types of the functions that are used.

    :raises UnpackError: when it isn't installed
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise UnpackError(
            f"{LIBRARY} can't be loaded: {error}",
            "install the package libarchive13",
        ) from None
    pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
    for name, result, arguments in (
        ("archive_read_new", pointer, []),
        ("archive_read_support_format_zip_seekable", number, [pointer]),
        ("archive_read_open_fd", number, [pointer, number, size]),
        ("archive_read_next_header", number, [pointer, pointer]),
        ("archive_read_data", ctypes.c_ssize_t, [pointer, pointer, size]),
        ("archive_read_free", number, [pointer]),
        ("archive_error_string", ctypes.c_char_p, [pointer]),
    ):
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


class Archive:
    """An open package."""

    def __init__(self, fd: int) -> None:
        """
        :param fd: the package, which stays open
        :raises UnpackError: when it is none
        """
        self._library = load()
        self._archive = self._library.archive_read_new()
        if not self._archive:
            raise MemoryError("archive_read_new")
        # Its own position: nobody else reads or writes through it.
        os.lseek(fd, 0, os.SEEK_SET)
        self._demand(
            self._library.archive_read_support_format_zip_seekable(
                self._archive
            )
        )
        self._demand(
            self._library.archive_read_open_fd(self._archive, fd, BLOCK)
        )

    def close(self) -> None:
        """Frees what libarchive has."""
        self._library.archive_read_free(self._archive)

    def _demand(self, result: int) -> int:
        # A warning is about a name that the locale can't show.
        if result < WARNING or WARNING < result < 0:
            text = self._library.archive_error_string(self._archive) or b""
            message = text.decode("utf-8", "backslashreplace")
            raise UnpackError(f"the package can't be unpacked: {message}")
        return result

    def contents(self, limit: int) -> Iterator[memoryview]:
        """The plugin's files in pieces, one file behind the other.

        :param limit: bytes of all files
        :raises UnpackError: when a member is damaged, or there is more
        """
        buffer = ctypes.create_string_buffer(BLOCK)
        view = memoryview(buffer)
        entry = ctypes.c_void_p()
        members = 0
        while True:
            result = self._library.archive_read_next_header(
                self._archive, ctypes.byref(entry)
            )
            if self._demand(result) == END_OF_FILE:
                return
            members += 1
            while members > OWN_MEMBERS:
                count = self._demand(
                    self._library.archive_read_data(
                        self._archive, buffer, BLOCK
                    )
                )
                if count <= 0:
                    break
                limit -= count
                if limit < 0:
                    raise UnpackError("the files are larger than was said")
                yield view[:count]


class UnpackNode(DeclaredNode):
    """Gives back the content of a package."""

    specification = NodeSpecification(
        node_type="unpack",
        display_name="Unpack",
        category="Packages",
        description="Unpacks a package",
        icon="📦",
        color="#5a6270",
        inputs=[PortSpecification("package", "file", "Package", "A package")],
        outputs=[
            PortSpecification(
                "content", "file", "Content", "All files, end to end"
            )
        ],
        parameters=[
            ParameterSpecification(
                "size", "integer", "Size", "Of all files, in bytes", 0
            )
        ],
        resource_requirements=ResourceRequirement(1, 128),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        package = inputs["package"].content
        if isinstance(package, bytes):
            package = _memory.create([package])
        archive = Archive(package.fd)
        try:
            content = _memory.create(
                archive.contents(int(self.parameters["size"]))
            )
        finally:
            archive.close()
        return {"content": File("content", content)}


class UnpackerPlugin(DeclaredPlugin):
    """The program's own unpacker."""

    nodes = (UnpackNode,)
