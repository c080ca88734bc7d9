"""Imports a plugin's entry point and makes the plugin."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

from pipeline.plugin import BasePlugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import List, Type

    from pipeline.specification import PluginManifest


class LoadError(Exception):
    """There is no usable plugin in the entry point."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def load(directory: str, manifest: PluginManifest) -> BasePlugin:
    """Imports the entry point and makes the plugin that it defines.

    :param directory: the plugin's own, which `entry_point` is relative to
    :raises LoadError: when there is no plugin, or more than one
    :raises BaseException: whatever the plugin's code raises
    """
    directory = os.path.abspath(directory)
    path = _entry_path(directory, manifest.entry_point)
    module = _import(directory, path)
    return plugin_class(module)(manifest)


def plugin_class(module: ModuleType) -> Type[BasePlugin]:
    """The one subclass of BasePlugin that the module itself defines.

    Where one such class is derived from another, the derived one counts.

    :raises LoadError: when there is none, or more than one
    """
    found: List[Type[BasePlugin]] = []
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, BasePlugin)
            and value.__module__ == module.__name__
            and value not in found
        ):
            found.append(value)
    found = [
        one
        for one in found
        if not any(
            other is not one and issubclass(other, one) for other in found
        )
    ]
    if len(found) == 1:
        return found[0]
    where = os.path.basename(module.__file__ or module.__name__)
    if not found:
        raise LoadError(
            f"{where} defines no subclass of BasePlugin",
            "the entry point must define the class itself; one that it "
            "imports doesn't count",
        )
    names = ", ".join(sorted(one.__name__ for one in found))
    raise LoadError(
        f"{where} defines more than one plugin: {names}",
        "leave one of them in the entry point and move the others",
    )


def _entry_path(directory: str, entry_point: str) -> str:
    parts = [part for part in entry_point.split("/") if part not in ("", ".")]
    if entry_point.startswith("/") or ".." in parts or not parts:
        raise LoadError(
            f"the entry point {entry_point!r} leads out of the plugin",
            "give the file's path within the plugin's directory",
        )
    if not parts[-1].endswith(".py"):
        raise LoadError(
            f"the entry point {entry_point!r} isn't a Python file",
            "name a file that ends in .py",
        )
    path = os.path.join(directory, *parts)
    if not os.path.isfile(path):
        raise LoadError(
            f"the entry point {entry_point!r} doesn't exist",
            "check the manifest's entry_point",
        )
    return path


def _import(directory: str, path: str) -> ModuleType:
    """Imports the file, as part of a package where it lies in one."""
    folder, file = os.path.split(path)
    # As for a script, a plugin's own modules come first.
    for entry in (directory, folder):
        if entry in sys.path:
            sys.path.remove(entry)
        sys.path.insert(0, entry)
    names = [file[: -len(".py")]]
    while folder != directory and os.path.isfile(
        os.path.join(folder, "__init__.py")
    ):
        folder, package = os.path.split(folder)
        names.insert(0, package)
    if len(names) > 1 and names[0] not in sys.modules:
        from importlib import import_module

        return import_module(".".join(names))
    name = names[-1]
    if name in sys.modules:
        # For example a plugin called json.py.
        name = f"plugin_{name}"
    loader = SourceFileLoader(name, path)
    spec = ModuleSpec(name, loader, origin=path)
    spec.has_location = True
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
