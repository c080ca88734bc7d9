import ArgumentParser
import PluginModel
import PluginRegistry

/// Where state lies.
struct StateOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where runs and what is known about plugins are kept.",
      discussion: "Default: /var/lib/orchestrator for root, else $XDG_STATE_HOME/orchestrator.", valueName: "directory")
  )
  var stateDir: String?
}

/// Where plugins lie.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugins"),
    help: ArgumentHelp(
      "A directory of plugins, or of one plugin. May be repeated; the first that has a plugin wins.",
      discussion: "After these: ./plugins, ~/.pipeline/plugins, /usr/share/pipeline/plugins and the bundled ones.",
      valueName: "directory"))
  var directories: [String] = []
}

/// What the operator of this host decided.
struct SystemOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The operator's plugin_system.yaml: plugin directories, default permissions, limits.",
      discussion: "Default: \(Places.systemConfiguration), where it exists.", valueName: "file"))
  var config: String?
}

/// For commands that remember what they are told to allow.
struct LastingGrantOptions: ParsableArguments {
  @Option(
    name: .customLong("grant"),
    help: ArgumentHelp(
      "Allow a plugin what its manifest asks for, from now on. May be repeated.", valueName: "plugin=permission"))
  var grants: [String] = []

  func permissions() throws(CommandFailure) -> [PluginName: [Permission]] { try GrantOptions.permissions(grants) }
}

/// What plugins may do.
struct GrantOptions: ParsableArguments {
  @Option(
    name: .customLong("grant"),
    help: ArgumentHelp(
      "Allow a plugin what its manifest asks for, in this run. May be repeated.",
      discussion: """
        Examples: files=filesystem.write (the workspace), files=filesystem.read:/srv/data, git=system.exec:git. \
        What a plugin may always do is granted with orchestrator plugin grant. Without any, a plugin that asks for \
        filesystem.read can read the workspace, and nothing else is allowed.
        """,
      valueName: "plugin=permission"))
  var grants: [String] = []

  func permissions() throws(CommandFailure) -> [PluginName: [Permission]] { try Self.permissions(grants) }

  /// All that is wrong with them at once.
  fileprivate static func permissions(_ grants: [String]) throws(CommandFailure) -> [PluginName: [Permission]] {
    var result: [PluginName: [Permission]] = [:]
    var problems: [Diagnostic] = []
    for text in grants {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let plugin = PluginName(parts[0]) else {
        problems.append(
          Diagnostic(
            "--grant \(text) is not of the form PLUGIN=PERMISSION", hint: "for example: --grant files=filesystem.write")
        )
        continue
      }
      do throws(Permission.Problem) {
        result[plugin, default: []].append(try Permission(parts[1]))
      } catch {
        problems.append(Diagnostic("--grant \(text): \(error.what)", why: error.why, hint: error.hint))
      }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return result
  }
}

/// What the operator decides in files, besides plugin_system.yaml.
struct PolicyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file with a section \"security\", as plugin_system.yaml has one: what plugins are granted, and what is forbidden.",
      discussion: "It adds to plugin_system.yaml and to what was granted before. What either forbids is forbidden.",
      valueName: "file"))
  var policy: String?
}

/// How sandboxes are made.
struct SandboxOptions: ParsableArguments {
  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp(
      "The security profile of all plugins, or of one. May be repeated. Default: default.",
      discussion: """
        Examples: strict, ./own.yaml, git=ci, trainer=./gpu.yaml. The profiles there are: orchestrator profile list.
        """,
      valueName: "[plugin=]file|name"))
  var profiles: [String] = []

  @Option(help: ArgumentHelp("The Python that runs plugins. Default: python3.", valueName: "path"))
  var python: String?
}

/// How results are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case text
  case json
}

/// How a run is written.
enum RunOutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  /// A live view on a terminal, plain lines otherwise.
  case text
  /// One object at the end.
  case json
  /// One object an event, as it happens.
  case jsonl
  /// JUnit XML at the end, a test case a node.
  case junit
}

/// The workflow's inputs.
struct InputOptions: ParsableArguments {
  @Option(
    name: .customLong("input"),
    help: ArgumentHelp(
      "A value for an input of the workflow. May be repeated.",
      discussion: "An input of type string takes the text as it is, every other type takes JSON.",
      valueName: "name=value"))
  var inputs: [String] = []

  func arguments() throws(CommandFailure) -> [InputArgument] {
    var arguments: [InputArgument] = []
    for text in inputs {
      guard let argument = InputArgument(text) else {
        throw CommandFailure(
          .invalidInput, "--input \(text) is not of the form NAME=VALUE", hint: "for example: --input path=a.csv")
      }
      arguments.append(argument)
    }
    return arguments
  }
}
