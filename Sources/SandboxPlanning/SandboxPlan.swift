import PluginModel

/// Everything that will be done to one worker, decided before anything is done.
///
/// A plan is a value: it can be printed (`orchestrator plan show`), compared, kept as a golden file and exported as an
/// OCI runtime configuration. `SandboxRuntime` and `sandbox-init` carry it out and make no choices of their own: every step is
/// mandatory, and one that fails refuses the launch.
package struct SandboxPlan: Hashable, Sendable {
  package var plugin: PluginName
  package var hostname: String
  package var namespaces: [Namespace]
  package var identity: Identity
  /// Carried out in this order, inside the new mount namespace, on the new root.
  package var filesystem: [FilesystemOperation]
  package var landlock: LandlockPlan
  package var seccomp: SeccompPlan
  package var execution: ExecutionRule
  package var limits: [ResourceLimit]
  /// The limits of the worker's cgroup, for all of its processes together.
  package var cgroup: CgroupPlan
  /// Who decided each of them, and who enforces it here; also for one that a permission lifts.
  package var limitNotes: [CgroupPlan.File: LimitNote]
  /// What keeps other devices out than those of ``filesystem``.
  package var deviceGuard: DeviceGuard
  /// The whole environment of the worker, sorted by name.
  package var environment: [EnvironmentVariable]
  /// `command[0]` is an absolute path inside the sandbox.
  package var command: [String]
  package var workingDirectory: AbsolutePath
  /// What the plan grants, for people: one line a permission, in the manifest's own words.
  package var permissions: [Permission]
  /// The GPUs that no other worker has while this one lives. Their nodes are among the binds.
  package var devices: [PlannedDevice]
  /// Where the relay connects it to. The network namespace itself has `lo` alone, whatever is granted.
  package var egress: EgressPolicy
  /// In place of the relay, where everything is granted.
  package var openNetwork: OpenNetwork?

  package init(
    plugin: PluginName, hostname: String, namespaces: [Namespace], identity: Identity,
    filesystem: [FilesystemOperation], landlock: LandlockPlan, seccomp: SeccompPlan, execution: ExecutionRule,
    limits: [ResourceLimit], environment: [EnvironmentVariable], command: [String], workingDirectory: AbsolutePath,
    permissions: [Permission], cgroup: CgroupPlan = CgroupPlan(),
    limitNotes: [CgroupPlan.File: LimitNote] = [:],
    deviceGuard: DeviceGuard = .mounts(why: "it was not tried"), devices: [PlannedDevice] = [],
    egress: EgressPolicy = .nothing, openNetwork: OpenNetwork? = nil
  ) {
    self.openNetwork = openNetwork
    self.egress = egress
    self.devices = devices
    self.limitNotes = limitNotes
    self.deviceGuard = deviceGuard
    self.plugin = plugin
    self.hostname = hostname
    self.namespaces = namespaces
    self.identity = identity
    self.filesystem = filesystem
    self.landlock = landlock
    self.seccomp = seccomp
    self.execution = execution
    self.limits = limits
    self.cgroup = cgroup
    self.environment = environment
    self.command = command
    self.workingDirectory = workingDirectory
    self.permissions = permissions
  }
}

extension SandboxPlan {
  /// How the worker reaches what ``egress`` allows; nil: there is nothing of a network, or an ``openNetwork``.
  package var relay: EgressPlan? { EgressPlan.relayed(egress) }

  /// pid 1 sets up something in its network namespace, before it drops its rights.
  package var configuresNetwork: Bool { relay != nil || openNetwork != nil }

  /// The directory that its node's writes land in, when they wait for the node's success.
  package var stagedWorkspace: Bind? {
    for case .bind(let bind) in filesystem where bind.stagesWrites { return bind }
    return nil
  }
}

/// The kinds of namespace of namespaces(7). All but `time` are made for every worker.
package enum Namespace: String, CaseIterable, Sendable {
  case user
  case mount
  case pid
  case network
  case ipc
  case uts
  case cgroup
}

