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
    let waiting = await places.waitingNodes(of: RunIdentifier(run), limit: Self.most, clock: clock)
    // So that it doesn't change while nothing does.
    return waiting.json { $0 / 100 * 100 }
  }
}

/// The queued nodes of a run.
struct WaitingNodes: Sendable {
  /// With what they wait for, in words, and since when, in milliseconds since 1970: who reads it has another clock.
  var nodes: [(name: String, reason: String, since: Int64)]
  var furtherCount: Int

  /// - Parameter since: as it is told.
  func json(since: (Int64) -> Int64 = { $0 }) -> JSONValue {
    [
      "waiting": .array(
        nodes.map { node in
          ["node": .string(node.name), "reason": .string(node.reason), "since_ms": .integer(since(node.since))]
        }), "further_count": .integer(Int64(furtherCount)),
    ]
  }
}

extension Dispatcher {
  /// - Parameter clock: its own.
  func waitingNodes(of run: RunIdentifier, limit: Int, clock: any RunClock) -> WaitingNodes {
    let waiting = waiting(of: run, limit: limit)
    let offset = ProcessEnvironment.millisecondsSince1970() - clock.now()
    return WaitingNodes(
      nodes: waiting.map { waiting in
        let reason = waiting.reason.text { other in
          other.run == run ? name(of: other) : "\(name(of: other)) of the run \(other.run.text)"
        }
        return (name(of: waiting.reason.node), reason, waiting.reason.since + offset)
      }, furtherCount: max(0, waitingCount(of: run) - waiting.count))
  }
}
