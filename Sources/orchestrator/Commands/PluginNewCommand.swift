import ArgumentParser
import LinuxSystem
import PluginModel

/// `orchestrator plugin new`
struct PluginNewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Starts a plugin: a manifest, a node that works, and tests.",
    discussion: """
      Nothing that exists is overwritten. The templates:
        python                a node in Python's own words
        python-dependencies   a node that uses a package, in more files
        command               a node that starts a program, with leave to
      """)

  @Argument(help: "The plugin's name.") var name: String
  @Option(
    help: ArgumentHelp(
      "Where to make the plugin's directory. Default: ./plugins, where run and plugin list look.",
      valueName: "directory"))
  var directory: String = "plugins"
  @Option(
    help: ArgumentHelp("What to start from: python, python-dependencies or command.", valueName: "template"))
  var template: PluginTemplateName = .python

  func run() async throws {
    guard let name = PluginName(name) else {
      throw CommandFailure(.invalidInput, "\"\(name)\" is not a plugin name", hint: "use \(PluginName.grammar)")
    }
    let bootstrap = try Bootstrap()
    let template = PluginTemplate(source: "\(bootstrap.installation.templates)/\(self.template.rawValue)", name: name)
    do throws(FileError) {
      let directory = directory
      try await bootstrap.files.run { () throws(FileError) in
        try template.write(to: Directory(making: directory), named: name.text)
      }
    } catch {
      let isThere = if case .system(let cause) = error { cause.code == .exists } else { false }
      throw CommandFailure(
        .invalidInput, "the plugin \(directory)/\(name) can't be made", why: error.description,
        hint: isThere ? "choose another name, or remove what is there" : nil)
    }
    let place = SafeText.line("\(directory)/\(name)")
    let grants = self.template.grants.map { " --grant \(name)=\($0)" }.joined()
    for line in [
      "\(bootstrap.console.outputStyle("✓", .good)) made \(place)",
      "  its node type  \(name)/\(self.template.nodeType)",
      "  check it       orchestrator plugin lint \(place)",
      "  its tests      orchestrator plugin test \(place) --sandboxed\(grants)",
      "  work on it     orchestrator plugin dev \(place)",
    ] {
      await bootstrap.console.print(line)
    }
  }
}

/// What `plugin new` can start from: the directories of `templates`.
enum PluginTemplateName: String, CaseIterable, ExpressibleByArgument, Sendable {
  case python
  case pythonDependencies = "python-dependencies"
  case command

  var nodeType: String {
    switch self {
    case .python: "greet"
    case .pythonDependencies: "statistics"
    case .command: "sort"
    }
  }

  /// What its nodes can't do without.
  var grants: [String] {
    switch self {
    case .python, .pythonDependencies: []
    case .command: ["system.exec:sort"]
    }
  }
}

/// A tree of files with placeholders.
struct PluginTemplate: Sendable {
  private static let placeholder = "__PLUGIN_NAME__"
  private static let entryLimit = 1000
  private static let fileLimit = 1 << 20

  let source: String
  let name: PluginName

  /// Makes the directory `target` and copies the template into it; EEXIST where there is one.
  func write(to parent: Directory, named target: String) throws(FileError) {
    let template = try Directory(opening: source)
    try copy(template, into: parent.makeDirectory(target))
  }

  private func copy(_ template: Directory, into target: Directory) throws(FileError) {
    for entry in try template.names(limit: Self.entryLimit) where entry != "__pycache__" {
      switch try template.status(entry).kind {
      case .directory: try copy(template.directory(entry), into: target.makeDirectory(entry))
      case .regular:
        let content = try template.contents(entry, limit: Self.fileLimit).bytes
        try target.create(entry, filled(content))
      case .symbolicLink, .special: throw .notRegular(path: "\(template.path)/\(entry)")
      }
    }
  }

  private func filled(_ content: [UInt8]) -> [UInt8] {
    let parts = String(decoding: content, as: UTF8.self).split(
      separator: Self.placeholder, omittingEmptySubsequences: false)
    return Array(parts.joined(separator: name.text).utf8)
  }
}
