import PluginModel

/// What this host's kernel and configuration offer, gathered by `SandboxRuntime` once and passed in as a value.
/// `orchestrator doctor` prints it.
package struct HostFacts: Hashable, Sendable {
  package enum Architecture: String, Sendable {
    // The name that uname(2), and everybody else, has for it.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case x86_64
    case aarch64
  }
  package var architecture: Architecture
  /// For example `6.18.44`.
  package var kernelRelease: String
  /// The effective ids of the supervisor.
  package var userIdentifier: UInt32
  package var groupIdentifier: UInt32
  /// landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION; 0: the kernel has none.
  package var landlockABI: Int
  /// SECCOMP_RET_USER_NOTIF is answered.
  package var seccompUserNotification: Bool
  package var userNamespaces: Bool
  /// Whether a worker's writes can be kept apart until its node has succeeded.
  package var overlays: OverlaySupport
  /// A worker that dies would start a program of the host: core_pattern names one, and the hard RLIMIT_CORE of the supervisor
  /// is 0, which core_pattern doesn't heed and which can't be raised to the 1 that it does: core(5).
  package var coreDumpsStartProgram: Bool
  /// The directory under which this process may make cgroups, or nil.
  package var cgroupRoot: AbsolutePath?
  /// The controllers enabled there: `cpu`, `memory`, `pids`, …
  package var cgroupControllers: [String]
  /// Whether the cgroup of a worker can have a device program.
  package var deviceGuard: DeviceGuard
  /// Bytes of memory, and logical processors: no limit may be above them. Nil: unknown.
  package var memoryBytes: UInt64?
  package var processorCount: Int?
  /// The path that the dynamic loader of the host resolves to, and the directories of system libraries.
  package var libraryDirectories: [AbsolutePath]
  /// Symbolic links of a merged /usr: `/lib` → `usr/lib`.
  package var rootLinks: [RootLink]
  /// The dynamic loader with every link resolved: `/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2`. Nil: unknown, and then
  /// everything in `libraryDirectories` has to be executable.
  package var loader: AbsolutePath?
  /// The directories of the host's programs, with links resolved: `/usr/bin`. Shown only with `system.exec`.
  package var binaryDirectories: [AbsolutePath]
  /// Which of these the host has.
  package var supportFiles: [SupportFile]
  /// The directories of certificate authorities. Shown only with a network permission.
  package var certificates: [CertificateDirectory]

  /// What `network.socket` without an endpoint takes.
  package var openNetworks: OpenNetworkSupport
  /// The first of the host's own that is reached from another network namespace: one of IPv4, not of the loopback interface.
  package var resolver: IPv4Address?

  /// What programs and libraries expect to find besides the libraries themselves.
  package enum SupportFile: String, CaseIterable, Sendable {
    /// A regular file: where the loader finds libraries.
    case loaderCache = "/etc/ld.so.cache"
    /// A directory: links by which Debian chooses between libraries, such as `libblas.so.3`.
    case alternatives = "/etc/alternatives"
    /// A directory: tzset(3).
    case timeZones = "/usr/share/zoneinfo"
    /// A directory: what Debian's venv(1) and ensurepip install from.
    case pythonWheels = "/usr/share/python-wheels"

    package var isDirectory: Bool { self != .loaderCache }
  }

  /// Mounting overlayfs in a user namespace, with its upper layer in the state directory.
  package enum OverlaySupport: Hashable, Sendable {
    case available
    case unavailable(why: String)
  }

  /// Whether workers can be connected to everything.
  package enum OpenNetworkSupport: Hashable, Sendable {
    /// Through pasta(1), at this path.
    case available(AbsolutePath)
    case unavailable(why: String, remedy: String)
  }

  /// `path` is where programs look for it, `source` the same with every link resolved.
  package struct CertificateDirectory: Hashable, Sendable {
    package var path: AbsolutePath
    package var source: AbsolutePath
    package init(path: AbsolutePath, source: AbsolutePath) {
      self.path = path
      self.source = source
    }
  }

  package struct RootLink: Hashable, Sendable {
    package var path: AbsolutePath
    package var destination: String
    package init(path: AbsolutePath, destination: String) {
      self.path = path
      self.destination = destination
    }
  }

  package init(
    architecture: Architecture, kernelRelease: String, userIdentifier: UInt32, groupIdentifier: UInt32,
    landlockABI: Int, seccompUserNotification: Bool, userNamespaces: Bool, cgroupRoot: AbsolutePath?,
    cgroupControllers: [String], libraryDirectories: [AbsolutePath], rootLinks: [RootLink],
    loader: AbsolutePath? = nil, binaryDirectories: [AbsolutePath] = [],
    supportFiles: [SupportFile] = [], coreDumpsStartProgram: Bool = false,
    overlays: OverlaySupport = .unavailable(why: "it was not tried"), memoryBytes: UInt64? = nil,
    processorCount: Int? = nil, deviceGuard: DeviceGuard = .mounts(why: "it was not tried"),
    certificates: [CertificateDirectory] = [],
    openNetworks: OpenNetworkSupport = .unavailable(why: "it was not tried", remedy: "see: orchestrator doctor"),
    resolver: IPv4Address? = nil
  ) {
    self.openNetworks = openNetworks
    self.resolver = resolver
    self.certificates = certificates
    self.deviceGuard = deviceGuard
    self.memoryBytes = memoryBytes
    self.processorCount = processorCount
    self.architecture = architecture
    self.kernelRelease = kernelRelease
    self.userIdentifier = userIdentifier
    self.groupIdentifier = groupIdentifier
    self.landlockABI = landlockABI
    self.seccompUserNotification = seccompUserNotification
    self.userNamespaces = userNamespaces
    self.cgroupRoot = cgroupRoot
    self.cgroupControllers = cgroupControllers
    self.libraryDirectories = libraryDirectories
    self.rootLinks = rootLinks
    self.loader = loader
    self.binaryDirectories = binaryDirectories
    self.supportFiles = supportFiles
    self.coreDumpsStartProgram = coreDumpsStartProgram
    self.overlays = overlays
  }
}

