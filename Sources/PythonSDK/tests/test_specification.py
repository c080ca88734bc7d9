"""The names and behaviours of the plugin system's specification.

`fixtures/template_plugin/template.txt` is its template plugin as published.
It has two bugs of its own: it uses classes that it doesn't import, and methods
that it doesn't define. The tests mend those two and nothing else.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import types
from pathlib import Path
from typing import Any, Dict
from unittest.mock import Mock

import pytest

import pipeline
from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    ExecutionContext,
    NodeSpecification,
    ParameterSpecification,
    PluginContext,
    PluginManifest,
    PortSpecification,
    ResourcePool,
    ResourceRequirement,
)
from supervisor import Launch, Supervisor, json_value

TEMPLATE = Path(__file__).parent / "fixtures" / "template_plugin"
IMPORTS = (
    "from pipeline.plugin import PortSpecification, "
    "ParameterSpecification, ResourceRequirement\n"
)
METHODS = """
def _process(self, data):
    return data
ExampleProcessorNode._standard_processing = _process
ExampleProcessorNode._advanced_processing = _process
ExampleProcessorNode._minimal_processing = _process
"""


def mended_template() -> str:
    return IMPORTS + (TEMPLATE / "template.txt").read_text() + METHODS


def template_module() -> Any:
    module = types.ModuleType("example_plugin")
    exec(mended_template(), module.__dict__)
    return module


class TestPluginFramework:
    """The specification's own tests, with its `ExamplePlugin`."""

    @pytest.fixture
    def plugin_context(self) -> PluginContext:
        return PluginContext(
            engine_version="1.0.0",
            available_resources=ResourcePool(
                available_cpu=8.0, available_memory=16384
            ),
            config={},
        )

    @pytest.fixture
    def test_plugin(self, plugin_context: PluginContext) -> Any:
        manifest = PluginManifest(
            name="test_plugin",
            version="1.0.0",
            author="Test",
            description="Test plugin",
            entry_point="test.py",
        )
        plugin = template_module().ExamplePlugin(manifest)
        plugin.initialize(plugin_context)
        return plugin

    def test_plugin_initialization(self, test_plugin: Any) -> None:
        assert test_plugin.initialized
        assert len(test_plugin.get_node_types()) > 0

    def test_node_creation(self, test_plugin: Any) -> None:
        node = test_plugin.create_node(
            "example_processor", {"mode": "standard"}
        )
        assert isinstance(node, BaseNode)

    def test_node_execution(self, test_plugin: Any) -> None:
        node = test_plugin.create_node(
            "example_processor", {"mode": "standard"}
        )
        inputs = {"input": "test_data"}
        context = Mock()
        outputs = node.execute(inputs, context)
        assert "output" in outputs

    def test_permission_validation(self, test_plugin: Any) -> None:
        assert test_plugin.validate_permissions(["filesystem.read"])
        assert not test_plugin.validate_permissions(["system.exec"])


def test_the_template_plugin_runs_in_a_worker(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "example_plugin.py").write_text(mended_template())
    supervisor.expect(1)
    supervisor.initialize(tmp_path, entry_point="./example_plugin.py")
    log = supervisor.expect(9).object
    assert log["message"] == "Initialized probe plugin"
    supervisor.expect(3)
    described, _ = supervisor.answer(
        supervisor.send_call({"operation": "describe"})
    )
    (node,) = described.values()[0]["node_types"]
    assert node["display_name"] == "Example Processor"
    assert node["icon"] is None
    assert node["parameters"][0]["constraints"]["enum"][0] == "standard"
    call = supervisor.send_execute(
        "example_processor", {"mode": "minimal"}, [json_value("input", [1])]
    )
    assert supervisor.outputs(call) == {"output": [1]}
    error = supervisor.error(supervisor.send_execute("example_processor"))
    assert error["class"] == "input"


