/// A class of nodes that ask for the same.
struct RequestClass: Sendable {
  let request: ResourceRequest
  let brief: HostBrief
  let claims: [Semaphores.Claim]
  /// How many of its nodes are queued.
  var pending = 0
  var fit = Fit.unknown
  /// When the first of its nodes came, or the last was started: milliseconds.
  var waitingSince: Int64 = 0
  var ranking = HostRanking()
  /// When it was last seen that some host could meet it if it were empty, and that none could: by ``Scheduler/capacityEpoch``.
  var possibleEpoch = -1
  var hopelessEpoch = -1

  /// Where one of its nodes may fit now.
  enum Fit: Hashable, Sendable {
    case unknown
    /// It fitted nowhere, and since then only this host has become emptier.
    case only(Int)
    /// It was tried, and since then nothing has become free that would do.
    case nowhere
  }

  init(_ request: ResourceRequest, _ claims: [Semaphores.Claim]) {
    self.request = request
    self.claims = claims
    brief = HostBrief(request)
  }
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
  /// Of `waiting`, those that may fit somewhere.
  private(set) var openSet = SlotSet()
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
    let new = RequestClass(request, claims)
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
    classes[slot].fit = .unknown
    openCount += 1
    openSet.insert(slot)
    positions[slot] = waiting.count
    waiting.append(slot)
  }

  mutating func nodeLeft(_ slot: Int) {
    classes[slot].pending -= 1
    guard classes[slot].pending == 0 else { return }
    close(slot)
    let position = positions[slot]
    waiting.swapAt(position, waiting.count - 1)
    waiting.removeLast()
    if position < waiting.count { positions[waiting[position]] = position }
    positions[slot] = -1
    idle.append(slot)
    if idle.count > 2 * Self.mostIdle { forgetIdle() }
  }

  /// Something was given back: on `host`, or anywhere.
  mutating func open(_ slot: Int, on host: Int? = nil) {
    guard classes[slot].pending > 0 else { return }
    if classes[slot].fit == .nowhere {
      openCount += 1
      openSet.insert(slot)
      classes[slot].fit = host.map { .only($0) } ?? .unknown
    } else if host.map({ classes[slot].fit != .only($0) }) ?? true {
      classes[slot].fit = .unknown
    }
  }

  /// It fits nowhere.
  mutating func close(_ slot: Int) {
    guard classes[slot].fit != .nowhere else { return }
    classes[slot].fit = .nowhere
    openCount -= 1
    openSet.remove(slot)
  }

  /// The best host for one of its nodes; nil where it fits on none.
  mutating func best(_ slot: Int, _ hosts: HostTable) -> Int? {
    let (request, brief) = (classes[slot].request, classes[slot].brief)
    switch classes[slot].fit {
    case .nowhere: return nil
    case .only(let host): return hosts.fits(request, brief, on: host) ? host : nil
    case .unknown: return hosts.best(request, &classes[slot].ranking)
    }
  }

  /// The later half of what is idle stays.
  private mutating func forgetIdle() {
    var seen: Set<Int> = []
    let last = idle.reversed().filter { classes[$0].pending == 0 && seen.insert($0).inserted }
    for slot in last.dropFirst(Self.mostIdle) {
      slots[classes[slot].request] = nil
      classes[slot] = RequestClass(ResourceRequest(), [])
      empty.append(slot)
    }
    idle = last.prefix(Self.mostIdle).reversed()
  }
}
