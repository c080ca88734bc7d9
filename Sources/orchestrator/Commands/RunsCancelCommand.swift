import ArgumentParser
import LinuxSystem
import PluginModel
import StateStore

/// `orchestrator runs cancel`
struct RunsCancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Ends a run as Ctrl-C would.",
    discussion: "Returns when it has ended. Its nodes are told, and killed where they don't listen.")

  @OptionGroup var chosen: RunArgument
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let (store, run) = try await bootstrap.chosenRun(chosen.run, state)
    guard let process = await store.holder(of: run.identifier) else {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) isn't running",
        hint: "see where it stands: orchestrator runs show \(run.identifier)")
    }
    if run.submitter != nil, await store.isServed() {
      throw CommandFailure(
        .invalidInput, "the run \(run.identifier) is carried out by a server",
        why: "to end it here would end the server", hint: "ask it: POST /api/v1/runs/\(run.identifier)/cancel")
    }
    let directory = store.directory(of: run.identifier)
    do throws(SystemError) {
      // Once it is held by a descriptor, the number can't be that of another process.
      let held = try ProcessHandle(process)
      guard await bootstrap.files.run({ RunLock.holder(of: directory) }) == process else { return }
      try held.signal(.interrupt)
    } catch {
      guard error.code == .noProcess else {
        throw CommandFailure(
          .invalidInput, "the run \(run.identifier) can't be ended", why: error.description,
          hint: "be the user that started it")
      }
    }
    while await store.holder(of: run.identifier) == process { try await Task.sleep(for: .milliseconds(50)) }
    await bootstrap.console.print("\(run.identifier) has ended")
  }
}
