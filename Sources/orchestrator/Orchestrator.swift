import ArgumentParser
import PluginModel
import SandboxPlanning

/// The program's version, and the engine version that manifests ask for.
let engineVersion = SemanticVersion(1, 0, 0)

struct Orchestrator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "orchestrator",
    abstract: "Runs pipelines whose nodes are other people's plugins, each in its own kernel sandbox.",
    discussion: """
      Start with:
        orchestrator doctor                     what this host can enforce
        orchestrator run pipeline.yaml          run a pipeline
        orchestrator plugin new my_plugin       write a plugin

      Exit status: 0 success, 1 a node failed, 2 invalid input, 3 the sandbox is not available,
      124 the deadline passed, 130 interrupted.
      """,
    version: "orchestrator \(engineVersion)",
    subcommands: [
      RunCommand.self, ValidateCommand.self, GraphCommand.self, ConvertCommand.self, PlanCommand.self,
      PluginCommand.self, ProfileCommand.self, ConfigCommand.self, RunsCommand.self, CacheCommand.self,
      ExplainCommand.self,
      RegistryCommand.self, ServeCommand.self, TokenCommand.self, DoctorCommand.self,
    ])
}

extension Orchestrator {
  /// What is said of a word where a subcommand should be; nil where there is one.
  static func misspelling(in arguments: some Sequence<String>) -> String? {
    var command: any ParsableCommand.Type = Orchestrator.self
    for argument in arguments {
      let choices = command.configuration.subcommands
      guard !choices.isEmpty, !argument.hasPrefix("-") else { return nil }
      guard let next = choices.first(where: { $0.configuration.commandName == argument }) else {
        return Suggestion.hint(for: argument, among: choices.compactMap { $0.configuration.commandName })
      }
      command = next
    }
    return nil
  }
}

/// The statuses that the program ends with.
enum ExitStatus: Int32, Sendable {
  case success = 0
  case nodeFailed = 1
  case invalidInput = 2
  case sandboxUnavailable = 3
  /// As timeout(1) has it.
  case deadline = 124
  /// 128 + SIGINT, as shells have it.
  case interrupted = 130
}

extension ExitStatus {
  /// What no host would do is the caller's to mend; without a sandbox the rest doesn't matter.
  init(_ refusal: PlanRefusal) { self = refusal.host.isEmpty ? .invalidInput : .sandboxUnavailable }
}

/// Ends a command: what to say on standard error, and the status.
struct CommandFailure: Error {
  var status: ExitStatus
  var diagnostics: [Diagnostic]
  /// For the excerpts.
  var sources: [(file: String, bytes: [UInt8])]

  init(
    _ status: ExitStatus, _ diagnostics: [Diagnostic] = [], sources: [(file: String, bytes: [UInt8])] = []
  ) {
    self.status = status
    self.diagnostics = diagnostics
    self.sources = sources
  }

  init(_ refusal: PlanRefusal) { self.init(ExitStatus(refusal), refusal.items) }

  init(_ status: ExitStatus, _ what: String, why: String? = nil, hint: String? = nil) {
    self.init(status, [Diagnostic(what, why: why, hint: hint)])
  }
}

@main
enum Program {
  static func main() async {
    do {
      let command = try Orchestrator.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        var command = command
        try command.run()
      }
    } catch {
      await end(error)
    }
  }

  private static func end(_ error: any Error) async -> Never {
    guard let console = try? Console() else { Orchestrator.exit(withError: error) }
    if let failure = error as? CommandFailure {
      var printer = DiagnosticPrinter(style: console.errorStyle)
      for source in failure.sources { printer.add(source: source.bytes, file: source.file) }
      for line in printer.lines(failure.diagnostics) { await console.printError(line) }
      Orchestrator.exit(withError: ExitCode(failure.status.rawValue))
    }
    // Wrong options are invalid input like any other; the parser's own status for them is 64.
    guard Orchestrator.exitCode(for: error) == .validationFailure else { Orchestrator.exit(withError: error) }
    await console.printError(Orchestrator.fullMessage(for: error))
    if let hint = Orchestrator.misspelling(in: CommandLine.arguments.dropFirst()) {
      await console.printError("Hint: \(hint)")
    }
    Orchestrator.exit(withError: ExitCode(ExitStatus.invalidInput.rawValue))
  }
}
