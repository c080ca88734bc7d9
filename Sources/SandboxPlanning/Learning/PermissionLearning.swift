import PluginModel

/// A permission that was granted while learning, or a part of it, with what speaks for it.
package struct LearnedPermission: Hashable, Sendable {
  package var permission: Permission
  /// Of what it had; covers ``permission``.
  package var granted: Permission
  package var evidence: [String]
}

package struct UnneededPermission: Hashable, Sendable {
  package var permission: Permission
  package var why: String
}

/// Narrows what a plugin had to what it used. Each use counts for one granted permission, and what is proposed is always a part of one:
/// whatever a plugin names, it can't name more than it has.
struct PermissionLearning {
  private let evidence: LearningEvidence
  private(set) var needed: [LearnedPermission] = []
  private(set) var unneeded: [UnneededPermission] = []

  init(_ evidence: LearningEvidence) {
    self.evidence = evidence
    // What may be written may be read: the reading of that takes nothing of its own.
    let writesFirst = evidence.granted.filter { $0.name == .filesystemWrite }
    for granted in writesFirst + evidence.granted.filter({ $0.name != .filesystemWrite }) {
      let found: [LearnedPermission] =
        switch granted {
        case .filesystemRead(nil), .filesystemWrite(nil): workspace(granted)
        case .filesystemRead(.some(let root)), .filesystemWrite(.some(let root)):
          FileLearning(root, granted, evidence, having: needed.map(\.permission)).found
        case .networkSocket([]): everything(granted)
        case .networkHTTP, .networkSocket: network(granted)
        case .systemExec: programs(granted)
        case .gpuAccess: gpus(granted)
        case .memoryUnlimited: memory(granted)
        }
      if found.isEmpty {
        unneeded.append(UnneededPermission(permission: granted, why: "it had it, and nothing was seen that takes it"))
      }
      needed += found.filter { new in !needed.contains { $0.permission == new.permission } }
    }
    for one in needed {
      guard let wider = needed.first(where: { $0.permission != one.permission && $0.permission.covers(one.permission) })
      else { continue }
      needed.removeAll { $0.permission == one.permission }
      unneeded.append(
        UnneededPermission(permission: one.granted, why: "\(wider.permission) gives it what it used of it"))
    }
    unneeded.removeAll { item in needed.contains { $0.permission == item.permission } }
    let had = evidence.granted
    for asked in Set(evidence.asked).sorted() where !had.contains(where: { asked.asks(for: $0) || $0.covers(asked) }) {
      unneeded.append(
        UnneededPermission(permission: asked, why: "its manifest asks for it; it didn't have it, and the run succeeded")
      )
    }
    unneeded.sort { $0.permission < $1.permission }
    needed.sort { $0.permission < $1.permission }
  }

  // MARK: The workspace

  private func workspace(_ granted: Permission) -> [LearnedPermission] {
    let uses = evidence.uses(under: Inside.workspace)
    let writes = uses.filter(\.isWriting)
    switch granted {
    case .filesystemWrite(nil):
      if !writes.isEmpty { return [learned(granted, of: granted, LearningReason.words(writes.map(\.told)))] }
      // What it had besides is enough.
      guard !uses.isEmpty, !evidence.granted.contains(.filesystemRead(nil)) else { return [] }
      let less = Permission.filesystemRead(nil)
      let reasons = LearningReason.words(uses.map(\.told))
      return evidence.mayAsk(for: less)
        ? [learned(less, of: granted, reasons)]
        : [learned(granted, of: granted, reasons + ["only read; its manifest asks for nothing less"])]
    case .filesystemRead(nil):
      // Whoever may write may read: then the reading counts there.
      let isWritten = !writes.isEmpty && evidence.granted.contains(.filesystemWrite(nil))
      let reads = uses.filter { !$0.isWriting }
      guard !reads.isEmpty, !isWritten else { return [] }
      return [learned(granted, of: granted, LearningReason.words(reads.map(\.told)))]
    default: return []
    }
  }

  private func learned(_ permission: Permission, of granted: Permission, _ reasons: [String]) -> LearnedPermission {
    LearnedPermission(permission: permission, granted: granted, evidence: reasons)
  }

  // MARK: The network

  /// More hosts than this aren't listed one by one: what was granted stays.
  private static let hostLimit = 32

  /// No relay sees where its packets go: that it connected at all is what is known.
  private func everything(_ granted: Permission) -> [LearnedPermission] {
    let uses = evidence.nodes.compactMap { node -> LearnedUse? in
      let count = ["connect", "sendto"].reduce(0) { $0 &+ (node.observation.calls[$1] ?? 0) }
      return count > 0
        ? LearnedUse(node: node.name, verb: "connected or sent", object: "to something", count: count) : nil
    }
    guard !uses.isEmpty else { return [] }
    let advice = "where to isn't seen where everything is granted: name the endpoints, if you know them"
    return [learned(granted, of: granted, LearningReason.words(uses) + [advice])]
  }

  private func network(_ granted: Permission) -> [LearnedPermission] {
    var items: [String] = []
    var uses: [LearnedUse] = []
    var isWhole = true
    for node in evidence.nodes {
      if node.egress?.furtherReached ?? 0 > 0 { isWhole = false }
      for place in node.egress?.reached ?? [] {
        guard let narrow = narrowest(place), evidence.covering(narrow) == granted else { continue }
        let item = narrow.scope ?? ""
        if !items.contains(item) { items.append(item) }
        uses.append(
          LearnedUse(node: node.name, verb: "connected to", object: "\(place.host):\(place.port)", count: place.count))
      }
    }
    guard !items.isEmpty else { return [] }
    var reasons = LearningReason.words(uses)
    let narrow = granted.with(items.sorted())
    guard isWhole, items.count <= Self.hostLimit, let narrow, granted.covers(narrow) else {
      reasons.append("more hosts than are listed one by one: what was granted")
      return [learned(granted, of: granted, reasons)]
    }
    return [learned(narrow, of: granted, reasons)]
  }

