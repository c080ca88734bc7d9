import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin verify`
struct PluginVerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Says whether a package is whole, who signed it, and whether that is trusted here.",
    discussion: """
      Looks at every byte of its structure, compares every file with the index, and each signature with the keys of \
      plugins.security.trust in plugin_system.yaml. Nothing is installed, and nothing of the plugin runs. What is compressed \
      is unpacked in a sandbox. Ends with status 2 when the package would be refused.
      """)

  @Argument(help: "The package.") var package: String
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var state: StateOptions
  @Option(help: "How to write the findings: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let system = try await bootstrap.systemConfiguration(self.system, policy)
    let package = try await bootstrap.package(self.package)
    let content = try await bootstrap.content(
      of: package, sandbox, system, state: try bootstrap.state(state))
    let manifest: PluginManifest
    do throws(Diagnostics) {
      manifest = try content.manifest(engineVersion: engineVersion)
    } catch {
      throw CommandFailure(.invalidInput, error.items)
    }
    let report = VerifyReport(
      package: package, manifest: manifest, verdict: system.trust.verdict(on: package, today: Bootstrap.today()))
    switch output {
    case .json: await bootstrap.console.print(report.json.text(.pretty))
    case .text:
      for line in report.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
      await bootstrap.report(system.warnings + report.verdict.warnings)
    }
    guard report.verdict.refusals.isEmpty else {
      throw CommandFailure(.invalidInput, output == .text ? report.verdict.refusals : [])
    }
  }
}

extension Bootstrap {
  /// The structure and the index of a package that the operator named.
  func package(_ path: String) async throws(CommandFailure) -> PackageFile {
    do throws(Diagnostic) {
      return try await files.run { () throws(Diagnostic) in try PackageFile(opening: path) }
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
  }

  /// Its files, compared with the index; unpacked in a sandbox where something is compressed.
  func content(
    of package: PackageFile, _ sandbox: SandboxOptions, _ system: SystemConfiguration, state: String
  ) async throws(CommandFailure) -> PackageContent {
    let stored: PackageContent?
    do throws(PackageFlaw) {
      stored = try await files.run { () throws(PackageFlaw) in try package.storedContent() }
    } catch {
      throw CommandFailure(.invalidInput, [error.diagnostic(of: package.path)])
    }
    if let stored { return stored }
    return try await withUnpacker(sandbox, state: state, system: system) { (unpacker) async throws(CommandFailure) in
      try await unpacker.content(of: package)
    }
  }

  /// UTC. A clock that says nothing useful is later than any key's last day.
  static func today() -> CalendarDate {
    CalendarDate(String(ProcessEnvironment.readableTime().prefix(10))) ?? .last
  }
}

/// What a package is, and what is thought of who signed it.
struct VerifyReport: Sendable {
  let package: PackageFile
  let manifest: PluginManifest
  let verdict: TrustVerdict

  private var state: String {
    if !verdict.refusals.isEmpty { return "refused" }
    return verdict.isTrusted ? "trusted" : "untrusted"
  }

  func lines(style: Style) -> [String] {
    let index = package.index
    let asked = manifest.permissions.map(\.description).joined(separator: ", ")
    let mark = verdict.refusals.isEmpty ? style("✓", .good) : style("✗", .bad)
    var lines = [
      "\(mark) \(index.name) \(index.version) is whole, and \(state)",
      "  files        \(index.entries.count), \(index.totalSize) bytes",
      "  asks for     \(asked.isEmpty ? "nothing" : SafeText.line(asked))",
      "  checksum     \(package.checksum)",
      "  contents     \(package.contents)",
    ]
    if verdict.signers.isEmpty { lines.append("  signed by    nobody") }
    for (position, signer) in verdict.signers.enumerated() {
      let head = position == 0 ? "  signed by    " : "               "
      let role = signer.plugins.isEmpty ? "" : ", for \(signer.plugins.map(\.description).joined(separator: ", "))"
      lines.append("\(head)\(SafeText.line(signer.title)) \(signer.standing)\(SafeText.line(role))")
    }
    return lines
  }

  var json: JSONValue {
    [
      "package": .string(package.path), "checksum": .string(package.checksum.description),
      "contents": .string(package.contents.description),
      "name": .string(package.index.name.text), "version": .string(package.index.version.description),
      "files": .integer(Int64(package.index.entries.count)),
      "unpacked_size": .integer(Int64(package.index.totalSize)),
      "permissions": .array(manifest.permissions.map { .string($0.description) }),
      "verdict": .string(state),
      "signatures": .array(verdict.signers.map(Self.json)),
      "refusals": .array(verdict.refusals.map(\.json)), "warnings": .array(verdict.warnings.map(\.json)),
    ]
  }

  private static func json(_ signer: TrustVerdict.Signer) -> JSONValue {
    [
      "key": .string(signer.key.text), "name": signer.name.map { .string($0) } ?? .null,
      "standing": .string(signer.standing.word), "plugins": .array(signer.plugins.map { .string($0.description) }),
    ]
  }
}

extension TrustVerdict.Standing {
  /// For `--output json`.
  fileprivate var word: String {
    switch self {
    case .trusted: "trusted"
    case .unknown: "unknown"
    case .wrong: "wrong"
    case .revoked: "revoked"
    case .expired: "expired"
    case .otherPlugins: "other_plugins"
    }
  }
}