/// Who the worker is inside its user namespace and on the host. One id each is mapped, user_namespaces(7).
package struct Identity: Hashable, Sendable {
  /// Inside. Never 0: nothing in the sandbox looks like root, not even to itself.
  package var userInside: UInt32
  package var groupInside: UInt32
  /// On the host: an id of the plugin's own when the supervisor is root, the supervisor's own id when it isn't.
  package var userOnHost: UInt32
  package var groupOnHost: UInt32

  package init(userInside: UInt32, groupInside: UInt32, userOnHost: UInt32, groupOnHost: UInt32) {
    self.userInside = userInside
    self.groupInside = groupInside
    self.userOnHost = userOnHost
    self.groupOnHost = groupOnHost
  }
}

/// One step of building the root. Targets are paths in the new root; none of them is followed through a link.
package enum FilesystemOperation: Hashable, Sendable {
  /// A directory of the new root itself, mode 0755.
  case directory(AbsolutePath)
  case symbolicLink(AbsolutePath, destination: String)
  /// A small file written by us (`/etc/passwd`), mode 0444.
  case file(AbsolutePath, contents: String)
  case bind(Bind)
  /// `/etc/ld.so.cache` in place of the host's, mode 0444.
  case loaderCache(LoaderCache)
  case temporaryFilesystem(AbsolutePath, TemporaryFilesystem)
  /// procfs with `subset=pid,hidepid=invisible`.
  case process(AbsolutePath)
  /// The mount at this path (not those beneath it) becomes read-only, because nothing more is made on it.
  case makeReadOnly(AbsolutePath)
}

/// A host file or directory made visible. Always nosuid; nodev but for the devices. `source` has no link in it: who makes
/// the plan resolves it, and the launch is refused where a link has come since.
package struct Bind: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case directory
    case regularFile
    /// Refused unless the source is this very device.
    case characterDevice(major: UInt32, minor: UInt32)
  }
  package enum Access: Hashable, Sendable {
    case readOnly
    case readWrite
  }
  package var source: AbsolutePath
  package var target: AbsolutePath
  package var kind: Kind
  package var access: Access
  /// False adds noexec.
  package var executable: Bool
  /// The owner of `source` on the disk and the worker are the same user through this mount (an idmapped mount). Only
  /// for writable grants of a root supervisor: without it the worker's own host id could write nothing.
  package var mapsOwner: Bool
  /// Writes go to a directory of this worker alone and come to `source` when its node has succeeded (an overlay mount).
  /// Only with `.readWrite`, for directories.
  package var stagesWrites: Bool
  /// The operator's root that covers this grant. No link planted beneath it leads out, because `source` is opened through
  /// no link at all: RESOLVE_NO_SYMLINKS, openat2(2). Nil for what isn't a scoped grant.
  package var confinedTo: AbsolutePath?

  package init(
    source: AbsolutePath, target: AbsolutePath, kind: Kind, access: Access = .readOnly,
    executable: Bool = false,
    mapsOwner: Bool = false, stagesWrites: Bool = false, confinedTo: AbsolutePath? = nil
  ) {
    self.source = source
    self.target = target
    self.kind = kind
    self.access = access
    self.executable = executable
    self.mapsOwner = mapsOwner
    self.stagesWrites = stagesWrites
    self.confinedTo = confinedTo
  }
}

/// tmpfs(5). Always nosuid, nodev.
package struct TemporaryFilesystem: Hashable, Sendable {
  package var sizeBytes: UInt64
  package var inodes: UInt64
  /// Permission bits, for example 0o1777.
  package var mode: UInt32
  package var executable: Bool

  package init(sizeBytes: UInt64, inodes: UInt64, mode: UInt32, executable: Bool = false) {
    self.sizeBytes = sizeBytes
    self.inodes = inodes
    self.mode = mode
    self.executable = executable
  }
}

