import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin pack`
struct PluginPackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack", abstract: "Makes a package of a plugin's directory: NAME-VERSION.zip.",
    discussion: """
      The same files make the same bytes, on every machine. What version control and Python leave behind is left out, and \
      what the patterns of .pluginignore name. Nothing of the plugin runs.

      Examples:
        orchestrator plugin pack plugins/greeter
        orchestrator plugin pack . --out /srv/packages/greeter.zip
      """)

  @Argument(help: "The directory that plugin.yaml lies in.") var directory: String
  @Option(
    help: ArgumentHelp(
      "Where to write the package. What is there is replaced. Default: NAME-VERSION.zip, here.", valueName: "file"))
  var out: String?
  @Option(help: "How to write the report: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let packed: (packer: PluginPacker, path: String, package: (checksum: ContentDigest, byteCount: Int))
    do {
      packed = try await bootstrap.files.run { [directory, out] in
        let packer = try PluginPacker(directory, engineVersion: engineVersion)
        let target = try PackageTarget(out ?? packer.fileName)
        return (packer, target.path, try packer.write(as: target.name, in: target.directory))
      }
    } catch let problems as Diagnostics {
      throw CommandFailure(.invalidInput, problems.items)
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    }
    let report = PackReport(packed.packer, path: packed.path, package: packed.package)
    switch output {
    case .json: await bootstrap.console.print(report.json.text(.pretty))
    case .text:
      for line in report.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
    }
  }
}

/// Where a package is written.
struct PackageTarget: Sendable {
  let path: String
  let directory: Directory
  let name: String

  init(_ path: String) throws(Diagnostic) {
    var parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let name = parts.popLast().map(String.init) ?? ""
    guard !["", ".", ".."].contains(name) else {
      throw Diagnostic("\(path) names no file", hint: "end it with the name of the package")
    }
    let place = parts.isEmpty ? "." : parts.joined(separator: "/") + "/"
    do throws(FileError) {
      directory = try Directory(opening: place)
    } catch {
      throw Diagnostic("\(path) can't be written", why: error.description, hint: "make the directory first")
    }
    self.path = path
    self.name = name
  }
}

/// What was packed, and how much of it.
struct PackReport: Sendable {
  private static let shownFiles = 5
  private static let shownIgnored = 20

  let packer: PluginPacker
  let path: String
  let package: (checksum: ContentDigest, byteCount: Int)

  init(_ packer: PluginPacker, path: String, package: (checksum: ContentDigest, byteCount: Int)) {
    self.packer = packer
    self.path = path
    self.package = package
  }

  private var largest: [PackageIndex.Entry] {
    Array(packer.index.entries.sorted { ($1.size, $0.path) < ($0.size, $1.path) }.prefix(Self.shownFiles))
  }

  func lines(style: Style) -> [String] {
    let index = packer.index
    var lines = [
      "\(style("✓", .good)) packed \(index.name) \(index.version) in \(SafeText.line(path))",
      "  files        \(index.entries.count), \(index.totalSize) bytes",
    ]
    for (position, entry) in largest.enumerated() {
      let head = position == 0 ? "  largest      " : "               "
      lines.append("\(head)\(SafeText.line(entry.path.text)), \(entry.size) bytes")
    }
    for (position, path) in packer.ignored.prefix(Self.shownIgnored).enumerated() {
      lines.append("\(position == 0 ? "  left out     " : "               ")\(SafeText.line(path))")
    }
    if packer.ignored.count > Self.shownIgnored {
      lines.append("               and \(packer.ignored.count - Self.shownIgnored) more")
    }
    return lines + [
      "  size         \(package.byteCount) bytes", "  checksum     \(package.checksum)",
      "  sign it      orchestrator plugin sign \(SafeText.line(ShellText.word(path))) --key FILE",
    ]
  }

  var json: JSONValue {
    [
      "package": .string(path), "checksum": .string(package.checksum.description),
      "size": .integer(Int64(package.byteCount)),
      "metadata": [
        "name": .string(packer.index.name.text), "version": .string(packer.index.version.description),
        "author": .string(packer.manifest.author), "description": .string(packer.manifest.description),
        "license": .string(packer.manifest.license),
      ],
      "files": .integer(Int64(packer.index.entries.count)), "unpacked_size": .integer(Int64(packer.index.totalSize)),
      "largest": .array(
        largest.map { ["path": .string($0.path.text), "size": .integer(Int64($0.size))] }),
      "ignored": .array(packer.ignored.map { .string($0) }),
    ]
  }
}
