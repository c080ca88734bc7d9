import LinuxSystem
import PipelineEngine
import PluginModel

/// What the nodes of a run said, a line of JSON each, in the file `log.jsonl` of its directory. What is said while the disk is busy is
/// written together.
actor RunLog {
  static let name = "log.jsonl"
  /// Bytes. What comes after is left out, and a last line says so.
  static let limit = 64 << 20

  private let path: String
  private let files: DedicatedThread
  private var pending = ""
  private var bytes: Int
  private var writing: Task<Void, Never>?
  private var isFull = false

  /// - Parameter bytes: what is there already, of a run that goes on.
  init(directory: String, bytes: Int, files: DedicatedThread) {
    path = "\(directory)/\(Self.name)"
    self.bytes = bytes
    self.files = files
  }

  /// Doesn't wait for the disk.
  nonisolated func add(_ events: [RunEvent]) async {
    let said = events.filter(\.isSaid)
    if !said.isEmpty { await append(said) }
  }

  private func append(_ events: [RunEvent]) {
    for event in events { append(event) }
    if writing == nil { writing = Task { await self.write() } }
  }

  private func append(_ event: RunEvent) {
    guard !isFull else { return }
    let line = event.jsonValue.text() + "\n"
    if bytes + line.utf8.count > Self.limit {
      isFull = true
      pending += #"{"event":"log_full"}"# + "\n"
    } else {
      pending += line
      bytes += line.utf8.count
    }
  }

  func finish() async { await writing?.value }

  private func write() async {
    while !pending.isEmpty {
      let text = pending
      pending = ""
      // A log that can't be written is no reason to end a run: the journal will say it.
      await files.run { [path] in try? LockedFile(path).append(text) }
    }
    writing = nil
  }
}

extension RunEvent {
  /// By a node.
  fileprivate var isSaid: Bool {
    switch content {
    case .nodeReport(.log), .nodeReport(.output): true
    case .nodeReport(.started), .nodeReport(.progress), .nodeReport(.tests), .runStarted, .nodeState, .nodeRetry,
      .nodesAdded, .nodeFailed, .runFinished:
      false
    }
  }
}

/// Shows a run, and keeps what its nodes say and when.
struct KeepingObserver: RunObserver {
  let shown: any RunObserver
  let log: RunLog
  let recorder: TimelineRecorder

  func handle(_ events: [RunEvent]) async {
    await log.add(events)
    await recorder.add(events)
    await shown.handle(events)
  }

  func finish() async {
    await log.finish()
    await shown.finish()
  }
}