def test_the_template_as_published_fails_with_its_own_bug(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    template = (TEMPLATE / "template.txt").read_text()
    (tmp_path / "plugin.py").write_text(template)
    supervisor.start_quietly(tmp_path)
    error = supervisor.error(supervisor.send_call({"operation": "describe"}))
    assert error["class"] == "load"
    assert error["type"] == "NameError"
    assert "PortSpecification" in error["message"]


def test_the_package_exports_what_authors_need() -> None:
    for name in pipeline.__all__:
        assert getattr(pipeline, name) is not None
    assert pipeline.BasePlugin is BasePlugin


def test_a_manifest_takes_every_key_of_the_sample() -> None:
    sample: Dict[str, Any] = {
        "name": "example_plugin",
        "version": "1.0.0",
        "author": "Your Name",
        "description": "Example plugin for demonstration",
        "license": "MIT",
        "dependencies": ["numpy>=1.20.0"],
        "node_types": ["example_processor", "example_transformer"],
        "permissions": ["filesystem.read", "network.http"],
        "entry_point": "./example_plugin.py",
        "min_engine_version": "1.0.0",
        "configuration": {"api_key": {"type": "string"}},
    }
    manifest = PluginManifest(**sample)
    assert manifest.max_engine_version is None
    assert json.loads(json.dumps(manifest.dict()))["configuration"]
    assert PluginManifest.from_mapping(sample) == manifest


def test_a_manifest_read_from_a_file_has_no_permission_it_did_not_ask() -> (
    None
):
    mapping = {"name": "p", "version": "1", "author": "a", "entry_point": "p"}
    assert PluginManifest.from_mapping(mapping).permissions == []
    assert (
        PluginManifest.from_mapping({**mapping, "permissions": None})
    ).permissions == []
    with pytest.raises(ValueError, match="'version'"):
        PluginManifest.from_mapping({"name": "p"})


def test_records_do_not_share_their_lists() -> None:
    one, two = (NodeSpecification("a", "A", "C", "d") for _ in range(2))
    one.inputs.append(PortSpecification("p", "any", "P", "p"))
    one.resource_requirements.cpu_cores = 4
    assert two.inputs == []
    assert two.resource_requirements == ResourceRequirement()


def test_records_behave_like_data_classes() -> None:
    node = NodeSpecification(
        "a", "A", "C", "d", inputs=[PortSpecification("p", "any", "P", "p")]
    )
    assert node == copy.deepcopy(node)
    assert node != NodeSpecification("b", "A", "C", "d")
    assert pickle.loads(pickle.dumps(node)) == node
    assert "node_type='a'" in repr(node)
    record: Any = node
    assert dataclasses.is_dataclass(record)
    assert dataclasses.asdict(record)["inputs"][0]["name"] == "p"
    changed = dataclasses.replace(record, icon="x")
    assert (changed.icon, node.icon) == ("x", None)
    names = [field.name for field in dataclasses.fields(record)]
    assert names[:2] == ["node_type", "display_name"]
    assert names[-1] == "resource_requirements"
    with pytest.raises(TypeError):
        hash(node)


class Node(BaseNode):
    def validate_inputs(self, inputs: Dict[str, Any]) -> bool:
        return True

    def execute(
        self, inputs: Dict[str, Any], context: ExecutionContext
    ) -> Dict[str, Any]:
        return {}

    def estimate_resources(
        self, inputs: Dict[str, Any]
    ) -> ResourceRequirement:
        return ResourceRequirement()


def test_a_node_is_made_with_or_without_its_id() -> None:
    both = Node("id", {"a": 1})
    alone = Node({"a": 1})
    assert (both.node_id, both.parameters) == ("id", {"a": 1})
    assert (alone.node_id, alone.parameters) == ("", {"a": 1})
    assert (Node().node_id, Node().parameters) == ("", {})
    assert Node("id").node_id == "id"
    assert Node(node_id="id", parameters={"a": 1}).parameters == {"a": 1}
    assert (both.inputs, both.outputs) == ({}, {})
    with pytest.raises(TypeError, match="the node id is text, not int"):
        Node(3, {})  # type: ignore[arg-type]


def test_on_error_offers_nothing_by_default() -> None:
    assert Node({}).on_error(ValueError(), Mock()) is None


def test_a_cache_key_depends_on_content_and_nothing_else() -> None:
    key = Node({"a": 1, "b": 2}).cache_key({"x": [1], "y": b"1"})
    assert len(key) == 64
    same = Node("id", {"b": 2, "a": 1})
    assert key == same.cache_key({"y": b"1", "x": (1,)})
    others = [
        Node({"a": 1, "b": 3}).cache_key({"x": [1], "y": b"1"}),
        Node({"a": 1, "b": 2}).cache_key({"x": ["1"], "y": b"1"}),
        Node({"a": 1, "b": 2}).cache_key({"x": [1], "y": "1"}),
        Node({"a": 1, "b": 2}).cache_key({"x": b"1", "y": [1]}),
        Node({"a": 1, "b": 2}).cache_key(
            {"x": [1], "y": pipeline.File("1", b"1")}
        ),
    ]
    assert key not in others and len(set(others)) == len(others)


def test_a_cache_key_changes_with_the_code(tmp_path: Path) -> None:
    from pipeline._digest import code_digest

    module = types.ModuleType("changing")
    path = tmp_path / "changing.py"
    module.__file__ = str(path)
    import sys

    sys.modules["changing"] = module
    try:
        node = type("N", (Node,), {"__module__": "changing"})
        path.write_text("1")
        first = code_digest(node)
        path.write_text("2")
        assert code_digest(node) != first != ""
    finally:
        del sys.modules["changing"]


def test_a_cache_key_refuses_what_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="object can't be carried"):
        Node({}).cache_key({"x": object()})


