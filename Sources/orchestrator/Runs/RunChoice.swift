import ArgumentParser
import PluginModel
import StateStore

/// Which run a command is about.
struct RunArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The run: its identifier, the beginning of one, or 'last'.", valueName: "run"))
  var run: String = "last"
}

/// Finds the run that was meant.
enum RunChoice {
  /// - Parameters:
  ///   - known: all that there are, the last one last.
  ///   - state: where they were looked for.
  /// - Throws: that there is no such run, or more than one.
  static func choose(_ run: String, among known: [String], state: String) throws(CommandFailure) -> String {
    guard let last = known.last else { throw none(in: state) }
    if run == "last" { return last }
    if known.contains(run) { return run }
    let matching = run.isEmpty ? [] : known.filter { $0.hasPrefix(run) }
    if matching.count == 1 { return matching[0] }
    guard matching.isEmpty else {
      let shown = matching.suffix(5).joined(separator: ", ")
      throw CommandFailure(
        .invalidInput, "\(matching.count) runs begin with \(run.quoted)", hint: "write more of it: \(shown)")
    }
    let nearest = Suggestion.nearest(to: run, among: known)
    throw CommandFailure(
      .invalidInput, "there is no run \(run.quoted)",
      hint: nearest.map { "did you mean \($0.quoted)?" } ?? "the last one is \(last); 'last' names it")
  }

  static func none(in state: String) -> CommandFailure {
    CommandFailure(
      .invalidInput, "there is no run in \(state)",
      hint: "run a workflow first, or name the state directory that it used with --state-dir")
  }
}

extension Bootstrap {
  /// For commands about runs; nil where nothing was ever run.
  func runStore(_ options: StateOptions) async throws(CommandFailure) -> RunStore? {
    let state = try state(options)
    let database: StateDatabase?
    do throws(StateStoreError) {
      database = try await StateDatabase(existing: state, on: files)
    } catch {
      throw CommandFailure(error)
    }
    guard let database else { return nil }
    return try await RunStore(state, database, files: files)
  }

  /// - Throws: also where nothing was ever run.
  func chosenRun(_ run: String, _ options: StateOptions) async throws(CommandFailure) -> (RunStore, StoredRun) {
    guard let store = try await runStore(options) else { throw RunChoice.none(in: try state(options)) }
    return (store, try await store.chosen(run))
  }
}

extension RunStore {
  /// - Throws: where there is no such run.
  func chosen(_ run: String) async throws(CommandFailure) -> StoredRun {
    let known = try await asking { database throws(StateStoreError) in try await database.runs() }
    let chosen = try RunChoice.choose(run, among: known.map(\.identifier), state: state)
    let found = try await asking { database throws(StateStoreError) in try await database.run(chosen) }
    guard let found else { throw CommandFailure(.invalidInput, "the run \(chosen) was removed meanwhile") }
    return found
  }
}
