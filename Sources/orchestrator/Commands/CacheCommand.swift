import ArgumentParser
import PipelineEngine
import PluginModel
import StateStore

/// `orchestrator cache`
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Says why nodes ran again, and makes space.",
    discussion: """
      The result of a node is used again where its plugin, what it runs with, its permissions, parameters and inputs are \
      what they were, and where its sandbox shows it nothing else: a node that may read files, use the network or start \
      programs always runs.
      """,
    subcommands: [CacheWhyCommand.self, CachePruneCommand.self])
}

/// `orchestrator cache why`
struct CacheWhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Says why a node ran again, or didn't.",
    discussion:
      "Compares a run with the one before it of the same workflow: which ingredient of the node's key has changed.")

  @Argument(help: ArgumentHelp("The node.", valueName: "node")) var node: String
  @Option(help: ArgumentHelp("The run: its identifier, the beginning of one, or 'last'.", valueName: "run"))
  var run: String = "last"
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let (store, run) = try await bootstrap.chosenRun(self.run, state)
    let history = try await store.asking { database throws(StateStoreError) in
      try await database.history(of: run.identifier)
    }
    guard let name = NodeName(stored: node), let found = history.nodes[name] else {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) has no node \(node.quoted) that has begun",
        hint: Suggestion.hint(for: node, among: history.nodes.keys.map(\.text).sorted()))
    }
    await bootstrap.console.print(try await explanation(name, found, run, store))
  }

  private func explanation(
    _ name: NodeName, _ node: RunHistory.Node, _ run: StoredRun, _ store: RunStore
  ) async throws(CommandFailure) -> String {
    guard case .succeeded(let result) = node.standing else { return "\(name) has no result: it didn't succeed" }
    if result.isCached { return "\(name) was not run: its result was there already" }
    guard let key = result.cacheKey else {
      return "\(name) always runs: its plugin may read files, use the network or start programs, the workflow says "
        + "'cache: never', nobody knows the model or the driver of its GPUs, or the run had --no-cache"
    }
    let runs = try await store.asking { database throws(StateStoreError) in try await database.runs() }
    let earlier = runs.filter { $0.workflow == run.workflow && $0.created < run.created }
    for before in earlier.reversed() {
      let history = try await store.asking { database throws(StateStoreError) in
        try await database.history(of: before.identifier)
      }
      guard case .succeeded(let other)? = history.nodes[name]?.standing, let otherKey = other.cacheKey else { continue }
      let changes = key.differences(from: otherKey)
      guard changes.isEmpty else {
        return "\(name) ran because this has changed since \(before.identifier): "
          + changes.map { SafeText.line($0) }.joined(separator: ", ")
      }
      return "\(name) ran though nothing has changed since \(before.identifier): its result was no longer kept"
        + (other.isFallback ? ", or was the plugin's fallback" : "")
    }
    return "\(name) ran because no earlier run of \(SafeText.line(run.workflow)) has a result of it"
  }
}

/// `orchestrator cache prune`
struct CachePruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Forgets results that were used longest ago, and removes what nothing refers to.",
    discussion: """
      Results of runs that are kept stay; what was stored within the last hour too. Once a day a run does the same with \
      \(RunStore.cacheLimit >> 30)Gi.
      """)

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("How much the cache may keep: 10Gi, 500Mi, 0 for nothing.", valueName: "size"))
  var size: String = "16Gi"
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    guard let bytes = size == "0" ? 0 : Quantity.memory(size).map(Int.init) else {
      throw CommandFailure(.invalidInput, "--to \(size) is not a size", hint: "write 10Gi, 500Mi, or 0")
    }
    guard let store = try await bootstrap.runStore(state) else {
      return await bootstrap.console.print("nothing is kept in \(SafeText.line(try bootstrap.state(state)))")
    }
    let done = try await store.collect(cacheLimit: bytes)
    let usage: (count: Int, byteCount: UInt64)
    do throws(ArtifactError) { usage = try await store.artifacts.usage() } catch { throw CommandFailure(error) }
    await bootstrap.console.print(
      "forgot \(done.entries) results, removed \(done.objects.removed) objects of \(done.objects.freed >> 20)Mi; "
        + "\(usage.count) of \(usage.byteCount >> 20)Mi stay")
  }
}
