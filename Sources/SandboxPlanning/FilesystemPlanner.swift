import PluginModel

/// Decides the root of a sandbox: an empty tmpfs into which only what is listed here is mounted. Each operation goes
/// with what Landlock allows there, so that the two can't disagree.
///
/// Parents of every target are made by explicit operations; the mount point itself is made by whoever carries a
/// `bind`, `temporaryFilesystem` or `process` out.
struct FilesystemPlanner {
  private(set) var operations: [FilesystemOperation] = []
  private(set) var allowances: [LandlockPlanner.Allowance] = []
  let request: SandboxRequest
  let host: HostFacts
  let grants: Grants
  let gpus: GPUPlacement
  private let kind: any SandboxKind
  /// Directories that exist in the new root.
  private var directories: Set<AbsolutePath> = [.root]
  /// Targets of binds: the host's files are there, and nothing can be made any more.
  private var bound: [AbsolutePath] = []

  init(request: SandboxRequest, host: HostFacts, grants: Grants, gpus: GPUPlacement, kind: any SandboxKind) {
    self.kind = kind
    self.request = request
    self.host = host
    self.grants = grants
    self.gpus = gpus
  }

  /// Builds all operations. `program` is `command[0]`.
  mutating func build(program: AbsolutePath) {
    temporary(.root, skeleton)
    kind.addSystem(to: &self)
    addPluginCode()
    kind.addPrograms(to: &self, command: program)
    addAccounts()
    addCertificates()
    addScratch()
    addDevices()
    addGPULibraries()
    addProcesses()
    addData()
    operations.append(.makeReadOnly(.root))
  }

  /// Mount points and a few small files.
  private var skeleton: TemporaryFilesystem {
    let mebibytes = gpus.loaderCache.map { UInt64($0.bytes.count >> 20) + 2 } ?? 1
    // Each directory above a file may be a new one.
    let files = UInt64(gpus.mounts.count + gpus.links.count)
    return TemporaryFilesystem(sizeBytes: mebibytes << 20, inodes: 1024 + 8 * files, mode: 0o755)
  }

  // MARK: What every sandbox has

