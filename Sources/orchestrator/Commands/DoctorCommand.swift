import ArgumentParser
import PluginModel
import SandboxPlanning
import SandboxRuntime

/// `orchestrator doctor`
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Says what this host can enforce, and what is to be done where it can't.",
    discussion: """
      Every feature is tried, not looked up. Ends with status 3 when no sandbox can be made here; with --gpu, when there is \
      no GPU that a plugin could be given.
      """)

  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @Option(help: "How to write the findings: text or json.") var output: OutputFormat = .text
  @Flag(help: "Say which GPUs there are, and what is wrong with the files that describe them; nothing else.") var gpu =
    false

  func run() async throws {
    let bootstrap = try Bootstrap()
    if gpu { return try await examineGPUs(bootstrap) }
    let facts = try await bootstrap.hostFacts(staging: try bootstrap.existingStatePlace())
    let report = await bootstrap.files.run { HostReport.gather(facts) }
    let settings = try await bootstrap.systemConfiguration(system).python
    let examination = DoctorReport(
      facts: facts, host: report, python: await python(bootstrap), sandboxInit: bootstrap.installation.sandboxInit,
      libarchive: await bootstrap.files.run { PackageUnpacker.findLibrary() },
      uv: try await bootstrap.uv(settings))
    switch output {
    case .json: await bootstrap.console.print(examination.json.text(.pretty))
    case .text:
      for line in examination.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
    }
    guard examination.canRun else { throw CommandFailure(.sandboxUnavailable) }
  }

  private func examineGPUs(_ bootstrap: Bootstrap) async throws(CommandFailure) {
    let system = try await bootstrap.systemConfiguration(system)
    let report = GPUReport(
      inventory: await bootstrap.gpus(system), directories: system.cdiDirectories ?? GPUDiscovery.standardDirectories)
    switch output {
    case .json: await bootstrap.console.print(report.json.text(.pretty))
    case .text:
      for line in report.lines(style: bootstrap.console.outputStyle) { await bootstrap.console.print(line) }
    }
    guard !report.inventory.gpus.isEmpty else { throw CommandFailure(.sandboxUnavailable) }
  }

  private func python(_ bootstrap: Bootstrap) async -> Result<Interpreter, Diagnostic> {
    do throws(CommandFailure) {
      return .success(try await bootstrap.interpreter(sandbox))
    } catch {
      return .failure(error.diagnostics.first ?? Diagnostic("no Python was found"))
    }
  }
}

/// The host's features, as text and as JSON.
struct DoctorReport: Sendable {
  var facts: HostFacts
  var host: HostReport
  var python: Result<Interpreter, Diagnostic>
  var sandboxInit: AbsolutePath
  /// What unpacks packages; nil where it isn't found.
  var libarchive: String?
  var uv: AbsolutePath?

  /// Everything mandatory is there.
  var canRun: Bool {
    guard case .success = python else { return false }
    return host.canLaunch
  }

  func lines(style: Style) -> [String] {
    var lines = [
      "\(style("kernel", .strong)) \(facts.kernelRelease) (\(facts.architecture.rawValue)), as user \(facts.userIdentifier)"
    ]
    for finding in host.findings {
      lines.append(
        "\(Self.mark(finding.severity, style)) \(style(finding.feature.rawValue, .strong)): \(finding.detail)")
      lines.append("    \(style(finding.feature.purpose, .faint))")
      if let remedy = finding.remedy { lines.append("    \(style("remedy:", .accent)) \(remedy)") }
    }
    switch python {
    case .success(let interpreter):
      lines.append("\(style("✓", .good)) \(style("Python", .strong)): \(SafeText.line(interpreter.executable.text))")
    case .failure(let diagnostic):
      lines.append("\(style("✗", .bad)) \(style("Python", .strong)): \(SafeText.line(diagnostic.what))")
      if let hint = diagnostic.hint { lines.append("    \(style("remedy:", .accent)) \(SafeText.line(hint))") }
    }
    if let libarchive {
      lines.append("\(style("✓", .good)) \(style("libarchive", .strong)): \(libarchive)")
    } else {
      lines.append(
        "\(style("!", .warning)) \(style("libarchive", .strong)): it isn't found: no package can be unpacked")
      lines.append("    \(style("remedy:", .accent)) apt-get install libarchive13")
    }
    if let uv {
      lines.append("\(style("✓", .good)) \(style("uv", .strong)): \(SafeText.line(uv.text))")
    } else {
      lines.append(
        "\(style("!", .warning)) \(style("uv", .strong)): it isn't found: pip gets the Python packages of plugins, and takes longer"
      )
      lines.append(
        "    \(style("remedy:", .accent)) pipx install uv, or name it: plugins.python.uv of plugin_system.yaml")
    }
    lines.append("")
    lines.append(verdict(style: style))
    return lines
  }

