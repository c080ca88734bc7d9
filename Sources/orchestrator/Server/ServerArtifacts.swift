import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// What the runs of a server leave behind: the values that nodes returned, and the files of workspaces.
struct ServerArtifacts: Sendable {
  let runs: ServerRuns
  private var store: RunStore { runs.store }
  private static let mostFiles = 10_000

  private func outputs(of run: String, node: String? = nil) async throws(APIProblem) -> [NodeOutputs] {
    let found = try await runs.stored(run).identifier
    return try await store.database.served { database throws(StateStoreError) in
      try await database.outputs(of: found, node: node)
    }
  }

  func list(_ run: String) async throws(APIProblem) -> JSONValue {
    var listed: [JSONValue] = []
    for node in try await outputs(of: run) {
      for output in node.outputs {
        for (index, value) in output.values.enumerated() {
          listed.append([
            "node": .string(node.node), "port": .string(output.port.text), "index": .integer(Int64(index)),
            "codec": .string("\(value.codec)"), "name": value.label.isEmpty ? .null : .string(value.label),
            "bytes": .integer(Int64(value.byteCount)), "digest": .string(value.digest.description),
          ])
        }
      }
    }
    return ["artifacts": .array(listed)]
  }

  func read(_ call: APICall) async throws(APIProblem) -> APIReply {
    let (node, port) = (call.text(.node), call.text(.port))
    let index = StrictDecimal.value(call.text(.index).utf8, maximum: 1_000_000)
    let found = try await outputs(of: call.text(.run), node: node).first?.outputs.first { $0.port.text == port }
    guard let index, let found, found.values.indices.contains(index) else {
      throw APIProblem(404, "the run has no such value")
    }
    let value = found.values[index]
    // What it is in a browser's eyes is nothing that it would show: a plugin made it.
    return .content(
      APIContent(
        size: value.byteCount, mediaType: value.codec == .json ? MediaType.json : MediaType.bytes,
        name: value.label.isEmpty ? "\(port)-\(index)" : value.label, tag: "\"\(value.digest.hexadecimal)\""
      ) { [store, files = runs.bootstrap.files] offset, count in
        try await files.run { () throws(ArtifactError) in try store.artifacts.bytes(of: value, at: offset, count: count)
        }
      })
  }

  /// The page that was written when the run ended.
  func report(_ run: String) async throws(APIProblem) -> APIReply {
    let run = try await runs.stored(run).identifier
    guard await !runs.isLive(run) else {
      throw APIProblem(409, "the run hasn't ended", hint: "its report is there once it has", retryAfter: 1)
    }
    let directory = store.directory(of: run)
    let opened: (file: FileDescriptor, size: Int, tag: String, policy: String)? = await runs.bootstrap.files.run {
      guard let (file, status) = try? Directory(opening: directory).file(RunFiles.keptPage),
        let start = try? file.bytes(at: 0, count: HTMLReport.policyBytes), let policy = HTMLReport.policy(ofPage: start)
      else { return nil }
      return (file, Int(clamping: status.size), status.tag(of: run), policy)
    }
    guard let opened else {
      throw APIProblem(
        404, "the run has no report", why: "it was never carried out to its end, or a command did",
        hint: "a command writes one: orchestrator run --report FILE")
    }
    return .content(
      APIContent(
        size: opened.size, mediaType: MediaType.page, name: "\(run).html", tag: opened.tag,
        policy: "\(opened.policy); frame-ancestors 'none'"
      ) { [files = runs.bootstrap.files] offset, count in
        try await files.run { () throws(SystemError) in try opened.file.bytes(at: offset, count: count) }
      })
  }

  /// What `orchestrator explain` tells.
  func explanation(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let run = try await runs.stored(call.text(.run)).identifier
    guard await !runs.isLive(run) else {
      throw APIProblem(409, "the run hasn't ended", hint: "what was refused is told once it has", retryAfter: 1)
    }
    let wanted = call.item("node")
    let report = await runs.bootstrap.files.run { [state = store.state] in try? RunReports(state: state).report(of: run)
    }
    guard let report else {
      throw APIProblem(
        404, "what was refused to the run isn't kept",
        why: "it was never carried out to its end, or \(RunReports.kept) others have ended since")
    }
    let nodes = (report["nodes"]?.arrayValue ?? []).filter { node in
      guard let wanted, let name = node["node"]?.stringValue else { return wanted == nil }
      return name == wanted || name.hasPrefix(wanted + "[") || name.hasPrefix(wanted + "/")
    }
    return ["nodes": .array(nodes), "nodes_left_out_count": report["nodes_left_out_count"] ?? .integer(0)]
  }

  // MARK: The workspace

  private func workspace(_ run: String) async throws(APIProblem) -> String {
    let stored = try await runs.stored(run)
    guard let settings = RunSettings(stored.settings) else { throw APIProblem(404, "the run's workspace isn't known") }
    return settings.workspace.text
  }

  func files(_ run: String) async throws(APIProblem) -> JSONValue {
    let workspace = try await workspace(run)
    let found = await runs.bootstrap.files.run { Self.walk(workspace) }
    return [
      "files": .array(
        found.files.map { ["path": .string($0.path), "bytes": .integer($0.size), "modified_s": .integer($0.modified)] }),
      "has_more": .bool(found.hasMore),
    ]
  }

  private struct File: Sendable {
    var path: String
    var size: Int64
    var modified: Int64
  }

  /// Regular files alone: a plugin made all of it, and no link is followed.
  private static func walk(_ workspace: String) -> (files: [File], hasMore: Bool) {
    guard let root = try? Directory(opening: workspace) else { return ([], false) }
    var files: [File] = []
    var waiting: [(directory: Directory, path: String, depth: Int)] = [(root, "", 0)]
    while let next = waiting.popLast() {
      guard let names = try? next.directory.names(limit: mostFiles) else { continue }
      for name in names.sorted() {
        guard files.count < mostFiles else { return (files, true) }
        guard let status = try? next.directory.status(name) else { continue }
        let path = next.path + name
        switch status.kind {
        case .regular:
          files.append(File(path: path, size: Int64(clamping: status.size), modified: status.modified.seconds))
        case .directory:
          if next.depth < 64, let directory = try? next.directory.directory(name) {
            waiting.append((directory, path + "/", next.depth + 1))
          }
        case .symbolicLink, .special: break
        }
      }
    }
    return (files.sorted { $0.path < $1.path }, false)
  }

  func file(_ call: APICall) async throws(APIProblem) -> APIReply {
    let path = call.item("path") ?? ""
    let workspace = try await workspace(call.text(.run))
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    // Opened beneath the workspace, through no link, and held: what is read is what was found.
    let opened: (descriptor: FileDescriptor, status: FileStatus)? =
      isPlain
      ? await runs.bootstrap.files.run { try? Directory(opening: workspace).file(path) }
      : nil
    guard let opened else { throw APIProblem(404, "the run's workspace has no such file") }
    let status = opened.status
    return .content(
      APIContent(
        size: Int(clamping: status.size), mediaType: MediaType.bytes, name: String(parts.last ?? "file"),
        tag: status.tag(of: path)
      ) { [files = runs.bootstrap.files] offset, count in
        try await files.run { () throws(SystemError) in try opened.descriptor.bytes(at: offset, count: count) }
      })
  }
}

extension FileStatus {
  /// Of the file's state: another once it was written to.
  fileprivate func tag(of name: String) -> String { ContentDigest(sha256: "\(name) \(size) \(modified)".utf8).tag }
}