  /// getpwuid(3) and getaddrinfo(3) work, and know nothing of the host. root is no more than a name: programs write it into
  /// archives, and no process has its id.
  private mutating func addAccounts() {
    let id = SandboxPlanner.identifierInside
    write(
      AbsolutePath(constant: "/etc/passwd"),
      """
      root:x:0:0:root:/nonexistent:/usr/sbin/nologin
      plugin:x:\(id):\(id):plugin:/tmp:/usr/sbin/nologin
      nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

      """)
    write(AbsolutePath(constant: "/etc/group"), "root:x:0:\nplugin:x:\(id):\nnogroup:x:65534:\n")
    // The host name's own address is Debian's choice: hosts(5) of its installer.
    write(
      AbsolutePath(constant: "/etc/hosts"),
      "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 \(SandboxPlanner.hostname(of: request.plugin))\n")
    let hosts = grants.egress.allowsNothing ? "files" : "files dns"
    write(AbsolutePath(constant: "/etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: \(hosts)\n")
    if !grants.egress.allowsNothing {
      write(
        AbsolutePath(constant: "/etc/resolv.conf"),
        grants.openNetwork?.resolverConfiguration ?? EgressPlan.resolverConfiguration)
    }
    allow(AbsolutePath(constant: "/etc"), .read)
  }

  /// The authorities by which a worker knows its peers: TLS is the worker's own, and ends outside of this host.
  private mutating func addCertificates() {
    guard !grants.egress.allowsNothing else { return }
    for place in host.certificates.sorted(by: { $0.path < $1.path }) where !isBound(place.path) {
      bind(place.source, at: place.path, kind: .directory)
      allow(place.path, .read)
    }
  }

  private mutating func addPluginCode() {
    // Executable as a mount, so that a compiled extension can be mapped; Landlock keeps it from being started.
    bind(request.pluginDirectory, at: Inside.plugin, kind: .directory, executable: true)
    allow(Inside.plugin, grants.execution == .everything ? [.read, .execute] : .read)
    bind(request.sdkDirectory, at: Inside.sdk, kind: .directory)
    allow(Inside.sdk, .read)
    guard let environment = request.environment else { return }
    bind(environment, at: Inside.environment, kind: .directory, executable: true)
    allow(Inside.environment, grants.execution == .everything ? [.read, .execute] : .read)
  }

  private mutating func addScratch() {
    var filesystem = scratch
    filesystem.executable = startsPrograms(of: .scratch)
    temporary(Inside.scratch, filesystem)
    allow(Inside.scratch, filesystem.executable ? [.data, .execute] : .data)
  }

  /// Whoever may start an interpreter may run what it has written in any case: this is for programs.
  private func startsPrograms(of path: SecurityProfile.ExecutablePath) -> Bool {
    grants.execution == .everything && request.profile.executablePaths.contains(path)
  }

  private var scratch: TemporaryFilesystem {
    TemporaryFilesystem(
      sizeBytes: request.profile.scratchBytes, inodes: request.profile.scratchInodes, mode: 0o1777)
  }

  /// The devices of mem(4), null(4) and random(4), with their minors under major 1.
  private static let devices: [(path: AbsolutePath, minor: UInt32)] = [
    (AbsolutePath(constant: "/dev/null"), 3), (AbsolutePath(constant: "/dev/zero"), 5),
    (AbsolutePath(constant: "/dev/full"), 7), (AbsolutePath(constant: "/dev/random"), 8),
    (AbsolutePath(constant: "/dev/urandom"), 9),
  ]
  private static let deviceLinks = [
    (path: AbsolutePath(constant: "/dev/fd"), destination: "/proc/self/fd"),
    (path: AbsolutePath(constant: "/dev/stderr"), destination: "/proc/self/fd/2"),
    (path: AbsolutePath(constant: "/dev/stdin"), destination: "/proc/self/fd/0"),
    (path: AbsolutePath(constant: "/dev/stdout"), destination: "/proc/self/fd/1"),
  ]

  private mutating func addDevices() {
    let further = UInt64(gpus.nodes.count + gpus.links.count)
    temporary(Inside.devices, TemporaryFilesystem(sizeBytes: 1 << 16, inodes: 64 + 4 * further, mode: 0o755))
    allow(Inside.devices, .readDirectory)
    for device in Self.devices {
      bind(device.path, kind: .characterDevice(major: 1, minor: device.minor), access: .readWrite)
      allow(device.path, [.readFile, .writeFile], .file)
    }
    for node in gpus.nodes {
      bind(
        node.source, at: node.target, kind: .characterDevice(major: node.major, minor: node.minor),
        access: node.access)
      // A driver is told all else by ioctl(2).
      allow(node.target, [.readFile, .deviceControl], .file)
      if node.access == .readWrite { allow(node.target, .writeFile, .file) }
    }
    temporary(Inside.sharedMemory, scratch)
    allow(Inside.sharedMemory, .data)
    operations += Self.deviceLinks.map { .symbolicLink($0.path, destination: $0.destination) }
    for link in gpus.links where link.path.isEqualToOrBeneath(Inside.devices) { self.link(link) }
    operations.append(.makeReadOnly(Inside.devices))
  }

  /// What every sandbox has in `/dev`: nothing else may be shown as one of these.
  static let ownDevices = devices.map(\.path) + deviceLinks.map(\.path) + [Inside.sharedMemory]

  /// Executable as mounts, so that libraries can be mapped; Landlock keeps them from being started.
  private mutating func addGPULibraries() {
    for mount in gpus.mounts {
      let isDirectory = mount.kind == .directory
      bind(mount.source, at: mount.target, kind: isDirectory ? .directory : .regularFile, executable: true)
      let rights: LandlockRights = grants.execution == .everything ? [.read, .execute] : .read
      allow(mount.target, rights, isDirectory ? .directory : .file)
    }
    for link in gpus.links where !link.path.isEqualToOrBeneath(Inside.devices) { self.link(link) }
    guard let cache = gpus.loaderCache else { return }
    makeParents(of: Inside.loaderCache)
    operations.append(.loaderCache(cache))
    if gpus.mounts.contains(where: { $0.target.isEqualToOrBeneath(Inside.gpuLibraries) }) {
      allow(Inside.gpuLibraries, .readDirectory)
    }
  }

  private mutating func link(_ link: GPU.Link) { self.link(link.path, to: link.destination) }

  private mutating func addProcesses() {
    operations.append(.process(Inside.processes))
    allow(Inside.processes, .read)
  }

  // MARK: What was granted

  private mutating func addData() {
    if let access = grants.workspace, let workspace = request.workspace {
      let isExecutable = startsPrograms(of: .workspace)
      // A scoped path is the operator's own data, which the plugin was given to change in place.
      bind(
        workspace, at: Inside.workspace, kind: .directory, access: access, executable: isExecutable,
        stagesWrites: access == .readWrite && host.overlays == .available)
      let rights: LandlockRights = access == .readWrite ? .data : .read
      allow(Inside.workspace, isExecutable ? [rights, .execute] : rights)
    }
    for grant in grants.paths {
      let isFile = request.grantedFiles.contains(grant.path)
      bind(
        grant.path, kind: isFile ? .regularFile : .directory, access: grant.access, confinedTo: grant.root)
      allow(grant.path, grant.access == .readWrite ? .data : .read, isFile ? .file : .directory)
    }
  }

  // MARK: Steps

  mutating func bind(
    _ source: AbsolutePath, at target: AbsolutePath? = nil, kind: Bind.Kind,
    access: Bind.Access = .readOnly,
    executable: Bool = false, stagesWrites: Bool = false, confinedTo root: AbsolutePath? = nil
  ) {
    let target = target ?? source
    makeParents(of: target)
    let isData: Bool
    if case .characterDevice = kind { isData = false } else { isData = true }
    operations.append(
      .bind(
        Bind(
          source: source, target: target, kind: kind, access: access, executable: executable,
          mapsOwner: isData && access == .readWrite && host.userIdentifier == 0,
          stagesWrites: stagesWrites,
          confinedTo: root)))
    bound.append(target)
  }

  private mutating func temporary(_ path: AbsolutePath, _ options: TemporaryFilesystem) {
    operations.append(.temporaryFilesystem(path, options))
    directories.insert(path)
  }

  mutating func link(_ path: AbsolutePath, to destination: String) {
    makeParents(of: path)
    operations.append(.symbolicLink(path, destination: destination))
  }

  private mutating func write(_ path: AbsolutePath, _ contents: String) {
    makeParents(of: path)
    operations.append(.file(path, contents: contents))
  }

  mutating func allow(
    _ path: AbsolutePath, _ rights: LandlockRights, _ target: LandlockPlanner.Target = .directory
  ) {
    allowances.append(LandlockPlanner.Allowance(path: path, rights: rights, target: target))
  }

  /// True when an earlier bind already shows what lies at this path.
  func isBound(_ path: AbsolutePath) -> Bool { bound.contains { path.isEqualToOrBeneath($0) } }

  private mutating func makeParents(of target: AbsolutePath) {
    guard !isBound(target), let parent = target.parent, !directories.contains(parent) else { return }
    makeParents(of: parent)
    directories.insert(parent)
    operations.append(.directory(parent))
  }
}

/// Where things are inside every sandbox.
package enum Inside {
  package static let plugin = AbsolutePath(constant: "/plugin")
  package static let sdk = AbsolutePath(constant: "/sdk")
  package static let environment = AbsolutePath(constant: "/environment")
  package static let workspace = AbsolutePath(constant: "/workspace")
  package static let scratch = AbsolutePath(constant: "/tmp")
  package static let devices = AbsolutePath(constant: "/dev")
  package static let sharedMemory = AbsolutePath(constant: "/dev/shm")
  package static let processes = AbsolutePath(constant: "/proc")
  package static let gpu = AbsolutePath(constant: "/gpu")
  /// Libraries of a GPU's driver that can't be shown where the host has them.
  package static let gpuLibraries = AbsolutePath(constant: "/gpu/lib")
  package static let loaderCache = AbsolutePath(constant: "/etc/ld.so.cache")
}
