import CLinux
import PluginModel
import SandboxPlanning

/// The flat form of a plan, as `sandbox-init` maps it: `CLinuxPlan.h` has the layout.
struct FlatPlan {
  /// Why a plan has no flat form.
  enum Refusal: Error, Hashable {
    /// A text with a NUL in it would be cut short.
    case textWithNul(String)
    case tooLarge(bytes: Int)
    /// `struct sock_filter` is 8 bytes; a filter has 1 to 65,535 of them.
    case filterLength(bytes: Int)
    case noCommand
    /// A bind stages writes, and there is no directory for them.
    case noStaging
  }

  private(set) var bytes: [UInt8]

  /// - Parameters:
  ///   - preparedTrees: for the index of an operation, the index of its prepared tree.
  ///   - staging: the directory for the writes of a bind that stages them.
  init(
    _ plan: SandboxPlan, clearsGroups: Bool, preparedTrees: [Int: Int], staging: String? = nil
  ) throws(Refusal) {
    bytes = [UInt8](repeating: 0, count: MemoryLayout<sandbox_plan>.stride)
    bytes.reserveCapacity(16 << 10)
    guard !plan.command.isEmpty else { throw .noCommand }
    let filter = plan.seccomp.program
    guard filter.count % 8 == 0, !filter.isEmpty, filter.count / 8 <= Int(UInt16.max) else {
      throw .filterLength(bytes: filter.count)
    }

    var header = sandbox_plan()
    header.magic = SANDBOX_PLAN_MAGIC
    header.user = plan.identity.userInside
    header.group = plan.identity.groupInside
    header.trees = UInt32(preparedTrees.count)
    if clearsGroups { header.flags |= SANDBOX_CLEAR_GROUPS.rawValue }
    switch plan.execution {
    case .workerOnly: header.flags |= SANDBOX_WORKER_ONLY.rawValue
    case .allowed: break
    }
    if !plan.seccomp.watch.isEmpty {
      guard plan.seccomp.watch.count % 8 == 0, plan.seccomp.watch.count / 8 <= Int(UInt16.max) else {
        throw .filterLength(bytes: plan.seccomp.watch.count)
      }
      header.flags |= SANDBOX_OBSERVES.rawValue
    }
    if plan.seccomp.tellsDenials { header.flags |= SANDBOX_NOTIFIES.rawValue }
    header.hostname = try append(plan.hostname)
    header.directory = try append(plan.workingDirectory.text)
    header.handled_filesystem = plan.landlock.handledFilesystem
    header.handled_network = plan.landlock.handledNetwork
    header.scoped = plan.landlock.scoped

    var operations: [sandbox_operation] = []
    operations.reserveCapacity(plan.filesystem.count)
    for (index, operation) in plan.filesystem.enumerated() {
      operations.append(try record(operation, preparedTree: preparedTrees[index], staging: staging))
    }
    header.operations = append(operations)
    var rules: [sandbox_rule] = []
    for rule in plan.landlock.rules {
      rules.append(sandbox_rule(path: try append(rule.path.text), allowed: rule.allowed))
    }
    header.rules = append(rules)
    header.port_rules = append(
      plan.landlock.connectPorts.map { sandbox_port_rule(port: UInt64($0), allowed: LandlockPlan.connectRight) })
    if let relay = plan.relay {
      header.routes = append(relay.routes.map { sandbox_route(address: $0.address, prefix_length: $0.prefixLength) })
      header.listeners = append(relay.listeners.map(sandbox_listener.init))
    }
    if let network = plan.openNetwork {
      header.flags |= SANDBOX_OPEN_NETWORK.rawValue
      header.refused_networks = append(network.refusedNetworks.compactMap(sandbox_route.init))
    }
    header.limits = append(
      plan.limits.map { sandbox_limit(value: $0.value, resource: $0.kind.resource.rawValue, reserved: 0) })
    header.arguments = try append(plan.command)
    header.environment = try append(plan.environment.map { "\($0.name)=\($0.value)" })
    header.filter = append(filter: filter)
    if !plan.seccomp.watch.isEmpty { header.watch = append(filter: plan.seccomp.watch) }
    // Nothing that is read as a text can run past the end.
    bytes.append(0)

    guard bytes.count <= Int(SANDBOX_PLAN_LIMIT) else { throw .tooLarge(bytes: bytes.count) }
    header.size = UInt32(bytes.count)
    withUnsafeBytes(of: header) { bytes.replaceSubrange(0..<$0.count, with: $0) }
  }