  /// As the relay let it through: what `network.socket` names isn't looked at, even where `network.http` covers it too.
  private func narrowest(_ place: EgressUse.Destination) -> Permission? {
    if let socket = try? Permission("network.socket:\(place.host):\(place.port)"), evidence.covering(socket) != nil {
      return socket
    }
    guard let http = try? Permission("network.http:\(place.host)") else { return nil }
    return evidence.covering(http).map { _ in http }
  }

  // MARK: Programs

  private func programs(_ granted: Permission) -> [LearnedPermission] {
    var names: [String] = []
    var uses: [LearnedUse] = []
    var needsAll = !evidence.canListPrograms
    for use in evidence.uses(under: .root) where use.path.uses.contains(.execute) && evidence.places[use.place] == .file
    {
      guard let needed = Permission.starting(use.path.path), case .systemExec(let programs) = needed else { continue }
      if programs.isEmpty { needsAll = true }
      guard programs.isEmpty || evidence.covering(needed) == granted else { continue }
      uses.append(use.told(as: "started"))
      names += programs.filter { !names.contains($0) }
    }
    guard !uses.isEmpty else { return [] }
    let reasons = LearningReason.words(uses)
    guard !needsAll, let narrow = granted.with(names.sorted()), granted.covers(narrow) else {
      let why =
        evidence.canListPrograms
        ? "some lie where only system.exec for all reaches" : "a list of programs needs Linux 6.3 or newer"
      return [learned(granted, of: granted, granted.scope == nil ? reasons + [why] : reasons)]
    }
    return [learned(narrow, of: granted, reasons)]
  }

  // MARK: GPUs and memory

  private func gpus(_ granted: Permission) -> [LearnedPermission] {
    guard let node = evidence.nodes.max(by: { $0.gpus < $1.gpus }), node.gpus > 0 else { return [] }
    let narrow = Permission.gpuAccess(count: node.gpus)
    let reasons = ["\(node.name) asks for \(node.gpus == 1 ? "one GPU" : "\(node.gpus) GPUs")"]
    return [learned(granted.covers(narrow) ? narrow : granted, of: granted, reasons)]
  }

  private func memory(_ granted: Permission) -> [LearnedPermission] {
    let limit = evidence.base.resources.memory.value
    let peaks = evidence.nodes.compactMap(\.memoryPeak)
    guard let peak = peaks.max() else { return [learned(granted, of: granted, ["nobody counted its memory here"])] }
    guard peak > limit else { return [] }
    return [
      learned(
        granted, of: granted, ["it had \(ByteCount(peak)), and \(evidence.base.name) gives \(ByteCount(limit))"])
    ]
  }
}

// MARK: - What the evidence says

/// A path that a node named, as a place that could be granted.
struct PlaceUse: Hashable, Sendable {
  var node: String
  var place: AbsolutePath
  var path: ObservedPath

  var isWriting: Bool { !path.uses.isDisjoint(with: [.write, .change]) }

  var told: LearnedUse {
    let verb =
      path.uses.contains(.change)
      ? "made, changed or removed"
      : path.uses.contains(.write)
        ? "wrote" : path.uses.contains(.list) ? "listed" : path.uses.contains(.read) ? "read" : "looked at"
    return told(as: verb)
  }

  func told(as verb: String) -> LearnedUse {
    LearnedUse(node: node, verb: verb, object: path.path.text, count: path.count)
  }
}

extension LearningEvidence {
  /// What isn't a path that can be granted is left out: nothing can be proposed for it.
  func uses(under root: AbsolutePath) -> [PlaceUse] {
    nodes.flatMap { node in
      node.observation.paths.compactMap { path in
        guard let place = path.place, place.isEqualToOrBeneath(root) else { return nil }
        return PlaceUse(node: node.name, place: place, path: path)
      }
    }
  }

  /// The one of what was granted that a use counts for: the narrowest that covers it. Of paths the deepest; of two for one path, that for
  /// reading.
  func covering(_ permission: Permission) -> Permission? {
    let covering = granted.filter { $0.covers(permission) }
    func depth(_ permission: Permission) -> Int {
      switch permission {
      case .filesystemRead(let path): 2 * (path?.components.count ?? 0) + 1
      case .filesystemWrite(let path): 2 * (path?.components.count ?? 0)
      case .networkHTTP, .networkSocket, .systemExec, .gpuAccess, .memoryUnlimited: 0
      }
    }
    let deepest = covering.map(depth).max()
    let narrow = covering.filter { depth($0) == deepest }
    return narrow.first { one in narrow.allSatisfy { $0.covers(one) } } ?? narrow.first
  }

  func mayAsk(for permission: Permission) -> Bool { asked.contains { $0.asks(for: permission) } }
}

extension Permission {
  /// The same name with this scope; nil where it has no lists.
  fileprivate func with(_ items: [String]) -> Permission? {
    guard !items.isEmpty else { return nil }
    return switch self {
    case .networkHTTP: .networkHTTP(hosts: items)
    case .networkSocket: .networkSocket(endpoints: items)
    case .systemExec: .systemExec(programs: items)
    case .filesystemRead, .filesystemWrite, .gpuAccess, .memoryUnlimited: nil
    }
  }
}