  private func verdict(style: Style) -> String {
    guard canRun else { return style("Plugins can't run here: see ✗.", .bad) }
    return host.findings.allSatisfy(\.isOK)
      ? style("Plugins run here, with everything enforced.", .good)
      : style("Plugins run here. What is marked ! could be stronger.", .warning)
  }

  private static func mark(_ severity: HostReport.Severity, _ style: Style) -> String {
    switch severity {
    case .ok: style("✓", .good)
    case .degraded: style("!", .warning)
    case .missing: style("✗", .bad)
    }
  }

  var json: JSONValue {
    var members = [
      JSONValue.Member("can_run", .bool(canRun)), JSONValue.Member("kernel", .string(facts.kernelRelease)),
      JSONValue.Member("architecture", .string(facts.architecture.rawValue)),
      JSONValue.Member("user", .integer(Int64(facts.userIdentifier))),
      JSONValue.Member("capabilities", .array((host.capabilities?.effective ?? []).map { .string($0) })),
      JSONValue.Member("features", .array(host.findings.map(Self.json))),
    ]
    switch python {
    case .success(let interpreter):
      members.append(JSONValue.Member("python", .string(interpreter.executable.text)))
    case .failure: members.append(JSONValue.Member("python", .null))
    }
    members.append(JSONValue.Member("libarchive", libarchive.map { .string($0) } ?? .null))
    members.append(JSONValue.Member("uv", uv.map { .string($0.text) } ?? .null))
    return .object(members)
  }

  private static func json(_ finding: HostReport.Finding) -> JSONValue {
    let status =
      switch finding.severity {
      case .ok: "ok"
      case .degraded: "degraded"
      case .missing: "missing"
      }
    return .object([
      JSONValue.Member("feature", .string(finding.feature.rawValue)),
      JSONValue.Member("purpose", .string(finding.feature.purpose)),
      JSONValue.Member("status", .string(status)), JSONValue.Member("detail", .string(finding.detail)),
      JSONValue.Member("remedy", finding.remedy.map { .string($0) } ?? .null),
    ])
  }
}

extension HostReport.Feature {
  /// What a worker gets from it.
  var purpose: String {
    switch self {
    case .userNamespaces: "workers have no privilege on the host, and none is needed to start them"
    case .otherNamespaces: "workers see no file, process, network or name of the host but what is granted"
    case .nestedNamespaces: "workers can't make namespaces of their own, where kernel bugs are easier to reach"
    case .landlock: "a second wall around files, whatever the mounts say"
    case .seccompNotification: "only listed system calls; no other program is started without system.exec"
    case .processFilesystem: "workers see their own processes only"
    case .cgroup: "a worker ends whole, and can be limited whole"
    case .devicePrograms: "workers open the devices that they were given and no other, whatever node they get hold of"
    case .openNetworks: "network.socket without an endpoint; hosts and endpoints by name need nothing of it"
    case .stagedWrites: "what a node writes to the workspace comes there only when it has succeeded"
    case .distinctUsers: "what one plugin leaves behind is never another's"
    case .coreDumps: "a worker that dies starts no program of the host"
    case .launchMode: "they decide how workers are started; no worker ever has any"
    }
  }
}
