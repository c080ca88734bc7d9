/// What a service tells its manager, and when: sd_notify(3). A state machine that returns the datagrams. Pure.
package struct ServiceNotices: Sendable {
  package enum Event: Hashable, Sendable {
    /// Everybody may connect. The text is for people.
    case listening(String)
    /// For people; told only when it has changed.
    case status(String)
    /// What can change is read anew, from this time on: microseconds of CLOCK_MONOTONIC.
    case reloading(at: UInt64)
    /// Of each ``reloading(at:)``, whatever came of it.
    case reloaded
    /// Everything that answers has answered just now.
    case alive
    /// Ends, and may take so long for it.
    case ending(within: Duration)
  }

  private enum Phase { case starting, running, ending }

  /// Bytes of UTF-8.
  package static let longestStatus = 200

  private var phase = Phase.starting
  /// Those that are under way: what one has begun another doesn't end.
  private var reloads = 0
  private var status = ""

  package init() {}

  /// - Returns: one datagram; nil: there is nothing to tell.
  package mutating func message(for event: Event) -> String? {
    switch event {
    case .listening(let text):
      guard phase == .starting else { return nil }
      phase = .running
      status = Self.line(text)
      return Self.joined(["READY=1", "STATUS=\(status)"])
    case .status(let text):
      let line = Self.line(text)
      guard phase == .running, line != status else { return nil }
      status = line
      return Self.joined(["STATUS=\(line)"])
    case .reloading(let time):
      reloads += 1
      guard phase == .running else { return nil }
      // Told for each: who asked for one waits for a beginning that is later than the question.
      return Self.joined(["RELOADING=1", "MONOTONIC_USEC=\(time)"])
    case .reloaded:
      reloads = max(0, reloads - 1)
      guard phase == .running, reloads == 0 else { return nil }
      return Self.joined(["READY=1"])
    case .alive:
      // Before it is ready nobody counts, and afterwards it has its time to end.
      return phase == .running ? Self.joined(["WATCHDOG=1"]) : nil
    case .ending(let time):
      guard phase != .ending else { return nil }
      phase = .ending
      let microseconds = time.components.seconds * 1_000_000 + time.components.attoseconds / 1_000_000_000_000
      return Self.joined(["STOPPING=1", "STATUS=ending", "EXTEND_TIMEOUT_USEC=\(microseconds)"])
    }
  }

  /// One line, for a line break would begin another word to the manager.
  private static func line(_ text: String) -> String {
    var line = ""
    for character in text {
      let isText = character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
      let next = isText ? String(character) : " "
      guard line.utf8.count + next.utf8.count <= longestStatus else { break }
      line += next
    }
    return line
  }

  private static func joined(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}
