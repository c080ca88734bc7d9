import LinuxSystem

/// How many watch runs, of each token and in all: each holds a connection.
final class WatcherCount: Sendable {
  struct Limits: Sendable {
    var all = 1500
    var ofOne = 1200
  }

  private struct State {
    var byName: [String: Int] = [:]
    var all = 0
    var isEnding = false
  }

  private let state = Lock(State())
  private let limits: Limits

  init(_ limits: Limits = Limits()) { self.limits = limits }

  /// The server ends: nobody watches any more.
  func end() { state.withLock { $0.isEnding = true } }
  var isEnding: Bool { state.withLock { $0.isEnding } }
  var count: Int { state.withLock { $0.all } }

  /// - Returns: nil where there are too many.
  func take(_ name: String) -> Place? {
    let isTaken = state.withLock { state in
      guard state.all < limits.all, state.byName[name, default: 0] < limits.ofOne else { return false }
      state.all += 1
      state.byName[name, default: 0] += 1
      return true
    }
    return isTaken ? Place(count: self, name: name) : nil
  }

  /// Of one watcher, until it is given back or forgotten.
  final class Place: Sendable {
    private let count: WatcherCount
    private let name: String
    private let isHeld = Lock(true)

    fileprivate init(count: WatcherCount, name: String) {
      self.count = count
      self.name = name
    }

    deinit { giveBack() }

    func giveBack() {
      let wasHeld = isHeld.withLock { held in
        defer { held = false }
        return held
      }
      if wasHeld { count.leave(name) }
    }
  }

  private func leave(_ name: String) {
    state.withLock { state in
      state.all -= 1
      state.byName[name, default: 1] -= 1
      if state.byName[name] == 0 { state.byName[name] = nil }
    }
  }
}
