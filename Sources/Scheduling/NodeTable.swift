/// A node that is queued or runs.
struct NodeRecord: Sendable {
  enum State: Sendable {
    case queued(classSlot: Int)
    case running(Running)
  }

  struct Running: Sendable {
    var hostSlot: Int
    var claim: HostClaim
    var assignment: Assignment
    /// The serial number of the reservation beside which it was started; nil: there was none, or it was for this node.
    var backfill: UInt64?
    /// Of its class, before it was started: milliseconds.
    var waitingSince: Int64
  }

  let reference: NodeReference
  let runSlot: Int
  let request: ResourceRequest
  let claims: [Semaphores.Claim]
  let entry: QueueEntry
  /// Milliseconds.
  let readyAt: Int64
  var state: State
}

struct NodeTable: Sendable {
  private var records: [NodeRecord?] = []
  private var slots: [NodeReference: Int] = [:]
  private var empty: [Int] = []

  var count: Int { slots.count }
  subscript(slot: Int) -> NodeRecord? { records[slot] }
  func slot(of reference: NodeReference) -> Int? { slots[reference] }
  /// Those that run, in no order.
  var running: some Sequence<(slot: Int, record: NodeRecord, running: NodeRecord.Running)> {
    records.indices.lazy.compactMap { slot in
      guard let record = records[slot], case .running(let running) = record.state else { return nil }
      return (slot, record, running)
    }
  }

  func isQueued(_ entry: QueueEntry) -> Bool {
    guard let record = records[entry.slot], record.entry.sequence == entry.sequence else { return false }
    if case .queued = record.state { return true }
    return false
  }

  /// - Parameter make: from the slot that it gets.
  mutating func add(_ reference: NodeReference, _ make: (Int) -> NodeRecord) -> Int {
    let slot = empty.popLast() ?? records.count
    if slot == records.count { records.append(make(slot)) } else { records[slot] = make(slot) }
    slots[reference] = slot
    return slot
  }

  mutating func setState(_ slot: Int, _ state: NodeRecord.State) { records[slot]?.state = state }

  mutating func remove(_ slot: Int) {
    guard let record = records[slot] else { return }
    slots[record.reference] = nil
    records[slot] = nil
    empty.append(slot)
  }
}