  private mutating func record(
    _ operation: FilesystemOperation, preparedTree: Int?, staging: String?
  ) throws(Refusal) -> sandbox_operation {
    var record = sandbox_operation()
    record.tree = -1
    switch operation {
    case .directory(let path):
      record.kind = sandbox_operation_kind.directory.rawValue
      record.target = try append(path.text)
    case .symbolicLink(let path, let destination):
      record.kind = sandbox_operation_kind.symbolicLink.rawValue
      record.target = try append(path.text)
      record.other = try append(destination)
    case .file(let path, let contents):
      record.kind = sandbox_operation_kind.file.rawValue
      record.target = try append(path.text)
      record.other = try append(contents)
    case .bind(let bind):
      switch bind.kind {
      case .directory: record.kind = sandbox_operation_kind.bindDirectory.rawValue
      case .regularFile: record.kind = sandbox_operation_kind.bindFile.rawValue
      case .characterDevice(let major, let minor):
        record.kind = sandbox_operation_kind.bindDevice.rawValue
        record.device_major = major
        record.device_minor = minor
      }
      record.target = try append(bind.target.text)
      record.other = try append(bind.source.text)
      if bind.stagesWrites {
        // The source itself stays read-only.
        guard let staging else { throw .noStaging }
        record.flags |= SANDBOX_STAGED.rawValue
        record.staging = try append(staging)
      } else {
        switch bind.access {
        case .readOnly: break
        case .readWrite: record.flags |= SANDBOX_WRITABLE.rawValue
        }
      }
      if bind.executable { record.flags |= SANDBOX_EXECUTABLE.rawValue }
      if let preparedTree {
        record.flags |= SANDBOX_PREPARED.rawValue
        record.tree = Int32(preparedTree)
      }
    case .loaderCache(let cache):
      record.kind = sandbox_operation_kind.file.rawValue
      record.target = try append(operation.target.text)
      record.other = append(contents: cache.bytes)
    case .temporaryFilesystem(let path, let filesystem):
      record.kind = sandbox_operation_kind.temporary.rawValue
      record.target = try append(path.text)
      record.size = filesystem.sizeBytes
      record.inodes = filesystem.inodes
      record.mode = filesystem.mode
      if filesystem.executable { record.flags |= SANDBOX_EXECUTABLE.rawValue }
    case .process(let path):
      record.kind = sandbox_operation_kind.process.rawValue
      record.target = try append(path.text)
    case .makeReadOnly(let path):
      record.kind = sandbox_operation_kind.readOnly.rawValue
      record.target = try append(path.text)
    }
    return record
  }

  private mutating func append(_ text: String) throws(Refusal) -> sandbox_text {
    guard !text.utf8.contains(0) else { throw .textWithNul(text) }
    return append(contents: Array(text.utf8))
  }

  /// Of a file, with whatever bytes.
  private mutating func append(contents: [UInt8]) -> sandbox_text {
    let offset = bytes.count
    bytes.append(contentsOf: contents)
    bytes.append(0)
    return sandbox_text(
      offset: UInt32(truncatingIfNeeded: offset), length: UInt32(truncatingIfNeeded: contents.count))
  }

  private mutating func append(_ list: [String]) throws(Refusal) -> sandbox_span {
    var pointers: [sandbox_pointer] = []
    for text in list { pointers.append(UInt64(try append(text).offset)) }
    pointers.append(0)
    return append(pointers)
  }

  private mutating func append<Record: BitwiseCopyable>(_ records: [Record]) -> sandbox_span {
    align()
    let offset = UInt32(truncatingIfNeeded: bytes.count)
    records.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return sandbox_span(offset: offset, count: UInt32(records.count))
  }

  private mutating func append(filter: [UInt8]) -> sandbox_span {
    align()
    let offset = UInt32(truncatingIfNeeded: bytes.count)
    bytes.append(contentsOf: filter)
    return sandbox_span(offset: offset, count: UInt32(filter.count / 8))
  }

  private mutating func align() {
    while bytes.count % 8 != 0 { bytes.append(0) }
  }
}

extension ResourceLimit.Kind {
  fileprivate var resource: sandbox_resource {
    switch self {
    case .addressSpace: .addressSpace
    case .coreSize: .core
    case .cpuSeconds: .cpu
    case .fileSize: .fileSize
    case .lockedMemory: .lockedMemory
    case .messageQueue: .messageQueue
    case .niceness: .niceness
    case .openFiles: .openFiles
    case .processes: .processes
    case .realtimePriority: .realtimePriority
    case .pendingSignals: .pendingSignals
    case .stack: .stack
    }
  }
}

extension sandbox_route {
  /// Nil for a network of IPv6.
  fileprivate init?(_ prefix: NetworkPrefix) {
    guard case .v4(let address) = prefix.address else { return nil }
    self.init(address: address.bits, prefix_length: UInt32(prefix.length))
  }
}

extension sandbox_listener {
  fileprivate init(_ listener: EgressListener) {
    self.init(
      address: listener.address, port: listener.port, is_stream: listener.isStream ? 1 : 0, descriptor: -1, reserved: 0)
  }
}

extension Namespace {
  /// The CLONE_NEW* bit of clone(2).
  var cloneFlag: UInt64 {
    switch self {
    case .user: SANDBOX_NAMESPACE_USER.rawValue
    case .mount: SANDBOX_NAMESPACE_MOUNT.rawValue
    case .pid: SANDBOX_NAMESPACE_PID.rawValue
    case .network: SANDBOX_NAMESPACE_NETWORK.rawValue
    case .ipc: SANDBOX_NAMESPACE_IPC.rawValue
    case .uts: SANDBOX_NAMESPACE_UTS.rawValue
    case .cgroup: SANDBOX_NAMESPACE_CGROUP.rawValue
    }
  }
}
