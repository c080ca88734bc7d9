import PluginModel

/// Which GPU is whose: a GPU has one worker at a time. Requests are met in the order in which they came, so that one for many is
/// never overtaken for ever by those for few. Pure: whoever holds it acts on what it returns.
package struct GPUAllocator: Sendable {
  package struct Ticket: Hashable, Sendable {
    fileprivate var number: UInt64
  }

  private struct Request: Sendable {
    var ticket: Ticket
    var demand: GPUDemand
    var plugin: PluginName
  }

  private let inventory: GPUInventory
  private var taken: Set<CDIDeviceReference> = []
  /// Another supervisor of this host has them.
  package private(set) var elsewhere: Set<CDIDeviceReference> = []
  /// Who had it last: an idle worker of that plugin may still be there.
  private var lastPlugin: [CDIDeviceReference: PluginName] = [:]
  /// Oldest first.
  private var waiting: [Request] = []
  private var nextNumber: UInt64 = 0

  package init(_ inventory: GPUInventory) { self.inventory = inventory }

  package mutating func makeTicket() -> Ticket {
    defer { nextNumber += 1 }
    return Ticket(number: nextNumber)
  }

  /// Waits in line, even where it could be met at once: ask ``granted()`` then.
  package mutating func request(_ demand: GPUDemand, for plugin: PluginName, _ ticket: Ticket) {
    waiting.append(Request(ticket: ticket, demand: demand, plugin: plugin))
  }

  /// At the head of the line, again: what it was granted turned out to be another supervisor's.
  package mutating func requestAgain(_ demand: GPUDemand, for plugin: PluginName, _ ticket: Ticket) {
    waiting.insert(Request(ticket: ticket, demand: demand, plugin: plugin), at: 0)
  }

  package mutating func markElsewhere(_ devices: Set<CDIDeviceReference>) { elsewhere = devices }

  /// Those at the head of the line that can be met now, with what they get.
  package mutating func granted() -> [(ticket: Ticket, gpus: [GPU])] {
    var granted: [(ticket: Ticket, gpus: [GPU])] = []
    while let next = waiting.first, let gpus = free(for: next) {
      waiting.removeFirst()
      for gpu in gpus {
        taken.insert(gpu.reference)
        lastPlugin[gpu.reference] = next.plugin
      }
      granted.append((next.ticket, gpus))
    }
    return granted
  }

  /// - Returns: false where it isn't waiting any more.
  package mutating func withdraw(_ ticket: Ticket) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
    waiting.remove(at: index)
    return true
  }

  package mutating func release(_ gpus: [GPU]) { taken.subtract(gpus.map(\.reference)) }

  /// Those that the same plugin had last come first, because a worker of its may still be there; then those that nobody had.
  private func free(for request: Request) -> [GPU]? {
    guard let candidates = inventory.candidates(for: request.demand) else { return nil }
    let free = candidates.enumerated().filter {
      !taken.contains($0.element.reference) && !elsewhere.contains($0.element.reference)
    }
    guard free.count >= request.demand.count else { return nil }
    func rank(_ gpu: GPU) -> Int {
      switch lastPlugin[gpu.reference] {
      case request.plugin: 0
      case nil: 1
      case .some: 2
      }
    }
    let best = free.sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
    // Among themselves in the order of their names: the same GPUs are the same assignment.
    return best.prefix(request.demand.count).sorted { $0.offset < $1.offset }.map(\.element)
  }
}
