import PluginModel

/// What lies at a path of the host, with every link in the path followed: CDI files are the operator's.
package enum HostPath: Hashable, Sendable {
  /// `access`: what the user that plugins run as may do.
  case characterDevice(at: AbsolutePath, major: UInt32, minor: UInt32, access: DeviceAccess)
  /// `soname`: of a shared library.
  case file(at: AbsolutePath, soname: String?)
  case directory(at: AbsolutePath)
  /// A socket, a FIFO or a block device.
  case other

  var location: AbsolutePath? {
    switch self {
    case .characterDevice(let path, _, _, _), .file(let path, _), .directory(let path): path
    case .other: nil
    }
  }
}

/// What was looked up on the host for the candidates.
package struct HostPaths: Hashable, Sendable {
  package var found: [AbsolutePath: HostPath]
  /// By directory: the shared libraries in it by name, with their sonames.
  package var libraries: [AbsolutePath: [String: String?]]
  /// Mebibytes, by the device number of a node.
  package var memoryMB: [DeviceNumber: Int]
  /// By the device number of a node that is one GPU's own.
  package var models: [DeviceNumber: String] = [:]
  /// Versions, likewise.
  package var drivers: [DeviceNumber: String] = [:]

  package init(
    found: [AbsolutePath: HostPath] = [:], libraries: [AbsolutePath: [String: String?]] = [:],
    memoryMB: [DeviceNumber: Int] = [:]
  ) {
    self.found = found
    self.libraries = libraries
    self.memoryMB = memoryMB
  }
}

package struct DeviceNumber: Hashable, Sendable {
  package var major: UInt32
  package var minor: UInt32
  package init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }
}

/// The GPUs of this host that workers can be given, and why others can't.
package struct GPUInventory: Hashable, Sendable {
  package var gpus: [GPU]
  package var problems: [Diagnostic]
  /// What the host's own loader knows; nil where that can't be read.
  package var hostLibraries: LoaderCache?

  package init(gpus: [GPU] = [], problems: [Diagnostic] = [], hostLibraries: LoaderCache? = nil) {
    self.gpus = gpus
    self.problems = problems
    self.hostLibraries = hostLibraries
  }

  package init(
    _ candidates: [GPUCandidate], host: HostPaths, problems: [Diagnostic] = [], hostLibraries: LoaderCache? = nil
  ) {
    self.init(problems: problems, hostLibraries: hostLibraries)
    var found: [GPU] = []
    for candidate in candidates {
      do throws(Diagnostics) {
        found.append(try GPU(candidate, host))
      } catch {
        self.problems += error.items
      }
    }
    keepDistinct(found)
  }

  /// A GPU that is described twice would be given to two workers. Cluster software describes those of a vendor again under a kind of its
  /// own (`k8s.device-plugin.nvidia.com/gpu`): of kinds that share a device the one with the shortest name counts, which is the
  /// vendor's. Within a kind, the same devices under other paths are another name.
  private mutating func keepDistinct(_ found: [GPU]) {
    let kinds = Set(found.map(\.reference.kind)).sorted {
      ($0.text.utf8.count, $0.text) < ($1.text.utf8.count, $1.text)
    }
    for kind in kinds {
      let own = found.filter { $0.reference.kind == kind }
      let numbers = Set(own.flatMap(\.numbers))
      if let known = gpus.first(where: { !$0.numbers.isDisjoint(with: numbers) }) {
        problems.append(
          Diagnostic(
            "the devices of \(kind) are not counted",
            why: "they are those of \(known.reference.kind), by \(known.source)",
            severity: .warning))
        continue
      }
      var distinct: [GPU] = []
      for gpu in own {
        if let index = distinct.firstIndex(where: { $0.numbers == gpu.numbers }) {
          distinct[index].aliases += [gpu.reference.device] + gpu.aliases
        } else {
          distinct.append(gpu)
        }
      }
      gpus += distinct
    }
    gpus.sort { $0.reference.precedes($1.reference) }
  }

  /// The GPUs among which a demand can be met: those of one vendor, because a program is made for one. Nil where it can't.
  package func candidates(for demand: GPUDemand) -> [GPU]? {
    let byKind = Dictionary(grouping: gpus.filter(demand.accepts), by: \.reference.kind)
    return byKind.filter { $0.value.count >= demand.count }.min { $0.key < $1.key }?.value
  }

  /// What is behind the GPUs that a demand may get: their models, the versions of their drivers and, where it is known, their memory.
  /// Equal on two hosts where it makes no difference to a result which of them it came from. Nil where a model or a driver isn't known.
  package func identity(for demand: GPUDemand) -> JSONValue? {
    guard let candidates = candidates(for: demand) else { return nil }
    var known: Set<String> = []
    for gpu in candidates {
      // Of what size an instance is, no file says.
      guard let model = gpu.model, let driver = gpu.driver, !gpu.isInstance else { return nil }
      let memory: JSONValue = gpu.memoryMB.map { .integer(Int64($0)) } ?? .null
      known.insert(JSONValue.array([.string(model), .string(driver), memory]).text())
    }
    return .array(known.sorted().map { .string($0) })
  }

  /// Why a demand can't be met on this host, whatever is free; nil where it can.
  package func refusal(of demand: GPUDemand, subject: String, at location: SourceLocation? = nil) -> Diagnostic? {
    guard candidates(for: demand) == nil else { return nil }
    var why = gpus.isEmpty ? "this host has no GPU that a plugin can use" : "this host has \(list)"
    why += problems.prefix(3).map { "; \($0.what)\($0.why.map { ": \($0)" } ?? "")" }.joined()
    return Diagnostic(
      "\(subject) asks for \(demand.words)", why: why,
      hint: "ask for fewer, or see what was found: orchestrator doctor --gpu", at: location)
  }

  private var list: String {
    gpus.map { gpu in
      let memory = gpu.memoryMB.map { ", \($0) MiB" } ?? ""
      return "\(gpu.reference) (\(gpu.source)\(memory))"
    }.joined(separator: ", ")
  }
}

