/// A node in a queue. The higher key comes first; of equals, the one that came earlier.
struct QueueEntry: Sendable {
  /// Upward rank plus age. As all grow old at the same pace, what is added for age is the negative time of its arrival: the order never
  /// changes while they wait.
  var key: Int64
  /// Unlike any other entry's.
  var sequence: UInt64
  /// Where the node is in the table of nodes.
  var slot: Int

  static func precedes(_ left: QueueEntry, _ right: QueueEntry) -> Bool {
    left.key != right.key ? left.key > right.key : left.sequence < right.sequence
  }
}

/// The nodes of one run and one class that are queued.
struct ClassQueue: Sendable {
  let classSlot: Int
  /// Those that were withdrawn stay until they come to the top.
  var heap = PriorityHeap<QueueEntry>(by: QueueEntry.precedes)
  /// How many are really there.
  var count = 0
}

struct RunState: Sendable {
  let id: RunIdentifier
  let weight: Int
  /// In the order of submission.
  let sequence: UInt64
  var usage = Usage()
  /// The dominant share, divided by the weight.
  var share = 0.0
  var queues: [ClassQueue] = []
  /// By class; -1 where it has none.
  private var queueIndices: [Int] = []
  /// Those that it has queues of.
  private(set) var classes = SlotSet()
  var running = 0
  var isEnded = false

  init(id: RunIdentifier, weight: Int, sequence: UInt64) {
    self.id = id
    self.weight = weight
    self.sequence = sequence
  }

  func queueIndex(of classSlot: Int) -> Int? {
    guard classSlot < queueIndices.count, queueIndices[classSlot] >= 0 else { return nil }
    return queueIndices[classSlot]
  }

  mutating func enqueue(_ entry: QueueEntry, in classSlot: Int) {
    let index = queueIndex(of: classSlot) ?? queues.count
    if index == queues.count {
      queues.append(ClassQueue(classSlot: classSlot))
      while queueIndices.count <= classSlot { queueIndices.append(-1) }
      queueIndices[classSlot] = index
      classes.insert(classSlot)
    }
    queues[index].heap.push(entry)
    queues[index].count += 1
  }

  /// One that is gone from the table of nodes.
  /// - Parameter isLive: whether the node of an entry is still queued.
  mutating func dequeue(from classSlot: Int, isLive: (QueueEntry) -> Bool) {
    guard let index = queueIndex(of: classSlot) else { return }
    queues[index].count -= 1
    guard queues[index].count > 0 else {
      queueIndices[classSlot] = -1
      classes.remove(classSlot)
      queues.swapAt(index, queues.count - 1)
      queues.removeLast()
      if index < queues.count { queueIndices[queues[index].classSlot] = index }
      return
    }
    while let top = queues[index].heap.top, !isLive(top) { queues[index].heap.popTop() }
  }
}

/// The runs, and the order in which they are served: the one with the smallest weighted dominant share first; of equals, the one that
/// was submitted first.
struct RunTable: Sendable {
  struct Turn: Sendable {
    var share: Double
    var sequence: UInt64
    var slot: Int

    static func < (left: Turn, right: Turn) -> Bool { (left.share, left.sequence) < (right.share, right.sequence) }
  }

  private var runs: [RunState] = []
  private var empty: [Int] = []
  private var slots: [RunIdentifier: Int] = [:]
  private(set) var order: [Turn] = []
  private var nextSequence: UInt64 = 0

  func slot(of id: RunIdentifier) -> Int? { slots[id] }

  subscript(slot: Int) -> RunState {
    _read { yield runs[slot] }
    _modify { yield &runs[slot] }
  }

  mutating func add(_ id: RunIdentifier, weight: Int) {
    guard slots[id] == nil else { return }
    let run = RunState(id: id, weight: min(max(1, weight), 1_000_000), sequence: nextSequence)
    nextSequence += 1
    let slot = empty.popLast() ?? runs.count
    if slot == runs.count { runs.append(run) } else { runs[slot] = run }
    slots[id] = slot
    insert(slot)
  }

  mutating func remove(_ slot: Int) {
    order.remove(at: position(of: slot))
    slots[runs[slot].id] = nil
    empty.append(slot)
  }

  mutating func setShare(_ slot: Int, _ share: Double) {
    guard runs[slot].share != share else { return }
    order.remove(at: position(of: slot))
    runs[slot].share = share
    insert(slot)
  }

  private mutating func insert(_ slot: Int) {
    let turn = Turn(share: runs[slot].share, sequence: runs[slot].sequence, slot: slot)
    order.insert(turn, at: position(of: slot))
  }

  /// Where it is in the order, or belongs.
  private func position(of slot: Int) -> Int {
    let turn = Turn(share: runs[slot].share, sequence: runs[slot].sequence, slot: slot)
    var (low, high) = (0, order.count)
    while low < high {
      let middle = (low + high) / 2
      if order[middle] < turn { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
