import Scheduling

/// Devices that the processes of this host have by turns. Asked for nodes that are given some, and for no others.
package protocol DeviceHolding: Sendable {
  /// Takes all of them for this process, or none. What it has already stays.
  /// - Returns: those that others have; empty: all were taken.
  /// - Throws: when it can't be made sure that nobody else has them.
  func take(_ devices: [GPUIdentifier]) async throws(NodeFailure) -> [HeldDevice]

  /// - Parameters:
  ///   - elsewhere: what others had.
  ///   - isWaiting: somebody here waits for those, and the others are to know it until this is called again.
  ///   - kept: what this process has and doesn't use.
  /// - Returns: those of `elsewhere` that nobody has now, and those of `kept` that others wait for.
  func look(
    at elsewhere: [GPUIdentifier], isWaiting: Bool, kept: [GPUIdentifier]
  ) async -> (free: Set<GPUIdentifier>, wanted: Set<GPUIdentifier>)

  /// Lets others have them, once nothing is left here that could still use them.
  func letGo(_ devices: Set<GPUIdentifier>) async
}

/// A device that another process has, and which one, where that is known.
package struct HeldDevice: Hashable, Sendable {
  package var device: GPUIdentifier
  package var process: Int32?

  package init(device: GPUIdentifier, process: Int32? = nil) {
    self.device = device
    self.process = process
  }

  static func words(_ devices: [Self]) -> String {
    let names = devices.map { device in "\(device.device)" + (device.process.map { " (process \($0))" } ?? "") }
    return "waits for what another orchestrator has: \(names.joined(separator: ", "))"
  }
}

/// Whose the devices are of which the processes of a host have each at a time. Pure: ``Dispatcher`` acts on it.
///
/// A device that its last node gave back stays taken: an idle worker may still be there for the next one. It is let go when another
/// process waits for it.
struct DeviceUse: Sendable {
  /// Nodes that need devices and have none.
  var waiting: Set<NodeReference> = []
  /// Devices that this process hasn't for sure, because another was seen to have them.
  private(set) var elsewhere: [GPUIdentifier: HostIdentifier] = [:]
  /// By device, those who have any of it or are about to.
  private var users: [GPUIdentifier: Set<NodeReference>] = [:]
  private var given: [NodeReference: Assignment] = [:]
  /// What this process has, whether it uses it or not.
  private var taken: [GPUIdentifier: HostIdentifier] = [:]
  /// Nodes for which devices are just being taken; false: it isn't wanted any more.
  private var taking: [NodeReference: Bool] = [:]
  /// Nodes that were told once what they wait for.
  private var told: Set<NodeReference> = []

  var kept: [GPUIdentifier: HostIdentifier] { taken.filter { users[$0.key] == nil } }
  var needsLooking: Bool { !kept.isEmpty || !elsewhere.isEmpty && !waiting.isEmpty }

  mutating func takes(_ assignment: Assignment) {
    waiting.remove(assignment.node)
    given[assignment.node] = assignment
    taking[assignment.node] = true
    for grant in assignment.gpus { users[grant.device, default: []].insert(assignment.node) }
  }

  /// All of it is this process's.
  /// - Returns: whether the node still wants it; and those that were thought to be another's, because one that shares them was told so.
  mutating func hasTaken(_ assignment: Assignment) -> (isWanted: Bool, found: [GPUIdentifier: HostIdentifier]) {
    var found: [GPUIdentifier: HostIdentifier] = [:]
    for grant in assignment.gpus {
      taken[grant.device] = assignment.host
      found[grant.device] = elsewhere.removeValue(forKey: grant.device)
    }
    told.remove(assignment.node)
    return (taking.removeValue(forKey: assignment.node) ?? false, found)
  }

  /// The node has nothing of what it was to have.
  /// - Returns: whether it still wants it; and those that another has. One that this process has by now isn't: whoever shares it was
  ///   quicker.
  mutating func hasNotTaken(_ assignment: Assignment, _ missing: [HeldDevice]) -> (isWanted: Bool, held: [HeldDevice]) {
    giveBack(assignment.node)
    let held = missing.filter { taken[$0.device] == nil }
    for device in held { elsewhere[device.device] = assignment.host }
    let isWanted = taking.removeValue(forKey: assignment.node) ?? false
    if isWanted, !missing.isEmpty { waiting.insert(assignment.node) } else { told.remove(assignment.node) }
    return (isWanted, held)
  }

  /// - Returns: true the first time.
  mutating func tellsOnce(_ node: NodeReference) -> Bool { told.insert(node).inserted }

  mutating func withdraw(_ node: NodeReference) {
    waiting.remove(node)
    if taking[node] != nil { taking[node] = false } else { told.remove(node) }
  }

  mutating func withdrawAll(of run: RunIdentifier) {
    for node in waiting.union(taking.keys) where node.run == run { withdraw(node) }
  }

  mutating func giveBack(_ node: NodeReference) {
    for grant in given.removeValue(forKey: node)?.gpus ?? [] {
      users[grant.device]?.remove(node)
      if users[grant.device]?.isEmpty == true { users[grant.device] = nil }
    }
  }

  /// What others want and nobody here uses is theirs.
  mutating func letGo(_ wanted: Set<GPUIdentifier>) -> [GPUIdentifier: HostIdentifier] {
    let devices = kept.filter { wanted.contains($0.key) }
    for (device, host) in devices {
      taken[device] = nil
      elsewhere[device] = host
    }
    return devices
  }

  mutating func isFree(_ devices: some Sequence<GPUIdentifier>) { for device in devices { elsewhere[device] = nil } }
}
