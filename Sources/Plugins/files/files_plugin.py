"""Files in and out of a pipeline."""

from __future__ import annotations

import fnmatch
import os
import stat
from typing import Any, Dict, Iterator, List, Tuple

from pipeline import (
    DeclaredNode,
    DeclaredPlugin,
    ExecutionContext,
    File,
    NodeSpecification,
    ParameterSpecification,
    PortSpecification,
    ResourceRequirement,
)

COLOR = "#4c7a34"
ENCODING = ParameterSpecification(
    "encoding",
    "string",
    "Encoding",
    "How the bytes of a text are read or written",
    "utf-8",
)


class FilesError(Exception):
    """A path that can't be used.

    :ivar hint: how to mend it
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class ReadNode(DeclaredNode):
    """Reads one file."""

    specification = NodeSpecification(
        node_type="read",
        display_name="Read File",
        category="Files",
        description="Reads a file of the workspace, or one under a "
        "directory that was granted",
        icon="📄",
        color=COLOR,
        outputs=[
            PortSpecification(
                "content", "any", "Content", "Text, bytes or the file"
            ),
            PortSpecification("size", "integer", "Size", "In bytes"),
        ],
        parameters=[
            ParameterSpecification(
                "path",
                "string",
                "Path",
                "Relative to the workspace, or absolute",
                "",
            ),
            ParameterSpecification(
                "as",
                "string",
                "Read As",
                "Text, raw bytes, or a file with its name",
                "text",
                {"enum": ["text", "bytes", "file"]},
                "select",
            ),
            ENCODING,
        ],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        path = readable(_text(self.parameters, "path"), context)
        form = self.parameters["as"]
        file = _read(path)
        content: Any = file
        if form == "text":
            content = _decode(file, path, self.parameters)
        elif form == "bytes":
            content = file.read_bytes()
        return {"content": content, "size": file.size}


class ReadManyNode(DeclaredNode):
    """Reads the texts of many files."""

    specification = NodeSpecification(
        node_type="read_many",
        display_name="Read Texts",
        category="Files",
        description="Reads many text files into one list of documents",
        icon="📚",
        color=COLOR,
        inputs=[
            PortSpecification(
                "paths",
                "list",
                "Paths",
                "Relative to the workspace, or absolute",
            )
        ],
        outputs=[
            PortSpecification(
                "documents",
                "list",
                "Documents",
                "A mapping of name and text for each file, in the order "
                "of the paths",
            )
        ],
        parameters=[ENCODING],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        paths = inputs.get("paths")
        return isinstance(paths, list) and all(
            isinstance(path, str) for path in paths
        )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        paths: List[str] = inputs["paths"]
        names = [os.path.basename(path) for path in paths]
        documents = []
        for done, given in enumerate(paths):
            context.raise_if_cancelled()
            context.progress(done / len(paths), given)
            path = readable(given, context)
            name = names[done] if names.count(names[done]) == 1 else given
            text = _decode(_read(path), path, self.parameters)
            documents.append({"name": name, "text": text})
        context.progress(1, f"{len(paths)} files")
        return {"documents": documents}


class ListNode(DeclaredNode):
    """Finds files by a pattern."""

    specification = NodeSpecification(
        node_type="list",
        display_name="List Files",
        category="Files",
        description="Finds the regular files of a directory, sorted by "
        "name",
        icon="🗂️",
        color=COLOR,
        outputs=[
            PortSpecification(
                "names", "list", "Names", "Relative to the directory"
            ),
            PortSpecification(
                "paths", "list", "Paths", "As other nodes can read them"
            ),
            PortSpecification("count", "integer", "Count", "How many"),
        ],
        parameters=[
            ParameterSpecification(
                "directory",
                "string",
                "Directory",
                "Relative to the workspace, or absolute",
                ".",
            ),
            ParameterSpecification(
                "pattern",
                "string",
                "Pattern",
                "Shell wildcards for the file's name, such as *.csv",
                "*",
            ),
            ParameterSpecification(
                "recursive",
                "boolean",
                "Recursive",
                "Whether to look into directories within",
                False,
                ui_component="checkbox",
            ),
            ParameterSpecification(
                "links",
                "string",
                "Symbolic Links",
                "Skip them, or take what they lead to",
                "skip",
                {"enum": ["skip", "follow"]},
                "select",
            ),
        ],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        given = _text(self.parameters, "directory")
        directory = readable(given, context)
        if not os.path.isdir(directory):
            raise _unreachable(given, "there is no such directory")
        pattern = _text(self.parameters, "pattern")
        follow = self.parameters["links"] == "follow"
        found = sorted(
            name
            for name in self._names(directory, context)
            if fnmatch.fnmatchcase(os.path.basename(name), pattern)
            and _is_file(os.path.join(directory, name), follow)
        )
        prefix = "" if given in ("", ".") else given
        paths = [os.path.join(prefix, name) for name in found]
        return {"names": found, "paths": paths, "count": len(found)}

    def _names(
        self, directory: str, context: ExecutionContext
    ) -> Iterator[str]:
        if not self.parameters["recursive"]:
            yield from os.listdir(directory)
            return
        for folder, _, names in os.walk(directory):
            context.raise_if_cancelled()
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), directory)


class WriteNode(DeclaredNode):
    """Writes one file into the workspace."""

    specification = NodeSpecification(
        node_type="write",
        display_name="Write File",
        category="Files",
        description="Writes text, bytes or a file into the workspace",
        icon="💾",
        color=COLOR,
        inputs=[
            PortSpecification(
                "content", "any", "Content", "Text, bytes or a file"
            )
        ],
        outputs=[
            PortSpecification(
                "path", "string", "Path", "Relative to the workspace"
            ),
            PortSpecification("size", "integer", "Size", "In bytes"),
        ],
        parameters=[
            ParameterSpecification(
                "path",
                "string",
                "Path",
                "Relative to the workspace; directories are made",
                "",
            ),
            ParameterSpecification(
                "overwrite",
                "boolean",
                "Overwrite",
                "Whether to replace a file that is there",
                True,
                ui_component="checkbox",
            ),
            ENCODING,
        ],
        resource_requirements=ResourceRequirement(0.25, 64),
    )

    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        return isinstance(inputs.get("content"), (str, bytes, File))

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        content = inputs["content"]
        if isinstance(content, str):
            encoding = _text(self.parameters, "encoding")
            content = content.encode(encoding)
        view = content.view() if isinstance(content, File) else content
        given = _text(self.parameters, "path")
        if not given and isinstance(content, File):
            given = content.name
        folders, name = _inside(given)
        if context.workspace is None:
            raise _no_workspace("filesystem.write")
        directory = os.open(context.workspace, os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                directory = _descend(directory, folder, given)
            _replace(
                directory,
                name,
                view,
                bool(self.parameters["overwrite"]),
            )
        finally:
            os.close(directory)
        return {"path": "/".join([*folders, name]), "size": len(view)}


class FilesPlugin(DeclaredPlugin):
    """The plugin `files`."""

    nodes = (
        ReadNode,
        ReadManyNode,
        ListNode,
        WriteNode,
    )


def readable(given: str, context: ExecutionContext) -> str:
    """Where a path of a parameter lies.

    What may be read is decided by the sandbox; this only gives the words.

    :raises FilesError: when it climbs out of the workspace, or there is none
    """
    if "\0" in given:
        raise FilesError("a path holds a NUL", "remove it")
    if given.startswith("/"):
        return given
    if ".." in given.split("/"):
        raise FilesError(
            f"the path '{given}' climbs out of the workspace",
            "give an absolute path, and grant filesystem.read for it",
        )
    if context.workspace is None:
        raise _no_workspace("filesystem.read")
    return os.path.join(context.workspace, given)


def _inside(given: str) -> Tuple[List[str], str]:
    """The directories and the name of a path below the workspace."""
    parts = [part for part in given.split("/") if part not in ("", ".")]
    if given.startswith("/") or ".." in parts or not parts or "\0" in given:
        raise FilesError(
            f"'{given}' isn't a path within the workspace",
            "write to a relative path without '..'",
        )
    return parts[:-1], parts[-1]


def _descend(directory: int, folder: str, given: str) -> int:
    """Opens a directory within another, which it closes.

    A symbolic link could lead out of the workspace, so none is followed.
    """
    try:
        os.mkdir(folder, dir_fd=directory)
    except FileExistsError:
        pass
    try:
        below = os.open(
            folder,
            os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
            dir_fd=directory,
        )
    except NotADirectoryError:
        raise FilesError(
            f"'{folder}' in '{given}' isn't a directory",
            "choose another path; symbolic links aren't followed",
        ) from None
    os.close(directory)
    return below


def _replace(directory: int, name: str, content: Any, over: bool) -> None:
    """Writes a file so that nobody ever sees half of it."""
    temporary = f".{name[:200]}.{os.getpid()}.partial"
    fd = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC,
        0o644,
        dir_fd=directory,
    )
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        if over:
            os.replace(
                temporary, name, src_dir_fd=directory, dst_dir_fd=directory
            )
            return
        try:
            os.link(
                temporary, name, src_dir_fd=directory, dst_dir_fd=directory
            )
        except FileExistsError:
            raise FilesError(
                f"there is a file '{name}' already",
                "set overwrite, or choose another path",
            ) from None
        os.unlink(temporary, dir_fd=directory)
    except BaseException:
        os.unlink(temporary, dir_fd=directory)
        raise


def _read(path: str) -> File:
    try:
        return File.from_path(path)
    except IsADirectoryError:
        raise FilesError(
            f"'{path}' is a directory", "use files/list to read its names"
        ) from None
    except (FileNotFoundError, PermissionError) as error:
        raise _unreachable(path, str(error.strerror).lower()) from None


def _decode(file: File, path: str, parameters: Dict[str, Any]) -> str:
    encoding = _text(parameters, "encoding")
    try:
        return file.read_text(encoding)
    except UnicodeDecodeError as error:
        raise FilesError(
            f"'{path}' isn't {encoding} text (byte {error.start})",
            "set the encoding, or read it as bytes",
        ) from None
    except LookupError:
        raise FilesError(
            f"there is no encoding '{encoding}'", "for example utf-8, latin-1"
        ) from None


def _is_file(path: str, follow: bool) -> bool:
    try:
        mode = os.stat(path, follow_symlinks=follow).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode)


def _text(parameters: Dict[str, Any], name: str) -> str:
    value = parameters[name]
    if not isinstance(value, str):
        raise FilesError(
            f"the parameter '{name}' is {type(value).__name__}, not text",
            "put it into quotes",
        )
    return value


def _unreachable(path: str, why: str) -> FilesError:
    hint = "check the path; it is relative to the run's workspace"
    if path.startswith("/"):
        hint = (
            "if it exists, the sandbox hides it: run with "
            f"--grant 'files=filesystem.read:{path}', or grant a directory "
            "above it"
        )
    return FilesError(f"can't read '{path}': {why}", hint)


def _no_workspace(permission: str) -> FilesError:
    return FilesError(
        "the plugin has no workspace", f"run with --grant 'files={permission}'"
    )
