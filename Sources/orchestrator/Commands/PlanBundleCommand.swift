import ArgumentParser
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// `orchestrator plan bundle`
struct PlanBundleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle", abstract: "Writes the plan as an OCI bundle, which crun and runc start as root.",
    discussion: """
      Nothing that exists is overwritten. What the OCI runtime specification has no words for, Landlock above all, is in \
      the annotations of config.json; where that would leave the worker freer, the runtime is made to refuse.
      """)

  @OptionGroup var options: PlanOptions
  @Argument(help: "The bundle's directory.") var directory: String
  @Option(
    help: ArgumentHelp(
      "The socket of a seccomp agent that lets the worker start, and no other program.",
      discussion: "Without one, runtimes start only plugins that have system.exec.", valueName: "socket"))
  var seccompAgent: String?

  func run() async throws {
    let bootstrap = try Bootstrap()
    let agent = try seccompAgent.map(Self.path)
    let plan = try await options.plan(bootstrap)
    let bundle = OCIBundle(plan, seccompAgent: agent)
    do throws(FileError) {
      let directory = directory
      try await bootstrap.files.run { () throws(FileError) in try bundle.write(to: directory) }
    } catch {
      throw CommandFailure(
        .invalidInput, "the bundle \(directory) can't be written", why: error.description,
        hint: "name a directory that is empty or doesn't exist")
    }
    if plan.execution == .workerOnly, agent == nil {
      await bootstrap.report([
        Diagnostic(
          "runtimes will refuse this bundle", why: "nobody answers the filter when the worker is to be executed",
          hint: "name an agent's socket with --seccomp-agent, or grant \(plan.plugin)=system.exec", severity: .warning)
      ])
    }
    let place = SafeText.line(directory)
    for line in [
      "\(bootstrap.console.outputStyle("✓", .good)) made \(place)",
      "  start it   runc run --preserve-fds 1 --bundle \(place) \(plan.hostname)",
      "  the worker speaks the protocol on descriptor 3",
    ] {
      await bootstrap.console.print(line)
    }
  }

  private static func path(_ text: String) throws(CommandFailure) -> AbsolutePath {
    guard let path = AbsolutePath(text) else {
      throw CommandFailure(.invalidInput, "--seccomp-agent \(text) is not an absolute path without \"..\"")
    }
    return path
  }
}
