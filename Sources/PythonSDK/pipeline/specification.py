"""What a plugin says about itself: its manifest and its node types."""

from __future__ import annotations

from pipeline._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional

# The grant of `security.default_permissions` when nothing else is configured.
DEFAULT_PERMISSIONS = ("filesystem.read",)


class ResourceRequirement(Record):
    """What a node needs in order to run; zero means "none asked for"."""

    def __init__(
        self,
        cpu_cores: float = 0.0,
        memory_mb: int = 0,
        gpu_count: int = 0,
        gpu_memory_mb: int = 0,
    ) -> None:
        """
        :param cpu_cores: logical processors; 0.5 is half of one
        :param memory_mb: mebibytes of memory
        :param gpu_count: whole GPUs
        :param gpu_memory_mb: mebibytes of memory on each GPU
        """
        self.cpu_cores = cpu_cores
        self.memory_mb = memory_mb
        self.gpu_count = gpu_count
        self.gpu_memory_mb = gpu_memory_mb


class PortSpecification(Record):
    """An input or an output of a node type."""

    def __init__(
        self,
        name: str,
        type: str,
        display_name: str,
        description: str,
        required: bool = True,
        default: Any = None,
        multiple: bool = False,
    ) -> None:
        """
        :param type: `any`, `string`, `number`, `integer`, `boolean`, `mapping`,
            `list<TYPE>`, `bytes`, `file`, `ndarray`, `table`, `image`, or a word
            of the plugin's
        :param default: used when an optional input isn't connected
        :param multiple: the input takes a list of connections and arrives as a
            list, in the order in which the workflow names them; an output is
            returned as a list, each item a value of its own, such as a `File`
        """
        self.name = name
        self.type = type
        self.display_name = display_name
        self.description = description
        self.required = required
        self.default = default
        self.multiple = multiple


class ParameterSpecification(Record):
    """A parameter of a node type, and how the editor shows it."""

    def __init__(
        self,
        name: str,
        type: str,
        display_name: str,
        description: str,
        default: Any,
        constraints: Optional[Dict[str, Any]] = None,
        ui_component: str = "input",
    ) -> None:
        """
        :param type: `string`, `number`, `integer`, `boolean`, `list`,
            `mapping` or `any`
        :param constraints: `enum`, `min`, `max`, checked before a run
            starts, and `pattern`, a regular expression (`re`) that text must
            hold a match of, checked in the worker before each call; anchor it
            with `^` and `$` for the whole text
        :param ui_component: `input`, `select`, `slider` or `checkbox`
        """
        self.name = name
        self.type = type
        self.display_name = display_name
        self.description = description
        self.default = default
        self.constraints = constraints
        self.ui_component = ui_component


class NodeSpecification(Record):
    """A node type, as the editor and the engine know it."""

    def __init__(
        self,
        node_type: str,
        display_name: str,
        category: str,
        description: str,
        icon: Optional[str] = None,
        color: Optional[str] = None,
        inputs: Optional[Iterable[PortSpecification]] = None,
        outputs: Optional[Iterable[PortSpecification]] = None,
        parameters: Optional[Iterable[ParameterSpecification]] = None,
        resource_requirements: Optional[ResourceRequirement] = None,
    ) -> None:
        """
        :param node_type: the name that workflows use, `[A-Za-z_][\\w-]*`
        :param color: `#rgb` or `#rrggbb`
        """
        self.node_type = node_type
        self.display_name = display_name
        self.category = category
        self.description = description
        self.icon = icon
        self.color = color
        self.inputs: List[PortSpecification] = list(inputs or ())
        self.outputs: List[PortSpecification] = list(outputs or ())
        self.parameters: List[ParameterSpecification] = list(parameters or ())
        self.resource_requirements = (
            ResourceRequirement()
            if resource_requirements is None
            else resource_requirements
        )


class PluginManifest(Record):
    """What `plugin.yaml` says."""

    def __init__(
        self,
        name: str,
        version: str,
        author: str,
        description: str = "",
        license: str = "",
        dependencies: Optional[Iterable[str]] = None,
        node_types: Optional[Iterable[str]] = None,
        permissions: Optional[Iterable[str]] = None,
        entry_point: str = "plugin.py",
        min_engine_version: Optional[str] = None,
        max_engine_version: Optional[str] = None,
        configuration: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """
        :param permissions: those the plugin asks for; left out, the ones that
            every plugin is given by default (`filesystem.read`)
        :param entry_point: the Python file, relative to the plugin's directory
        :param configuration: the keys that `PluginContext.config` may hold
        """
        self.name = name
        self.version = version
        self.author = author
        self.description = description
        self.license = license
        self.dependencies: List[str] = list(dependencies or ())
        self.node_types: List[str] = list(node_types or ())
        self.permissions: List[str] = list(
            DEFAULT_PERMISSIONS if permissions is None else permissions
        )
        self.entry_point = entry_point
        self.min_engine_version = min_engine_version
        self.max_engine_version = max_engine_version
        self.configuration: Dict[str, Any] = dict(configuration or {})

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> PluginManifest:
        """Builds a manifest from the keys of `plugin.yaml`.

        Absent and null keys take their defaults, except `permissions`: a
        manifest that asks for none has none. Keys that a newer engine knows
        are ignored.

        :raises ValueError: when a required key is missing or not a string
        """
        for key in ("name", "version", "author", "entry_point"):
            if not isinstance(mapping.get(key), str):
                raise ValueError(f"the manifest lacks the text '{key}'")
        return cls(
            name=mapping["name"],
            version=mapping["version"],
            author=mapping["author"],
            description=mapping.get("description") or "",
            license=mapping.get("license") or "",
            dependencies=mapping.get("dependencies"),
            node_types=mapping.get("node_types"),
            permissions=mapping.get("permissions") or (),
            entry_point=mapping["entry_point"],
            min_engine_version=mapping.get("min_engine_version"),
            max_engine_version=mapping.get("max_engine_version"),
            configuration=mapping.get("configuration"),
        )

    def dict(self) -> Dict[str, Any]:
        """The manifest as plain values, ready for JSON."""
        import copy

        return copy.deepcopy(vars(self))


class ResourcePool(Record):
    """What the engine can give to nodes as a whole."""

    def __init__(
        self,
        available_cpu: float = 0.0,
        available_memory: float = 0.0,
        available_gpus: int = 0,
    ) -> None:
        """
        :param available_cpu: logical processors
        :param available_memory: mebibytes
        """
        self.available_cpu = available_cpu
        self.available_memory = available_memory
        self.available_gpus = available_gpus


class PluginContext(Record):
    """What a plugin is told when it is initialised."""

    def __init__(
        self,
        engine_version: str,
        available_resources: ResourcePool,
        config: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """
        :param config: the values of the manifest's `configuration` keys
        """
        self.engine_version = engine_version
        self.available_resources = available_resources
        self.config: Dict[str, Any] = dict(config or {})
