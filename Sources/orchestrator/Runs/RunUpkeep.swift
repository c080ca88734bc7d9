import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// Keeps the state directory from growing for ever.
extension RunStore {
  /// The cache is cut to it, what was used longest ago first. Bytes.
  static let cacheLimit = 16 << 30
  /// Between two collections of the store of results, in seconds.
  private static let interval: Int64 = 24 * 3600
  private static let stamp = "collected"

  /// Forgets the oldest runs, and once a day removes what nothing refers to any more. What fails is done another time.
  func tidy() async {
    let runs = (try? await database.runs()) ?? []
    var old: [String] = []
    for run in runs.dropLast(RunReports.kept) where await holder(of: run.identifier) == nil {
      old.append(run.identifier)
    }
    try? await remove(old, workspaces: false)
    let now = ProcessEnvironment.millisecondsSince1970() / 1000
    let isDue = await files.run { [state] in
      guard let directory = try? Directory(opening: state) else { return false }
      if let last = try? directory.status(Self.stamp), now - last.modified.seconds < Self.interval { return false }
      return (try? directory.replace(Self.stamp, with: [], permissions: 0o600)) != nil
    }
    if isDue { _ = try? await collect(cacheLimit: Self.cacheLimit) }
  }

  struct Collected: Sendable {
    var entries: Int
    var objects: ArtifactCollection.Report
  }

  /// Cuts the cache to `cacheLimit` bytes and removes what nothing refers to any more.
  func collect(cacheLimit: Int) async throws(CommandFailure) -> Collected {
    let entries = try await asking { database throws(StateStoreError) in try await database.cacheEntries() }
    var bytes = entries.reduce(0) { $0 + $1.bytes }
    let excess = entries.prefix { entry in
      defer { bytes -= entry.bytes }
      // An entry of nothing goes with the others: a limit of 0 empties the cache.
      return bytes > cacheLimit || cacheLimit == 0
    }
    let references = try await asking { database throws(StateStoreError) in
      try await database.forget(cached: excess.map(\.key))
      return try await database.references()
    }
    do throws(ArtifactError) {
      let report = try await artifacts.collect(
        keeping: references, now: ProcessEnvironment.millisecondsSince1970() / 1000)
      return Collected(entries: excess.count, objects: report)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Removes runs that nobody carries out, with their reports and logs.
  /// - Parameter workspaces: and what they wrote, where the run had a workspace of its own.
  func remove(_ runs: [String], workspaces: Bool) async throws(CommandFailure) {
    guard !runs.isEmpty else { return }
    try await asking { database throws(StateStoreError) in try await database.remove(runs: runs) }
    await files.run { [state] in
      guard let directory = try? Directory(opening: state + "/runs") else { return }
      for run in runs {
        guard let own = try? directory.directory(run) else { continue }
        let names = [
          RunLog.name, RunReports.name, RunFiles.keptPage, WaitingNotes.name, RunLock.name, Self.placingName,
        ]
        for name in names { try? own.remove(name) }
        if workspaces, let tree = try? Tree(opening: "\(state)/runs/\(run)") {
          try? tree.remove(EntryName("workspace"))
        }
        try? own.removeDirectory("workspace")
        try? directory.removeDirectory(run)
      }
    }
  }
}
