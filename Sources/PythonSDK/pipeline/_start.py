"""What the supervisor's initialize frame asks for, and carrying it out."""

from __future__ import annotations

from pipeline import _failures
from pipeline._failures import Failure
from pipeline._frames import PROTOCOL, ProtocolError
from pipeline._loader import LoadError, load
from pipeline.specification import (
    PluginContext,
    PluginManifest,
    ResourcePool,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Type, TypeVar

    from pipeline.plugin import BasePlugin

    Kind = TypeVar("Kind")


class Start:
    """The checked content of an initialize frame."""

    def __init__(self, fields: Dict[str, Any]) -> None:
        """
        :raises ProtocolError: when a field is missing or of another type
        """
        if fields.get("protocol") != PROTOCOL:
            raise ProtocolError(
                f"version {fields.get('protocol')!r:.20} was asked for; this "
                f"worker speaks version {PROTOCOL}"
            )
        self.engine_version = _field(fields, "engine_version", str)
        self.plugin_directory = _field(fields, "plugin_directory", str)
        self.manifest: Dict[str, Any] = _field(fields, "manifest", dict)
        self.config: Dict[str, Any] = _field(fields, "config", dict)
        self.permissions: List[str] = _field(fields, "permissions", list)
        if not all(isinstance(name, str) for name in self.permissions):
            raise ProtocolError("initialize: a permission isn't text")
        self.scratch = _field(fields, "scratch", str)
        self.debug = fields.get("debug") is True
        self.environment: Optional[str] = None
        if fields.get("environment") is not None:
            self.environment = _field(fields, "environment", str)
        self.workspace: Optional[str] = None
        if fields.get("workspace") is not None:
            self.workspace = _field(fields, "workspace", str)
        resources: Dict[str, Any] = _field(fields, "available_resources", dict)
        self.resources = ResourcePool(
            available_cpu=_amount(resources, "available_cpu"),
            available_memory=_amount(resources, "available_memory"),
            available_gpus=int(_amount(resources, "available_gpus")),
        )

    def plugin(self) -> BasePlugin:
        """Loads the plugin and initialises it.

        :raises Failure: of class `load` or `initialize`
        """
        _failures.show_framework(self.debug)
        try:
            manifest = PluginManifest.from_mapping(self.manifest)
            if self.environment is not None:
                from pipeline._environment import use_environment

                use_environment(self.environment)
            plugin = load(self.plugin_directory, manifest)
        except LoadError as error:
            raise Failure(
                _failures.LOAD, str(error), hint=error.hint
            ) from None
        except BaseException as error:
            raise Failure.of(_failures.LOAD, error) from None
        plugin.granted_permissions = self.permissions
        context = PluginContext(
            self.engine_version, self.resources, self.config
        )
        try:
            plugin.initialize(context)
        except BaseException as error:
            raise Failure.of(_failures.INITIALIZE, error) from None
        return plugin


def _field(fields: Dict[str, Any], name: str, kind: Type[Kind]) -> Kind:
    value = fields.get(name)
    if not isinstance(value, kind):
        raise ProtocolError(f"initialize: '{name}' is missing or mistyped")
    return value


def _amount(fields: Dict[str, Any], name: str) -> float:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProtocolError(f"initialize: '{name}' isn't a number")
    return float(value)