extension GPU {
  fileprivate var numbers: Set<DeviceNumber> { Set(nodes.map(\.number)) }

  /// `550.54.15`, by the name of NVIDIA's library: `libcuda.so.550.54.15`.
  private static func driver(named mounts: [Mount]) -> String? {
    let prefix = "libcuda.so."
    for mount in mounts {
      let names: [String] = [mount.source.lastComponent] + mount.libraries.map(\.path.lastComponent)
      for name in names where name.hasPrefix(prefix) {
        let version = name.dropFirst(prefix.utf8.count)
        if version.contains(".") { return String(version) }
      }
    }
    return nil
  }

  /// - Throws: every reason why no worker can have it. None of what it needs is left out silently.
  init(_ candidate: GPUCandidate, _ host: HostPaths) throws(Diagnostics) {
    var reader = CandidateReader(candidate: candidate, host: host)
    let nodes = candidate.edits.deviceNodes.compactMap { reader.node($0) }
    let mounts = candidate.edits.mounts.compactMap { reader.mount($0) }
    let effects = CDIHookEffects(candidate.edits.hooks)
    if nodes.isEmpty, reader.problems.isEmpty { reader.refuse("none of its nodes is one to compute with") }
    if !candidate.edits.additionalGroups.isEmpty {
      reader.notes.append("its groups are not joined: its nodes are open to all users that plugins run as")
    }
    guard reader.problems.isEmpty else { throw Diagnostics(reader.problems) }
    self.init(
      reference: candidate.reference, aliases: candidate.aliases, source: candidate.source, nodes: nodes,
      mounts: mounts, links: effects.links, environment: candidate.edits.environment,
      memoryMB: nodes.lazy.compactMap { host.memoryMB[$0.number] }.first,
      model: nodes.lazy.compactMap { host.models[$0.number] }.first,
      driver: nodes.lazy.compactMap { host.drivers[$0.number] }.first ?? Self.driver(named: mounts),
      notes: reader.notes + effects.notes)
  }
}

extension GPU.Node {
  fileprivate var number: DeviceNumber { DeviceNumber(major: major, minor: minor) }
}

private struct CandidateReader {
  let candidate: GPUCandidate
  let host: HostPaths
  var problems: [Diagnostic] = []
  var notes: [String] = []

  private static let regenerate = "regenerate the file with its vendor's tool"

  mutating func refuse(_ why: String, hint: String = regenerate) {
    problems.append(
      Diagnostic("the GPU \(candidate.reference) can't be used", why: "\(candidate.source): \(why)", hint: hint))
  }

