import ArgumentParser
import LinuxSystem
import PluginModel
import StateStore

/// `orchestrator runs why-waiting`
struct RunsWhyWaitingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why-waiting", abstract: "Says what each queued node of a running run waits for.",
    discussion: """
      What is missing, and who has it: processors, memory, GPUs, places of --jobs. As it was half a second ago. Nodes that wait \
      for other nodes aren't queued: orchestrator runs show.
      """)

  @OptionGroup var chosen: RunArgument
  @Argument(help: ArgumentHelp("One node of it. Default: all.", valueName: "node")) var node: String?
  @OptionGroup var state: StateOptions
  @Option(help: "How to write it: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let (store, run) = try await bootstrap.chosenRun(chosen.run, state)
    guard await store.holder(of: run.identifier) != nil else {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) isn't running: nothing of it waits",
        hint: "see where it stands: orchestrator runs show \(run.identifier)")
    }
    let path = store.directory(of: run.identifier)
    let bytes = await bootstrap.files.run {
      try? Directory(opening: path).contents(WaitingNotes.name, limit: 8 << 20).bytes
    }
    let notes = bytes.flatMap { try? JSONValue(json: $0) }
    let waiting = (notes?["waiting"]?.arrayValue ?? []).filter { node == nil || $0["node"]?.stringValue == node }
    let further = node == nil ? notes?["further_count"]?.integerValue ?? 0 : 0
    let console = bootstrap.console
    guard output == .text else {
      let value = JSONValue.object([.init("waiting", .array(waiting)), .init("further_count", .integer(further))])
      return await console.print(value.text(.pretty))
    }
    if waiting.isEmpty { await console.print(node.map { "\(SafeText.line($0)) isn't queued" } ?? "no node is queued") }
    for entry in waiting {
      let time = DurationText.short(milliseconds: entry["since_ms"]?.integerValue ?? 0)
      await console.print(
        "\(console.outputStyle(SafeText.line(entry["node"]?.stringValue ?? ""), .strong)) for \(time): "
          + SafeText.line(entry["reason"]?.stringValue ?? ""))
    }
    if further > 0 { await console.print("and \(SafeText.nodes(Int(further))) more") }
  }
}
