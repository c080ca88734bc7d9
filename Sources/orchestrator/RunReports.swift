import LinuxSystem
import PipelineEngine
import PluginModel

/// The reports of the last runs: `STATE/runs/<run>/report.json`, what every node came to and was denied. Blocks while it works on
/// files.
struct RunReports: Sendable {
  /// So many are kept; those of older runs are removed, and what they wrote stays.
  static let kept = 200
  /// Bytes of one report. Nodes that don't fit are left out, the last ones first.
  static let limit = 4 << 20
  static let name = "report.json"
  private static let most = 100_000

  private let path: String

  init(state: String) { path = state + "/runs" }

  func keep(_ report: RunReport, as run: String) throws(FileError) {
    let runs = try Directory(making: path, permissions: 0o700)
    let directory = try Directory(making: "\(path)/\(run)", permissions: 0o700)
    try directory.replace(Self.name, with: Array((Self.stored(report).text() + "\n").utf8), permissions: 0o600)
    try prune(runs)
  }

  /// The runs that there are reports of, the latest last.
  func identifiers() throws(FileError) -> [String] {
    let runs: Directory
    do throws(FileError) { runs = try Directory(opening: path) } catch {
      if error.isAbsence { return [] }
      throw error
    }
    return try Self.runs(in: runs).filter { (try? runs.directory($0).status(Self.name)) != nil }
  }

  /// Nil where it is none: written by another version, or by hand.
  func report(of run: String) throws(FileError) -> JSONValue? {
    let directory = try Directory(opening: path).directory(run)
    let bytes = try directory.contents(Self.name, limit: 2 * Self.limit).bytes
    return try? JSONValue(
      json: bytes, limits: DocumentLimits(maximumBytes: 2 * Self.limit, maximumNodes: 1_000_000))
  }

  /// Without what only the run's own output is for: values, tracebacks, the plugins' own words.
  private static func stored(_ report: RunReport) -> JSONValue {
    var nodes: [JSONValue] = []
    var bytes = 0
    for node in report.nodes {
      let value = node.storedJSON
      bytes += value.text().utf8.count
      guard bytes <= limit else { break }
      nodes.append(value)
    }
    return .object([
      .init("run", .string(report.run)), .init("workflow", .string(report.workflow)),
      .init("outcome", .string(report.outcome.rawValue)), .init("duration_ms", .integer(report.milliseconds)),
      .init("nodes", .array(nodes)),
      .init("nodes_left_out_count", .integer(Int64(report.nodes.count - nodes.count))),
    ])
  }

  /// Of the names there, those that are ours.
  private static func runs(in directory: Directory) throws(FileError) -> [String] {
    try directory.names(limit: most).filter { name in
      let parts = name.split(separator: "-", omittingEmptySubsequences: false)
      return parts.count == 2 && parts[0].utf8.count == 16 && parts[0].hasSuffix("Z") && parts[1].utf8.count == 8
    }
  }

  /// Another run may be doing the same.
  private func prune(_ runs: Directory) throws(FileError) {
    for run in try Self.runs(in: runs).dropLast(Self.kept) {
      guard let directory = try? runs.directory(run) else { continue }
      try? directory.remove(Self.name)
      try? runs.removeDirectory(run)
    }
  }
}

extension RunReport.Node {
  fileprivate var storedJSON: JSONValue {
    var members: [JSONValue.Member] = [
      .init("node", .string(name.text)), .init("type", .string(type.description)),
      .init("state", .string(state.rawValue)), .init("attempts", .integer(Int64(attempts))),
      .init("message", failure.map { .string($0.message) } ?? .null),
      .init("cause", failure?.cause.map { .string(String($0.prefix(1000))) } ?? .null),
    ]
    if let subject = account.denials?.subject {
      members += [
        .init(
          "plugin", ["name": .string(subject.plugin.text), "version": .string(subject.version.description)]),
        .init("watched", .array(subject.watched.map { .string($0.rawValue) })),
      ]
    }
    return .object(members + account.denialMembers)
  }
}
