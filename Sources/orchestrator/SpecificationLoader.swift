import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import WorkerHost

/// Gets the node types of plugins: from the store or, the first time, from the plugin itself, in a sandbox in which it
/// is granted nothing.
struct SpecificationLoader: Sendable {
  /// Imports and `get_node_types` of a plugin; no data is read for them.
  private static let limit = Duration.seconds(60)

  let store: SpecificationStore
  let files: DedicatedThread
  let pool: WorkerPool
  let setup: SandboxSetup

  struct Loaded: Sendable {
    var specifications: [PluginName: [NodeSpecification]]
    /// Plugins that could not be asked, and notes about the store.
    var diagnostics: [Diagnostic]
    /// A sandbox could not be built: nothing of a plugin can run here.
    var isSandboxMissing: Bool

    /// - Throws: why the plugin could not be asked.
    func demanded(of plugin: DiscoveredPlugin) throws(CommandFailure) -> [NodeSpecification] {
      guard let types = specifications[plugin.manifest.name] else {
        throw CommandFailure(isSandboxMissing ? .sandboxUnavailable : .invalidInput, diagnostics)
      }
      return types
    }
  }

  /// All at once; one that fails takes nothing from the others.
  func load(_ plugins: [DiscoveredPlugin]) async -> Loaded {
    await withTaskGroup(of: Answer.self) { group in
      for plugin in plugins { group.addTask { await load(plugin) } }
      var answers: [Answer] = []
      for await answer in group { answers.append(answer) }
      answers.sort { $0.plugin < $1.plugin }
      return Loaded(
        specifications: Dictionary(answers.compactMap { answer in answer.specifications.map { (answer.plugin, $0) } }) {
          first, _ in first
        },
        diagnostics: answers.flatMap(\.diagnostics), isSandboxMissing: answers.contains { $0.isSandboxMissing })
    }
  }

  private struct Answer: Sendable {
    var plugin: PluginName
    var specifications: [NodeSpecification]?
    var diagnostics: [Diagnostic] = []
    var isSandboxMissing = false
  }

  private func load(_ plugin: DiscoveredPlugin) async -> Answer {
    var answer = Answer(plugin: plugin.manifest.name)
    switch await files.run({ store.read(plugin) }) {
    case .found(let specifications):
      answer.specifications = specifications
      return answer
    case .absent(let note): answer.diagnostics += note.map { [$0] } ?? []
    }
    do throws(CommandFailure) {
      _ = try await setup.environments.environment(for: plugin)
    } catch {
      answer.isSandboxMissing = error.status == .sandboxUnavailable
      answer.diagnostics += error.diagnostics
      return answer
    }
    let configuration: WorkerConfiguration
    do throws(PlanRefusal) {
      configuration = try await setup.configuration(for: plugin, granted: [], workspace: nil, describes: true)
    } catch {
      answer.isSandboxMissing = !error.host.isEmpty
      answer.diagnostics += error.items
      return answer
    }
    do {
      let description = try await pool.describe(configuration, limit: Self.limit)
      let source = "the plugin \"\(plugin.manifest.name)\""
      let specifications = try NodeSpecification.read(description: description, source: source)
      answer.specifications = specifications
      try await files.run { () throws(FileError) in try store.write(specifications, for: plugin) }
    } catch let failure as WorkerFailure {
      answer.isSandboxMissing = if case .launchRefused = failure { true } else { false }
      answer.diagnostics.append(Self.diagnostic(plugin, failure))
    } catch let problems as Diagnostics {
      answer.diagnostics += problems.items
    } catch {
      // What was learned can't be kept: it is asked again the next time.
      answer.diagnostics.append(
        Diagnostic(
          "what the plugin \"\(plugin.manifest.name)\" offers can't be stored", why: "\(error)",
          hint: "name a writable directory with --state-dir", severity: .warning))
    }
    return answer
  }

  private static func diagnostic(_ plugin: DiscoveredPlugin, _ failure: WorkerFailure) -> Diagnostic {
    var why = failure.summary
    let details: [String] = [failure.traceback ?? "", failure.lastOutput.joined(separator: "\n")]
    for text in details where !text.isEmpty { why += "\n" + text }
    return Diagnostic(
      "the plugin \"\(plugin.manifest.name)\" doesn't tell its node types", why: why, hint: failure.hint)
  }
}