/// What is asked of ``SandboxPlanner``: one worker of one plugin, with what was granted to it.
package struct SandboxRequest: Hashable, Sendable {
  package var plugin: PluginName
  /// The plugin's own files on the host, shown read-only at `/plugin`.
  package var pluginDirectory: AbsolutePath
  /// The `pipeline` package on the host, shown read-only at `/sdk`.
  package var sdkDirectory: AbsolutePath
  /// The Python packages that it depends on, shown read-only at `/environment`.
  package var environment: AbsolutePath?
  package var interpreter: Interpreter
  /// What was granted, not what was asked for.
  package var granted: [Permission]
  /// The run's workspace on the host, shown at `/workspace` where a bare filesystem permission is granted.
  package var workspace: AbsolutePath?
  /// Paths outside of which no scoped filesystem permission reaches.
  package var filesystemRoots: [AbsolutePath]
  /// Which of the paths in `granted` are regular files on the host; the others are directories.
  package var grantedFiles: Set<AbsolutePath>
  /// What the supervisor itself goes by on this host: its programs, its records, every plugin's code. No worker may
  /// write there, and no interpreter may lie so that it would show them.
  package var controlPaths: [AbsolutePath]
  package var profile: SecurityProfile
  /// Programs of the host that a service of this program starts, without a grant: they and no others, where nothing else is granted.
  package var programs: [AbsolutePath] = []
  /// Replaces the worker's command, for benchmarks and tests.
  package var command: [String]?
  /// The worker's id on the host; equal to the supervisor's own where it isn't root.
  package var hostUser: UInt32
  package var hostGroup: UInt32
  /// The operator's.
  package var ceilings: OperatorLimits
  /// What the operator demands of the host.
  package var required: [Located<SecurityRequirement>]
  /// What the worker's node asks for. Nil: no node's worker, or one that asks for nothing.
  package var resources: ResourceRequest?
  /// Those that this worker has for itself.
  package var gpus: GPUAssignment
  /// The operator's.
  package var network: OperatorNetwork

  package init(
    plugin: PluginName, pluginDirectory: AbsolutePath, sdkDirectory: AbsolutePath, interpreter: Interpreter,
    granted: [Permission], workspace: AbsolutePath?, filesystemRoots: [AbsolutePath], profile: SecurityProfile,
    command: [String]? = nil, hostUser: UInt32, hostGroup: UInt32, grantedFiles: Set<AbsolutePath> = [],
    controlPaths: [AbsolutePath] = [], ceilings: OperatorLimits = OperatorLimits(),
    required: [Located<SecurityRequirement>] = [], resources: ResourceRequest? = nil,
    gpus: GPUAssignment = GPUAssignment(), network: OperatorNetwork = OperatorNetwork(),
    environment: AbsolutePath? = nil
  ) {
    self.environment = environment
    self.network = network
    self.gpus = gpus
    self.ceilings = ceilings
    self.required = required
    self.resources = resources
    self.plugin = plugin
    self.pluginDirectory = pluginDirectory
    self.sdkDirectory = sdkDirectory
    self.interpreter = interpreter
    self.granted = granted
    self.workspace = workspace
    self.filesystemRoots = filesystemRoots
    self.grantedFiles = grantedFiles
    self.controlPaths = controlPaths
    self.profile = profile
    self.command = command
    self.hostUser = hostUser
    self.hostGroup = hostGroup
  }
}

/// The Python that runs plugins. Its files must be visible inside.
package struct Interpreter: Hashable, Sendable {
  /// With every link resolved: `/usr/bin/python3.11`.
  package var executable: AbsolutePath
  /// Nil when it lies in the system's own directories, else the whole installation: `/opt/python3.12`.
  package var prefix: AbsolutePath?

  package init(executable: AbsolutePath, prefix: AbsolutePath?) {
    self.executable = executable
    self.prefix = prefix
  }
}
