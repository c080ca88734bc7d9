import ArgumentParser
import LinuxSystem
import PluginModel

/// `orchestrator explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Tells what the nodes of a run were denied, and what would allow it.",
    discussion: """
      What was tried, from where and how often; whether that is certain or inferred from the plugin's own error; which \
      permission would allow it, how that is granted, and why one might not want to. The reports of the last \
      \(RunReports.kept) runs are kept.

      Example:
        orchestrator explain last
      """)

  @Argument(
    help: ArgumentHelp("The run: its identifier, the beginning of one, or 'last'.", valueName: "run"))
  var run: String = "last"
  @Argument(help: ArgumentHelp("One node of it. Default: all that were denied something.", valueName: "node"))
  var node: String?
  @OptionGroup var state: StateOptions
  @Option(help: ArgumentHelp("How to write it: text or json.", valueName: "format"))
  var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let reports = RunReports(state: try bootstrap.state(state))
    let identifier = try await chosen(reports, bootstrap)
    guard let report = try await Self.read(bootstrap, { () throws(FileError) in try reports.report(of: identifier) })
    else {
      throw CommandFailure(
        .invalidInput, "the report of the run \(identifier) can't be understood",
        why: "another version of this program wrote it")
    }
    let all = report["nodes"]?.arrayValue ?? []
    let nodes = try chosen(among: all, run: identifier)
    let console = bootstrap.console
    switch output {
    case .json: await console.print(Self.selection(report, nodes).text(.pretty))
    case .text: for line in lines(report, nodes, style: console.outputStyle) { await console.print(line) }
    }
  }

  private func lines(_ report: JSONValue, _ nodes: [JSONValue], style: Style) -> [String] {
    let text = StoredReportText(style: style)
    let told = node != nil ? nodes : nodes.filter(Self.isDenied)
    let lines = text.lines(report, nodes: told)
    let others = nodes.count - told.count
    guard others > 0 else { return lines }
    guard told.isEmpty else { return lines + ["", "Nothing was denied to the other \(Self.words(others))."] }
    let watched = nodes.first { $0["watched"] != nil }.map(text.watched) ?? []
    return lines + ["", "Nothing was denied to \(others == 1 ? "its node" : "any of its \(Self.words(others))")."]
      + watched
  }

  private static func words(_ count: Int) -> String { count == 1 ? "node" : "\(count) nodes" }

  private static func isDenied(_ node: JSONValue) -> Bool {
    node["denials"]?.arrayValue?.isEmpty == false || node["denials_further_count"]?.integerValue ?? 0 > 0
  }

  private static func selection(_ report: JSONValue, _ nodes: [JSONValue]) -> JSONValue {
    guard case .object(let members) = report else { return report }
    return .object(members.map { $0.key == "nodes" ? JSONValue.Member("nodes", .array(nodes)) : $0 })
  }

  private static func read<Value: Sendable>(
    _ bootstrap: Bootstrap, _ body: @escaping @Sendable () throws(FileError) -> Value
  ) async throws(CommandFailure) -> Value {
    do throws(FileError) {
      return try await bootstrap.files.run(body)
    } catch {
      throw CommandFailure(.invalidInput, "the reports of runs can't be read", why: error.description)
    }
  }

  /// - Throws: that there is no such run, or more than one.
  private func chosen(_ reports: RunReports, _ bootstrap: Bootstrap) async throws(CommandFailure) -> String {
    let known = try await Self.read(bootstrap) { () throws(FileError) in try reports.identifiers() }
    return try RunChoice.choose(run, among: known, state: try bootstrap.state(state))
  }

  private func chosen(among nodes: [JSONValue], run: String) throws(CommandFailure) -> [JSONValue] {
    guard let node else { return nodes }
    let names = nodes.compactMap { $0["node"]?.stringValue }
    guard let found = nodes.first(where: { $0["node"]?.stringValue == node }) else {
      throw CommandFailure(
        .invalidInput, "the run \(run) has no node \(node.quoted)", hint: Suggestion.hint(for: node, among: names))
    }
    return [found]
  }
}
