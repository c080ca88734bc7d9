"""Fixtures for the tests of a plugin: a plugin of pytest.

    orchestrator plugin test DIRECTORY [--sandboxed] [-- PYTEST ARGUMENTS]

starts pytest with it. By hand: `python3 -m pytest -p pipeline.testing`, which
reads `plugin.yaml` with PyYAML, where that is installed.

    def test_greets(run_node: NodeRunner) -> None:
        outputs = run_node("greet", {"names": ["Ada"]}, {"mark": "."})
        assert outputs == {"text": "Hello, Ada."}

The fixtures are `plugin_manifest`, `plugin_context`, `test_plugin` (the
plugin, initialised), `execution_context` and `run_node`. A test class may
define its own under the same names.

With `--sandboxed`, `execute` of the nodes of `test_plugin`, and so `run_node`,
runs in the plugin's real sandbox. Everything else, the tests themselves too,
runs in pytest's process, with the rights of whoever started it.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, Mapping, Optional

import pytest

from pipeline import _loader
from pipeline._node_checks import (
    InputsRefused,
    NodeCheckFailed,
    checked_inputs,
    checked_outputs,
    checked_parameters,
    specification_of,
)
from pipeline._test_context import FakeExecutionContext, empty_directory
from pipeline._test_sandbox import NodeFailed, Sandbox
from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    Cancelled,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    PortSpecification,
    ResourcePool,
    ResourceRequirement,
)

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "BaseNode",
    "BasePlugin",
    "Cancelled",
    "ExecutionContext",
    "FakeExecutionContext",
    "InputsRefused",
    "NodeCheckFailed",
    "NodeFailed",
    "NodeRunner",
    "NodeSpecification",
    "ParameterSpecification",
    "PluginContext",
    "PluginManifest",
    "PortSpecification",
    "ResourcePool",
    "ResourceRequirement",
]

# What `orchestrator plugin test` tells: an object with `directory`,
# `manifest`, `engine_version` and, with --sandboxed, `socket` (a descriptor)
# and `workspace`.
VARIABLE = "PIPELINE_TEST_PLUGIN"


class _Told:
    """The plugin that is tested, and where its nodes run."""

    def __init__(self, config: pytest.Config) -> None:
        text = os.environ.get(VARIABLE)
        told: Dict[str, Any] = {} if text is None else json.loads(text)
        self.directory: str = told.get("directory") or str(config.rootpath)
        self.engine_version: str = told.get("engine_version") or "1.0.0"
        self.workspace: Optional[str] = told.get("workspace")
        self._manifest: Optional[Dict[str, Any]] = told.get("manifest")
        self.sandbox: Optional[Sandbox] = None
        socket = told.get("socket")
        # The processes of pytest-xdist haven't got it.
        if isinstance(socket, int) and not hasattr(config, "workerinput"):
            self.sandbox = Sandbox(socket)

    def manifest(self) -> PluginManifest:
        """What plugin.yaml says."""
        mapping = self._manifest
        if mapping is None:
            mapping = _yaml(Path(self.directory) / "plugin.yaml")
        try:
            return PluginManifest.from_mapping(mapping)
        except ValueError as error:
            pytest.fail(f"plugin.yaml: {error}", pytrace=False)


_TOLD = pytest.StashKey[_Told]()


def pytest_configure(config: pytest.Config) -> None:
    """Lets tests import the plugin's modules, as a worker does."""
    told = _Told(config)
    config.stash[_TOLD] = told
    if told.directory not in sys.path:
        sys.path.insert(0, told.directory)


def pytest_report_header(config: pytest.Config) -> Optional[str]:
    """Says where nodes run."""
    if config.stash[_TOLD].sandbox is None:
        return None
    return "pipeline: execute runs in the plugin's sandbox"


@pytest.fixture
def plugin_manifest(pytestconfig: pytest.Config) -> PluginManifest:
    """What the plugin's plugin.yaml says."""
    return pytestconfig.stash[_TOLD].manifest()


@pytest.fixture
def plugin_context(
    pytestconfig: pytest.Config, plugin_manifest: PluginManifest
) -> PluginContext:
    """A context with the defaults of the manifest's `configuration`."""
    config = {
        name: copy.deepcopy(key["default"])
        for name, key in plugin_manifest.configuration.items()
        if isinstance(key, Mapping) and "default" in key
    }
    return PluginContext(
        engine_version=pytestconfig.stash[_TOLD].engine_version,
        available_resources=ResourcePool(
            available_cpu=8.0, available_memory=16384
        ),
        config=config,
    )


@pytest.fixture(name="test_plugin")
def _plugin(
    pytestconfig: pytest.Config,
    plugin_manifest: PluginManifest,
    plugin_context: PluginContext,
) -> Iterator[BasePlugin]:
    """The plugin, initialised, and shut down after the test."""
    told = pytestconfig.stash[_TOLD]
    plugin = _load(told.directory, plugin_manifest)
    plugin.initialize(plugin_context)
    if told.sandbox is not None:
        _run_in(told.sandbox, plugin, plugin_context)
    yield plugin
    plugin.shutdown()


