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
  let nodes: [NodeName]
  let directory: String
  let files: DedicatedThread
  let clock: any RunClock

  /// Until the task is cancelled.
  func write() async {
    var last = ""
    while (try? await clock.sleep(milliseconds: Self.interval)) != nil {
      let text = await text()
      guard text != last else { continue }
      last = text
      await files.run { [directory] in
        try? Directory(opening: directory).replace(Self.name, with: Array(text.utf8), permissions: 0o600)
      }
    }
    await files.run { [directory] in try? Directory(opening: directory).remove(Self.name) }
  }

  private func text() async -> String {
    let identifier = RunIdentifier(run)
    let waiting = await places.waiting(of: identifier, limit: Self.most)
    let count = await places.waitingCount(of: identifier)
    let now = clock.now()
    let entries = waiting.map { waiting -> JSONValue in
      [
        "node": .string(nodes[waiting.node].text),
        "reason": .string(waiting.reason.text { name(of: $0) }),
        "since_ms": .integer(max(0, now - waiting.reason.since) / 1000 * 1000),
      ]
    }
    return JSONValue.object([
      .init("waiting", .array(entries)), .init("further_count", .integer(Int64(count - waiting.count))),
    ]).text()
  }

  private func name(of node: NodeReference) -> String {
    nodes.indices.contains(node.node) ? nodes[node.node].text : "\(node.node)"
  }
}
