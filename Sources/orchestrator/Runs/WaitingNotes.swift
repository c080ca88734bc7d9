import LinuxSystem
import PipelineEngine
import PluginModel
import Scheduling

/// What the queued nodes of a run wait for, written down a few times in a second for other processes to read: the file `waiting.json` of
/// the run's directory.
struct WaitingNotes: Sendable {
  static let name = "waiting.json"
  /// Nodes that are told of; the others are counted.
  static let most = 1000
  private static let interval: Int64 = 500

  let places: Dispatcher
  let run: String
  let directory: String
  let files: DedicatedThread
  let clock: any RunClock

  /// Until the task is cancelled.
  func write() async {
    // Of a process that died.
    await remove()
    var last: JSONValue?
    while (try? await clock.sleep(milliseconds: Self.interval)) != nil {
      let notes = await notes()
      guard notes != last else { continue }
      last = notes
      let text = notes.text()
      await files.run { [directory] in
        try? Directory(opening: directory).replace(Self.name, with: Array(text.utf8), permissions: 0o600)
      }
    }
    await remove()
  }

  private func remove() async {
    await files.run { [directory] in try? Directory(opening: directory).remove(Self.name) }
  }

  private func notes() async -> JSONValue {
    let identifier = RunIdentifier(run)
    let waiting = await places.waiting(of: identifier, limit: Self.most)
    let count = await places.waitingCount(of: identifier)
    let names = await places.names(in: identifier)
    // Of the day: who reads it has another clock. In tenths of a second, so that it doesn't change while nothing does.
    let offset = ProcessEnvironment.millisecondsSince1970() - clock.now()
    let entries = waiting.map { waiting -> JSONValue in
      [
        "node": .string(names[waiting.node]?.text ?? "\(waiting.node)"),
        "reason": .string(waiting.reason.text { names[$0.node]?.text ?? "\($0.node)" }),
        "since_ms": .integer((waiting.reason.since + offset) / 100 * 100),
      ]
    }
    return .object([
      .init("waiting", .array(entries)), .init("further_count", .integer(Int64(count - waiting.count))),
    ])
  }
}
