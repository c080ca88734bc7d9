/// A class of nodes that ask for the same.
struct RequestClass: Sendable {
  let request: ResourceRequest
  let claims: [Semaphores.Claim]
  /// How many of its nodes are queued.
  var pending = 0
  /// It may fit somewhere. False: it was tried, and since then nothing has become free that would do.
  var isOpen = true
  /// When the first of its nodes came, or the last was started: milliseconds.
  var waitingSince: Int64 = 0
  var ranking = HostRanking()
  /// When it was last seen that some host could meet it if it were empty, and that none could: by ``Scheduler/capacityEpoch``.
  var possibleEpoch = -1
  var hopelessEpoch = -1
}

/// The classes. One that has no queued node is kept for a while, with what it knows of the hosts.
struct ClassTable: Sendable {
  private var classes: [RequestClass] = []
  private var slots: [ResourceRequest: Int] = [:]
  private var empty: [Int] = []
  /// Those without queued nodes; and some that have some again.
  private var idle: [Int] = []
  /// Those with queued nodes, in no order that means anything.
  private(set) var waiting: [Int] = []
  private var positions: [Int] = []
  /// Of `waiting`, the open ones.
  private(set) var openCount = 0

  private static let mostIdle = 256

  subscript(slot: Int) -> RequestClass {
    _read { yield classes[slot] }
    _modify { yield &classes[slot] }
  }

  func slot(of request: ResourceRequest) -> Int? { slots[request] }
  var count: Int { slots.count }

  mutating func make(_ request: ResourceRequest, claims: [Semaphores.Claim]) -> Int {
    if let known = slots[request] { return known }
    let new = RequestClass(request: request, claims: claims)
    let slot = empty.popLast() ?? classes.count
    if slot == classes.count {
      classes.append(new)
      positions.append(-1)
    } else {
      classes[slot] = new
    }
    slots[request] = slot
    return slot
  }

  mutating func nodeCame(_ slot: Int, at now: Int64) {
    classes[slot].pending += 1
    guard classes[slot].pending == 1 else { return }
    classes[slot].waitingSince = now
    classes[slot].isOpen = true
    openCount += 1
    positions[slot] = waiting.count
    waiting.append(slot)
  }

  mutating func nodeLeft(_ slot: Int) {
    classes[slot].pending -= 1
    guard classes[slot].pending == 0 else { return }
    if classes[slot].isOpen { openCount -= 1 }
    let position = positions[slot]
    waiting.swapAt(position, waiting.count - 1)
    waiting.removeLast()
    if position < waiting.count { positions[waiting[position]] = position }
    positions[slot] = -1
    idle.append(slot)
    if idle.count > 2 * Self.mostIdle { forgetIdle() }
  }

  mutating func setOpen(_ slot: Int, _ isOpen: Bool) {
    guard classes[slot].pending > 0, classes[slot].isOpen != isOpen else { return }
    classes[slot].isOpen = isOpen
    openCount += isOpen ? 1 : -1
  }

  /// The best host for one of its nodes; nil where it fits on none.
  mutating func best(_ slot: Int, _ hosts: HostTable) -> Int? {
    let request = classes[slot].request
    return hosts.best(request, &classes[slot].ranking)
  }

  /// The later half of what is idle stays.
  private mutating func forgetIdle() {
    var seen: Set<Int> = []
    let last = idle.reversed().filter { classes[$0].pending == 0 && seen.insert($0).inserted }
    for slot in last.dropFirst(Self.mostIdle) {
      slots[classes[slot].request] = nil
      classes[slot] = RequestClass(request: ResourceRequest(), claims: [])
      empty.append(slot)
    }
    idle = last.prefix(Self.mostIdle).reversed()
  }
}