@pytest.mark.parametrize(
    ("granted", "required", "enough"),
    [
        ("filesystem.read", "filesystem.read", True),
        ("filesystem.read", "filesystem.write", False),
        ("filesystem.read", "filesystem.read:/srv", False),
        ("filesystem.read:/srv", "filesystem.read", False),
        ("filesystem.read:/srv", "filesystem.read:/srv/a/b", True),
        ("filesystem.read:/srv/", "filesystem.read:/srv", True),
        ("filesystem.read:/srv", "filesystem.read:/srv2", False),
        ("filesystem.read:/srv", "filesystem.read:/srv/../etc", False),
        ("filesystem.read:/", "filesystem.read:/etc", True),
        ("network.http", "network.http:example.org", True),
        ("network.http:a,b", "network.http:b", True),
        ("network.http:a,b", "network.http:b,c", False),
        ("network.http:a", "network.http", False),
        ("gpu.access:2", "gpu.access:1", True),
        ("gpu.access:1", "gpu.access:2", False),
        ("gpu.access", "gpu.access:1", True),
        ("memory.unlimited", "memory.unlimited", True),
        ("memory.unlimited", "system.exec", False),
    ],
)
def test_a_grant_covers_the_same_and_narrower_scopes(
    granted: str, required: str, enough: bool
) -> None:
    plugin = template_module().ExamplePlugin(
        PluginManifest("p", "1", "a", permissions=[granted])
    )
    assert plugin.validate_permissions([required]) is enough
    plugin.granted_permissions = []
    assert plugin.validate_permissions([required]) is False


def test_the_logger_carries_the_name_of_the_plugin() -> None:
    plugin = template_module().ExamplePlugin(PluginManifest("p", "1", "a"))
    assert plugin.logger.name == "plugin.p"
    assert plugin.get_logger() is plugin.logger
    plugin.logger = mine = Mock()
    assert plugin.logger is mine


def test_an_abstract_plugin_can_not_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BasePlugin(PluginManifest("p", "1", "a"))  # type: ignore[abstract]


def test_a_context_without_an_engine_is_harmless() -> None:
    context = ExecutionContext()
    context.progress(0.5, "half")
    context.log("text")
    context.raise_if_cancelled()
    assert not context.cancelled
    assert context.workspace is None and context.remaining() is None
    with pytest.raises(ValueError, match="level"):
        context.log("text", "loud")
    with pytest.raises(ValueError, match="NaN"):
        context.progress(float("nan"))


# What `describe` refuses.


@pytest.mark.parametrize(
    ("types_", "words"),
    [
        ("None", "returned NoneType, not a list"),
        ("[1]", "[0]: is int, not NodeSpecification"),
        ("[N('a b', 'A', 'C', 'd')]", "node type 'a b': node_type must be"),
        ("[N('a', 'A', 'C', 'd')] * 2", "the node type 'a' appears twice"),
        ("[N('a', 1, 'C', 'd')]", "display_name is int, not text"),
        ("[N('a', 'A', 'C', 'd', color='red')]", "'red' isn't #rgb"),
        (
            "[N('a', 'A', 'C', 'd', inputs=[P('p', 'any', 'P', 'p')] * 2)]",
            "the input 'p' appears twice",
        ),
        (
            "[N('a', 'A', 'C', 'd', inputs=[3])]",
            "input: 3 isn't a PortSpecification",
        ),
        (
            "[N('a', 'A', 'C', 'd', parameters="
            "[Q('q', 'string', 'Q', 'q', 'x', {'enum': ['y']}, 'menu')])]",
            "ui_component 'menu' is none of",
        ),
        (
            "[N('a', 'A', 'C', 'd', parameters="
            "[Q('q', 'string', 'Q', 'q', 'x', {'enum': ['y']}, 'menu')])]",
            "the default 'x' is not among",
        ),
        (
            "[N('a', 'A', 'C', 'd', parameters="
            "[Q('q', 'str', 'Q', 'q', object())])]",
            "default isn't a plain value",
        ),
        (
            "[N('a', 'A', 'C', 'd', parameters="
            "[Q('q', 'string', 'Q', 'q', 'x', {'pattern': '('})])]",
            "'pattern' isn't a regular expression",
        ),
        (
            "[N('a', 'A', 'C', 'd', parameters="
            "[Q('q', 'string', 'Q', 'q', 'x', {'pattern': 3})])]",
            "'pattern' is int, not text",
        ),
        (
            "[N('a', 'A', 'C', 'd', resource_requirements=R(memory_mb=-1))]",
            "memory_mb must be a whole number from 0, not -1",
        ),
        ("1 / 0", "division by zero"),
    ],
)
def test_describe_names_every_problem_of_a_specification(
    launch: Launch, types_: str, words: str
) -> None:
    worker = launch(
        "return {}",
        f"""
        from pipeline import (
            NodeSpecification as N, PortSpecification as P,
            ParameterSpecification as Q, ResourceRequirement as R,
        )
        Probe.get_node_types = lambda self: {types_}
        """,
    )
    error = worker.error(worker.send_call({"operation": "describe"}))
    assert error["class"] == "load"
    assert words in error["message"]
