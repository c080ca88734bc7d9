import ArgumentParser
import LinuxSystem
import PluginModel

/// `orchestrator profile learn`
struct ProfileLearnCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn", abstract: "Proposes the fewest permissions and the narrowest profile that a plugin needs.",
    discussion: """
      Runs the workflow with every system call of the plugin's workers recorded, and proposes what was used of what the \
      plugin had, each line with its evidence. The workflow runs once more under the proposal, which is only told when \
      that succeeds. While learning, a plugin has what it was granted and what --allow says, and no more; nothing is \
      granted for good. On a terminal you are asked when something else is missing.

      What a plugin didn't do in this run isn't in the proposal: choose a workflow that makes it do all that it should.

      Example:
        orchestrator profile learn files --allow filesystem.read:/srv/data --write files.yaml -- report.yaml
      """)

  @Argument(help: "The plugin's name.") var plugin: String
  @OptionGroup var options: WorkflowOptions
  @Option(
    name: .customLong("allow"),
    help: ArgumentHelp(
      "Allow the plugin what its manifest asks for, while learning. May be repeated.", valueName: "permission"))
  var allowed: [String] = []
  @Option(
    help: ArgumentHelp(
      "The directory that the nodes of the runs share. What they write to it lands there, as in any run.",
      discussion: "Default: a new one for each run.", valueName: "directory"))
  var workspace: String?
  @Option(help: ArgumentHelp("How many nodes run at the same time. Default: one a processor.", valueName: "number"))
  var jobs: Int?
  @Option(help: ArgumentHelp("End a run after this time: 90s, 10m, 2h.", valueName: "duration"))
  var timeout: String?
  @Option(help: ArgumentHelp("How many runs there are at most before the proposal is tried.", valueName: "number"))
  var rounds: Int = 10
  @Option(
    name: .customLong("write"),
    help: ArgumentHelp("Write the profile to a file, once it has been tried.", valueName: "file"))
  var file: String?
  @Flag(help: "Let --write replace a file.") var force = false
  @Option(help: "How to write the proposal: text or json.") var output: OutputFormat = .text

  func validate() throws {
    if let jobs, jobs < 1 || jobs > 1024 { throw ValidationError("--jobs must be from 1 to 1024.") }
    if rounds < 1 || rounds > 100 { throw ValidationError("--rounds must be from 1 to 100.") }
    if force, file == nil { throw ValidationError("--force goes with --write.") }
    if let timeout, Quantity.duration(timeout) == nil {
      throw ValidationError(
        "--timeout \(timeout) is not a duration: write a whole number above 0 and one of ms, s, m, h, d.")
    }
  }

  func run() async throws {
    let bootstrap = try Bootstrap()
    let target: NewFile? =
      if let file { try await NewFile(file, option: "--write", replaces: force, bootstrap) } else { nil }
    let learning = Learning(command: self, bootstrap: bootstrap, jobs: jobs ?? ProcessEnvironment.processorCount)
    let result = try await learning.run()
    if let target { try await target.write(result.proposal.profile.yaml) }
    switch output {
    case .text:
      for line in result.lines { await bootstrap.console.print(line) }
      for line in result.notes { await bootstrap.console.printError(bootstrap.console.errorStyle(line, .faint)) }
    case .json: await bootstrap.console.print(result.json.text(.pretty))
    }
  }
}
