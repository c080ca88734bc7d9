import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Parses the Python files of a plugin, in a sandbox that may do nothing. Nothing of them runs.
struct SourceChecker: Sendable {
  /// What is looked at.
  private static let mostFiles = 1000
  private static let mostBytes = 8 << 20
  private static let limit = Duration.seconds(60)

  let sandboxes: Sandboxes
  let bootstrap: Bootstrap

  struct Findings: Sendable {
    /// Files that are no Python, and what could not be looked at.
    var problems: [Diagnostic] = []
    /// Nil where that isn't known.
    var uses: [PluginLint.Use]?
  }

  /// - Parameter shown: how diagnostics call the plugin's directory.
  func check(_ plugin: DiscoveredPlugin, files found: PluginFiles, shown: String) async throws(CommandFailure)
    -> Findings
  {
    let paths = found.paths.filter { $0.hasSuffix(".py") }
    let sources: [(path: String, bytes: [UInt8])]
    do throws(Diagnostic) {
      sources = try await bootstrap.files.run { () throws(Diagnostic) in try Self.read(paths, of: found) }
    } catch {
      return Findings(problems: [error])
    }
    let checker = try await bootstrap.service(.lint)
    do {
      let configuration = try await sandboxes.setup.configuration(for: checker, granted: [], workspace: nil)
      let outcome = try await sandboxes.pool.execute(
        Self.execution(sources), on: configuration, limit: Self.limit, report: { _ in })
      return try Self.findings(outcome, shown: shown)
    } catch let refusal as PlanRefusal {
      throw CommandFailure(refusal)
    } catch let failure as WorkerFailure {
      if case .launchRefused = failure {
        throw CommandFailure(.sandboxUnavailable, failure.message, why: failure.cause, hint: failure.hint)
      }
      // Python itself may give up on what somebody wrote.
      return Findings(problems: [
        Diagnostic("the plugin's Python files can't be parsed", why: failure.cause.map { "\(failure.message): \($0)" })
      ])
    } catch {
      return Findings(problems: [Diagnostic("the plugin's Python files can't be parsed", why: "\(error)")])
    }
  }

  private static func read(
    _ paths: [String], of files: PluginFiles
  ) throws(Diagnostic) -> [(path: String, bytes: [UInt8])] {
    var total = 0
    var sources: [(String, [UInt8])] = []
    for path in paths {
      do throws(FileError) {
        let bytes = try files.contents(path, limit: mostBytes)
        total += bytes.count
        sources.append((path, bytes))
      } catch {
        throw Diagnostic("\(path) can't be read", why: error.description)
      }
      guard sources.count <= mostFiles, total <= mostBytes else {
        throw Diagnostic(
          "the plugin's Python files are not looked at",
          why: "there are more than \(mostFiles), or they hold more than \(mostBytes >> 20) MiB",
          hint: "bring other people's modules with dependencies, not in the plugin's directory", severity: .warning)
      }
    }
    return sources
  }

  private static func execution(_ sources: [(path: String, bytes: [UInt8])]) -> NodeExecution {
    let values = sources.map { NodeValue(codec: .bytes, content: .inline($0.bytes)) }
    return NodeExecution(
      run: "lint", node: NodeName(unchecked: "lint"), nodeType: NodeTypeName(unchecked: "check"),
      parameters: [(ParameterName(unchecked: "paths"), .array(sources.map { .string($0.path) }))],
      inputs: values.isEmpty
        ? [] : [NodeExecution.Input(port: PortName(unchecked: "sources"), values: values, isMultiple: true)],
      attempt: 1)
  }

  private static func findings(_ outcome: NodeOutcome, shown: String) throws -> Findings {
    guard let value = outcome.outputs.first?.values.first else { throw Diagnostic("the checker found nothing") }
    let bytes: [UInt8] =
      switch value.content {
      case .inline(let bytes): bytes
      case .shared(let memory): try memory.prefix(mostBytes)
      }
    let found = try JSONValue(json: bytes)
    let problems = (found["problems"]?.arrayValue ?? []).map { item in
      Diagnostic(
        "the file is no valid Python: \(item["message"]?.stringValue ?? "")",
        at: SourceLocation(
          file: "\(shown)/\(item["path"]?.stringValue ?? "")", line: Int(item["line"]?.integerValue ?? 1),
          column: Int(item["column"]?.integerValue ?? 1)))
    }
    let uses = (found["uses"]?.arrayValue ?? []).compactMap { item -> PluginLint.Use? in
      guard let path = item["path"]?.stringValue, let name = item["name"]?.stringValue,
        let kind = item["kind"]?.stringValue.flatMap(PluginLint.Use.Kind.init), !PluginLint.isBesideTheCode(path)
      else { return nil }
      return PluginLint.Use(path: path, line: Int(item["line"]?.integerValue ?? 1), name: name, kind: kind)
    }
    return Findings(problems: problems, uses: problems.isEmpty ? uses : nil)
  }
}
