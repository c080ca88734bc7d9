"""Sends what plugins log to the engine.

`logging` takes longer to import than a worker takes to start. So nothing is
imported here until somebody else imports it; then the handler is installed.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable, Optional

    # level, logger, message
    Sink = Callable[[str, str, str], None]


def install(sink: Sink) -> None:
    """Passes log records of INFO and above, and the plugins' own from DEBUG.

    Takes effect as soon as `logging` has been imported, by whomever.
    """
    logging = sys.modules.get("logging")
    if logging is None:
        sys.meta_path.insert(0, _Finder(sink))
    else:
        _configure(logging, sink)


class _Finder:
    """Waits for the import of `logging`, once."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def find_spec(
        self, name: str, path: Any, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _configure(module, self._sink)

            setattr(spec.loader, "exec_module", exec_module)
        return spec


def _configure(logging: Any, sink: Sink) -> None:
    formatter = logging.Formatter("%(message)s")

    class Handler(logging.Handler):  # type: ignore[misc]
        """Turns records into log frames."""

        def emit(self, record: Any) -> None:
            try:
                sink(
                    _level(record.levelno),
                    record.name,
                    formatter.format(record),
                )
            except Exception:
                self.handleError(record)

    root = logging.getLogger()
    root.addHandler(Handler())
    root.setLevel(logging.INFO)
    logging.getLogger("plugin").setLevel(logging.DEBUG)


def _level(number: int) -> str:
    """The protocol's name for a level of `logging`."""
    if number >= 40:
        return "error"
    if number >= 30:
        return "warning"
    return "info" if number >= 20 else "debug"