/// What landlock(7) enforces on top of the mounts. Rights the host's kernel doesn't know are left out when the plan is
/// made, and the plan says which.
package struct LandlockPlan: Hashable, Sendable {
  /// The ABI this plan was made for: the lower of the kernel's and ours.
  package var abi: Int
  /// Bits of LANDLOCK_ACCESS_FS_* that are denied unless a rule allows them.
  package var handledFilesystem: UInt64
  /// Bits of LANDLOCK_ACCESS_NET_*; with no rules, all are denied. ABI 4.
  package var handledNetwork: UInt64
  /// Bits of LANDLOCK_SCOPE_*: abstract sockets and signals stay inside. ABI 6.
  package var scoped: UInt64
  package var rules: [Rule]
  /// TCP ports that may be connected to; empty where ``handledNetwork`` is 0. None may be bound.
  package var connectPorts: [UInt16]

  /// `allowed` bits for everything beneath `path` of the new root.
  package struct Rule: Hashable, Sendable {
    package var path: AbsolutePath
    package var allowed: UInt64
    package init(path: AbsolutePath, allowed: UInt64) {
      self.path = path
      self.allowed = allowed
    }
  }

  package init(
    abi: Int, handledFilesystem: UInt64, handledNetwork: UInt64, scoped: UInt64, rules: [Rule],
    connectPorts: [UInt16] = []
  ) {
    self.connectPorts = connectPorts
    self.abi = abi
    self.handledFilesystem = handledFilesystem
    self.handledNetwork = handledNetwork
    self.scoped = scoped
    self.rules = rules
  }
}

/// The system-call filter, ready for seccomp(2).
package struct SeccompPlan: Hashable, Sendable {
  /// `struct sock_filter`, 8 bytes each, little-endian.
  package var program: [UInt8]
  /// The profile it was made from.
  package var profile: String
  /// The names that are allowed, sorted, for people and for the OCI export.
  package var allowed: [String]
  /// The names that are answered with EPERM, sorted.
  package var denied: [String]
  package var architecture: HostFacts.Architecture
  /// What `program` answers, sorted by number; every other number is answered with ENOSYS.
  package var calls: [SystemCallRule]
  /// What is denied with EPERM goes through `sandbox-init`, which tells of it.
  package var tellsDenials: Bool
  /// A second filter over ``program``, which asks `sandbox-init` about what that allows: see ``SandboxPlan/observed()``. Empty: none.
  package var watch: [UInt8] = []

  package init(
    program: [UInt8], profile: String, allowed: [String], denied: [String],
    architecture: HostFacts.Architecture = .x86_64, calls: [SystemCallRule] = [], tellsDenials: Bool = false
  ) {
    self.tellsDenials = tellsDenials
    self.program = program
    self.profile = profile
    self.allowed = allowed
    self.denied = denied
    self.architecture = architecture
    self.calls = calls
  }

  package var instructionCount: Int { program.count / 8 }
}

/// Which programs may be executed after the worker itself.
package enum ExecutionRule: Hashable, Sendable {
  /// None: `sandbox-init` answers the filter's notification for execve once, for the worker, and EACCES ever after.
  case workerOnly
  /// Every program that the mounts and Landlock leave executable.
  case allowed
}

/// setrlimit(2), soft and hard alike.
package struct ResourceLimit: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case addressSpace = "RLIMIT_AS"
    case coreSize = "RLIMIT_CORE"
    case cpuSeconds = "RLIMIT_CPU"
    case fileSize = "RLIMIT_FSIZE"
    case lockedMemory = "RLIMIT_MEMLOCK"
    case messageQueue = "RLIMIT_MSGQUEUE"
    case niceness = "RLIMIT_NICE"
    case openFiles = "RLIMIT_NOFILE"
    case processes = "RLIMIT_NPROC"
    case realtimePriority = "RLIMIT_RTPRIO"
    case pendingSignals = "RLIMIT_SIGPENDING"
    case stack = "RLIMIT_STACK"
  }
  package var kind: Kind
  package var value: UInt64
  package init(_ kind: Kind, _ value: UInt64) {
    self.kind = kind
    self.value = value
  }

  /// A core dump goes to a file, which 0 and 1 forbid alike, or to a program that core_pattern pipes it to: on the host, as
  /// root, with what the worker likes in it. The kernel doesn't start that program where the limit is 1, and starts it where
  /// it is 0: core(5), "Piping core dumps to a program".
  package static let noCoreDump = ResourceLimit(.coreSize, 1)
}

package struct EnvironmentVariable: Hashable, Sendable {
  package var name: String
  package var value: String
  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}