  /// Nil for what is refused, and for nodes that lead to the display.
  mutating func node(_ node: CDIEdits.DeviceNode) -> GPU.Node? {
    guard !Self.isDisplay(node.path) else { return leftOut(node.path) }
    switch node.kind {
    case .character, .unbuffered, nil: break
    case .block, .fifo:
      refuse(
        "\(node.path) is no character device, and no sandbox has another", hint: "use a device that doesn't need it")
      return nil
    }
    guard node.path != Inside.devices, node.path.isEqualToOrBeneath(Inside.devices) else {
      refuse("the node \(node.path) doesn't lie in \(Inside.devices)")
      return nil
    }
    guard let found = host.found[node.hostPath] else {
      refuse("\(node.hostPath) isn't there", hint: "load the driver, or regenerate the file with its vendor's tool")
      return nil
    }
    guard case .characterDevice(let source, let major, let minor, let access) = found else {
      refuse("\(node.hostPath) is no character device")
      return nil
    }
    guard !Self.isDisplay(major: major, minor: minor) else { return leftOut(node.path) }
    guard node.major ?? major == major, node.minor ?? minor == minor else {
      let wanted = [node.major ?? major, node.minor ?? minor].map(String.init).joined(separator: ":")
      refuse("\(node.hostPath) is the device \(major):\(minor), not \(wanted)")
      return nil
    }
    guard access.contains(.read), node.access.contains(.read) else {
      refuse(
        "the users that plugins run as can't read \(source)"
          + (candidate.edits.additionalGroups.isEmpty ? "" : ", and a worker joins no groups (additionalGids)"),
        hint: "let them, by a udev rule: KERNEL==\"\(source.lastComponent)\", MODE=\"0666\"")
      return nil
    }
    // Read-only nodes are common and meant so; one that needs a group to be written to isn't.
    guard access.isSuperset(of: node.access.subtracting(.makeNode)) || candidate.edits.additionalGroups.isEmpty else {
      let groups = candidate.edits.additionalGroups.map(String.init).joined(separator: ", ")
      refuse(
        "\(source) can only be written to by groups (additionalGids: \(groups)), and a worker is in none but its own",
        hint: "let the users that plugins run as write to it, by a udev rule: "
          + "KERNEL==\"\(source.lastComponent)\", MODE=\"0666\"")
      return nil
    }
    return GPU.Node(
      source: source, target: node.path, major: major, minor: minor,
      access: access.contains(.write) && node.access.contains(.write) ? .readWrite : .readOnly)
  }

  private mutating func leftOut(_ path: AbsolutePath) -> GPU.Node? {
    notes.append("\(path) is not shown: it leads to the display")
    return nil
  }

  /// By name, where it isn't there.
  private static func isDisplay(_ path: AbsolutePath) -> Bool {
    path.text == "/dev/nvidia-modeset" || path.text.hasPrefix("/dev/dri/card")
  }

  /// NVIDIA's mode setting; of the direct rendering manager all but the render nodes, drm(7).
  private static func isDisplay(major: UInt32, minor: UInt32) -> Bool {
    (major == 195 && minor == 254) || (major == 226 && minor < 128)
  }

  /// Nil for what is refused, and for sockets.
  mutating func mount(_ mount: CDIEdits.Mount) -> GPU.Mount? {
    switch mount.type {
    case nil, "", "bind", "none": break
    case .some(let type):
      refuse(
        "it wants a mount of the type \(type.quoted), which no sandbox has", hint: "use a device that doesn't need it")
      return nil
    }
    let target = mount.containerPath
    switch host.found[mount.hostPath] {
    case .file(let source, let soname):
      let isLibrary = GPU.Library.isName(target.lastComponent)
      return GPU.Mount(
        source: source, target: target, kind: .file, isAtSamePlace: isAtSamePlace(target, source),
        libraries: isLibrary ? [GPU.Library(path: target, soname: soname)] : [])
    case .directory(let source):
      let libraries = candidate.indexed.filter { $0.inside.isEqualToOrBeneath(target) }.flatMap { directory in
        (host.libraries[directory.host] ?? [:]).sorted { $0.key < $1.key }.compactMap { name, soname in
          directory.inside.appending(name).map { GPU.Library(path: $0, soname: soname) }
        }
      }
      return GPU.Mount(
        source: source, target: target, kind: .directory, isAtSamePlace: isAtSamePlace(target, source),
        libraries: libraries)
    case .other:
      notes.append("\(target) is not shown: no worker talks to a daemon of the host")
    case .characterDevice: refuse("\(mount.hostPath) is a device among the mounts")
    case nil: refuse("\(mount.hostPath) isn't there")
    }
    return nil
  }

  private func isAtSamePlace(_ target: AbsolutePath, _ source: AbsolutePath) -> Bool {
    host.found[target]?.location == source
  }
}