@pytest.fixture
def execution_context(
    pytestconfig: pytest.Config, tmp_path: Path
) -> FakeExecutionContext:
    """A context that records what a node says, with directories of its own.

    With --sandboxed all tests have one workspace, emptied for each.
    """
    workspace = pytestconfig.stash[_TOLD].workspace
    if workspace is None:
        workspace = str(tmp_path / "workspace")
        os.mkdir(workspace)
    else:
        empty_directory(workspace)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return FakeExecutionContext(workspace=workspace, scratch=str(scratch))


class NodeRunner:
    """Runs a node as the engine does, its checks included."""

    def __init__(
        self, plugin: BasePlugin, context: FakeExecutionContext
    ) -> None:
        self.plugin = plugin
        self.context = context

    def __call__(
        self,
        node_type: str,
        inputs: Optional[Mapping[str, Any]] = None,
        parameters: Optional[Mapping[str, Any]] = None,
        context: Optional[ExecutionContext] = None,
    ) -> Dict[str, Any]:
        """Makes the node, validates its inputs, executes it and checks what
        it returns against its specification.

        :param inputs: by port; the defaults of optional ports are added
        :param parameters: those of `with:`; the defaults are added
        :param context: in place of the fixture `execution_context`
        :returns: the outputs, as the next node would get them
        :raises NodeCheckFailed: where the engine would refuse the parameters,
            the inputs or the outputs
        :raises InputsRefused: where `validate_inputs` does
        :raises Exception: what `execute` raises and `on_error` doesn't mend;
            of a sandbox a built-in exception, or NodeFailed
        """
        specification = specification_of(self.plugin, node_type)
        context = self.context if context is None else context
        settled = checked_parameters(specification, parameters or {})
        given = checked_inputs(specification, inputs or {})
        node = self.plugin.create_node(node_type, settled)
        if not isinstance(node, BaseNode):
            raise NodeCheckFailed(
                f"create_node({node_type!r}, …) returned "
                f"{type(node).__name__}, not a BaseNode"
            )
        node.node_id = node.node_id or context.node_id
        node.inputs = given
        _validate(node, given)
        try:
            outputs = node.execute(given, context)
        except Exception as error:
            # A sandboxed node was asked in there.
            if isinstance(node.execute, _SandboxedExecute):
                raise
            fallback = node.on_error(error, context)
            if fallback is None:
                raise
            outputs = fallback
        node.outputs = checked_outputs(specification, outputs)
        return node.outputs


@pytest.fixture
def run_node(
    test_plugin: BasePlugin, execution_context: FakeExecutionContext
) -> NodeRunner:
    """Runs nodes of the plugin as the engine does."""
    return NodeRunner(test_plugin, execution_context)


def _validate(node: BaseNode, inputs: Dict[str, Any]) -> None:
    try:
        accepted = node.validate_inputs(inputs)
    except Exception as error:
        raise InputsRefused(str(error)) from error
    if not accepted:
        raise InputsRefused(
            f"{type(node).__name__}.validate_inputs refused the inputs"
        )


class _SandboxedExecute:
    """Stands in for `execute` of one node."""

    def __init__(
        self,
        sandbox: Sandbox,
        node_type: str,
        node: BaseNode,
        specification: NodeSpecification,
        config: Mapping[str, Any],
    ) -> None:
        self._sandbox = sandbox
        self._node_type = node_type
        self._node = node
        self._specification = specification
        self._config = config

    def __call__(self, inputs: Mapping[str, Any], context: Any) -> Any:
        return self._sandbox.execute(
            self._node_type,
            self._node,
            self._specification,
            inputs,
            context,
            self._config,
        )


def _run_in(
    sandbox: Sandbox, plugin: BasePlugin, context: PluginContext
) -> None:
    """Has `execute` of the plugin's nodes run in its sandbox."""
    make = plugin.create_node

    def create_node(node_type: str, parameters: Dict[str, Any]) -> BaseNode:
        node = make(node_type, parameters)
        execute = _SandboxedExecute(
            sandbox,
            node_type,
            node,
            specification_of(plugin, node_type),
            context.config,
        )
        setattr(node, "execute", execute)
        return node

    setattr(plugin, "create_node", create_node)


def _load(directory: str, manifest: PluginManifest) -> BasePlugin:
    """Makes the plugin, of the module that a test has imported if one has:
    its classes are then the same."""
    path = os.path.realpath(os.path.join(directory, manifest.entry_point))
    module = _imported(path)
    try:
        if module is not None:
            return _loader.plugin_class(module)(manifest)
        return _loader.load(directory, manifest)
    except _loader.LoadError as error:
        pytest.fail(f"{error}\nhint: {error.hint}", pytrace=False)


def _imported(path: str) -> Optional[ModuleType]:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.realpath(file) == path:
            return module
    return None


def _yaml(path: Path) -> Dict[str, Any]:
    try:
        import yaml  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        pytest.fail(
            "plugin.yaml can't be read without PyYAML\n"
            f"hint: orchestrator plugin test {path.parent}",
            pytrace=False,
        )
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        pytest.fail(f"plugin.yaml can't be read: {error}", pytrace=False)
    if not isinstance(told, dict):
        pytest.fail("plugin.yaml isn't a mapping", pytrace=False)
    return told
