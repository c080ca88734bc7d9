import PluginModel

/// What a plugin's author should mend before others use it. Pure: what is looked at was read, parsed and described before.
package struct PluginLint: Sendable {
  /// One thing that a Python file imports or calls.
  package struct Use: Hashable, Sendable {
    package enum Kind: String, Sendable {
      case own
      case standard
      case other
    }
    /// Relative to the plugin's directory.
    package var path: String
    package var line: Int
    /// Of a module, or of something in one: `urllib.request`, `os.system`.
    package var name: String
    package var kind: Kind

    package init(path: String, line: Int, name: String, kind: Kind) {
      self.path = path
      self.line = line
      self.name = name
      self.kind = kind
    }
  }

  package var manifest: PluginManifest
  package var places: ManifestPlaces
  /// Relative to the plugin's directory.
  package var files: [String]
  /// What the code says of itself; nil where it could not be asked.
  package var specifications: [NodeSpecification]?
  /// Of the files that aren't tests, examples or documentation. Nil where they could not be parsed.
  package var uses: [Use]?
  /// The name of a file of the plugin for diagnostics.
  package var shown: @Sendable (String) -> String

  package init(
    manifest: PluginManifest, places: ManifestPlaces, files: [String], specifications: [NodeSpecification]?,
    uses: [Use]?, shown: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.manifest = manifest
    self.places = places
    self.files = files
    self.specifications = specifications
    self.uses = uses
    self.shown = shown
  }

  /// Errors first.
  package var diagnostics: [Diagnostic] {
    nodeTypeProblems + manifestNotes + fileNotes + specificationNotes + undeclaredUses + unusedPermissions
  }

  // MARK: Manifest and files

  /// What the manifest names is what `plugin list` shows before anything of the plugin has run.
  private var nodeTypeProblems: [Diagnostic] {
    guard let specifications else { return [] }
    let (listed, described) = (manifest.nodeTypes, specifications.map(\.nodeType))
    let absent = listed.filter { !described.contains($0) }.map { name in
      Diagnostic(
        "the code has no node type \(name.text.quoted), which the manifest names",
        why: "get_node_types returns \(Self.list(described.map(\.text)))",
        hint: Suggestion.hint(for: name.text, among: described.map(\.text)) ?? "remove it, or write it",
        at: places.nodeTypes[name] ?? places.section(.nodeTypes))
    }
    let unlisted = described.filter { !listed.contains($0) }.map { name in
      Diagnostic(
        "the manifest doesn't name the node type \(name.text.quoted), which the code has",
        hint: "add it to node_types", at: places.section(.nodeTypes))
    }
    return absent + unlisted
  }

  private var manifestNotes: [Diagnostic] {
    var notes: [Diagnostic] = []
    func note(_ what: String, _ hint: String, _ key: PluginManifest.Key) {
      notes.append(Diagnostic(what, hint: hint, at: places.section(key), severity: .warning))
    }
    if manifest.description.isEmpty {
      note("the manifest has no description", "say in one line what the plugin is for: description: …", .description)
    }
    if manifest.license.isEmpty {
      note(
        "the manifest names no license", "without one nobody may use the plugin; write its SPDX id: license: MIT",
        .license)
    }
    if specifications?.isEmpty == true {
      note("the plugin has no node types", "return some from get_node_types", .nodeTypes)
    }
    for key in manifest.configuration where key.description.isEmpty {
      note("the configuration key \(key.name.text.quoted) has no description", "say what it is for", .configuration)
    }
    return notes
  }

  private var fileNotes: [Diagnostic] {
    var notes: [Diagnostic] = []
    func note(_ what: String, _ hint: String) { notes.append(Diagnostic(what, hint: hint, severity: .warning)) }
    if !files.contains(where: Self.isTest) {
      note("the plugin has no tests", "write some in tests/, and run them with orchestrator plugin test")
    }
    if !files.contains(where: { Self.name($0).lowercased().hasPrefix("readme") }) {
      note("the plugin has no README", "say in a README.md what it is for, and how its nodes are used")
    }
    let hasRequirements = files.contains("requirements.txt")
    if !manifest.dependencies.isEmpty, !hasRequirements {
      note(
        "there is no requirements.txt, though the manifest has dependencies",
        "write them into requirements.txt too, for those who work on the plugin")
    }
    if hasRequirements, manifest.dependencies.isEmpty {
      note(
        "there is a requirements.txt, and the manifest has no dependencies",
        "write them into the manifest's dependencies: its users get those")
    }
    let leftovers = files.filter { $0.contains("__pycache__/") || $0.hasSuffix(".pyc") }
    if let first = leftovers.first {
      note(
        "there is compiled code in the plugin: \(first)"
          + (leftovers.count > 1 ? " and \(leftovers.count - 1) more" : ""),
        "remove it: it belongs to the plugin's digest, and changes with every Python")
    }
    return notes
  }

  private var specificationNotes: [Diagnostic] {
    (specifications ?? []).flatMap { node -> [Diagnostic] in
      let ports = (node.inputs + node.outputs).filter { $0.description.isEmpty }.map {
        "the port \($0.name.text.quoted)"
      }
      let parameters = node.parameters.filter { $0.description.isEmpty }.map { "the parameter \($0.name.text.quoted)" }
      let own = node.description.isEmpty ? ["the node type itself"] : []
      let silent = own + ports + parameters
      guard !silent.isEmpty else { return [] }
      return [
        Diagnostic(
          "the node type \(node.nodeType.text.quoted) has no description for \(silent.joined(separator: ", "))",
          hint: "say what it is for: the editor shows it", severity: .warning)
      ]
    }
  }

  // MARK: Permissions

  /// What code has to be allowed, by what shows that it does it.
  private struct Need {
    var permissions: Set<Permission.Name>
    var what: String
    var hint: String
    /// Modules, and what is in them.
    var names: Set<String>

    func isMet(by use: Use) -> Bool {
      var name = Substring(use.name)
      while true {
        if names.contains(String(name)) { return true }
        guard let dot = name.lastIndex(of: ".") else { return false }
        name = name[..<dot]
      }
    }
  }

  private static let network = Need(
    permissions: [.networkHTTP, .networkSocket], what: "the network",
    hint: "if it connects to something, ask for it: network.http:HOST, or network.socket:HOST:PORT",
    names: [
      "socket", "http.client", "urllib.request", "ftplib", "smtplib", "imaplib", "poplib", "telnetlib", "xmlrpc",
      "requests", "httpx", "aiohttp", "urllib3", "websockets", "websocket", "boto3", "paramiko", "psycopg", "psycopg2",
      "redis", "pymongo", "asyncio.open_connection", "asyncio.start_server",
    ])
  private static let execution = Need(
    permissions: [.systemExec], what: "other programs",
    hint: "if it starts some, ask for them: system.exec:NAME",
    names: Set(
      ["subprocess", "pty", "pexpect", "plumbum", "os.system", "os.popen", "os.posix_spawn", "os.posix_spawnp"]
        + ["l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"].flatMap { ["os.exec\($0)", "os.spawn\($0)"] }
        + ["asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"]))

  private var undeclaredUses: [Diagnostic] {
    let uses = uses ?? []
    var notes = [Self.network, Self.execution].compactMap { need -> Diagnostic? in
      guard !manifest.permissions.contains(where: { need.permissions.contains($0.name) }),
        let use = uses.first(where: { need.isMet(by: $0) })
      else { return nil }
      return Diagnostic(
        "the code uses \(use.name), and the manifest asks for no permission for \(need.what)",
        why: "in its sandbox that fails", hint: need.hint, at: place(use), severity: .warning)
    }
    if manifest.dependencies.isEmpty, let use = uses.first(where: { $0.kind == .other }) {
      notes.append(
        Diagnostic(
          "the code imports \(use.name), and the manifest names no dependencies",
          why: "a worker has Python's own modules and what the manifest's dependencies bring",
          hint: "add the package that it comes from to dependencies", at: place(use), severity: .warning))
    }
    return notes
  }

  /// Only where it can be known: other people's modules may do anything.
  private var unusedPermissions: [Diagnostic] {
    guard let uses else { return [] }
    let isKnown = !uses.contains { $0.kind == .other } && manifest.dependencies.isEmpty
    return manifest.permissions.compactMap { permission in
      let need = [Self.network, Self.execution].first { $0.permissions.contains(permission.name) }
      let isUnused =
        if let need { isKnown && !uses.contains(where: need.isMet) } else {
          permission.name == .gpuAccess
            && specifications?.allSatisfy({ $0.resourceRequirements.gpuCount == 0 }) ?? false
        }
      guard isUnused else { return nil }
      let why = need.map { "nothing in the code shows that it uses \($0.what)" } ?? "no node type asks for a GPU"
      return Diagnostic(
        "the manifest asks for \(permission), and nothing needs it", why: why,
        hint: "remove it: whoever installs the plugin has to trust it with less",
        at: places.permissions[permission] ?? places.section(.permissions), severity: .warning)
    }
  }

  private func place(_ use: Use) -> SourceLocation {
    SourceLocation(file: shown(use.path), line: use.line, column: 1)
  }

  // MARK: Words

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map(\.quoted).joined(separator: ", ")
  }

  private static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  /// As pytest finds them.
  package static func isTest(_ path: String) -> Bool {
    let name = name(path)
    return name.hasSuffix(".py") && (name.hasPrefix("test_") || name.hasSuffix("_test.py"))
  }

  /// What isn't run when a node is.
  package static func isBesideTheCode(_ path: String) -> Bool {
    let folders = path.split(separator: "/").dropLast()
    return isTest(path) || name(path) == "conftest.py"
      || folders.contains { ["tests", "test", "examples", "docs"].contains($0) }
  }
}

/// Where a manifest says what.
package struct ManifestPlaces: Sendable {
  package private(set) var nodeTypes: [NodeTypeName: SourceLocation] = [:]
  package private(set) var permissions: [Permission: SourceLocation] = [:]
  private var sections: [PluginManifest.Key: SourceLocation] = [:]
  private let file: String

  /// Of a manifest that was read and found right.
  package init(yaml bytes: [UInt8], file: String) {
    self.file = file
    let root = DocumentReport(file: file).read(bytes, syntax: .yaml)?.mapping(PluginManifest.Key.self)
    for key in PluginManifest.Key.allCases {
      if let value = root?.optional(key) { sections[key] = value.location }
    }
    for item in root?.optional(.nodeTypes)?.list() ?? [] {
      if let name = item.name(NodeTypeName.self) { nodeTypes[name] = item.location }
    }
    for item in root?.optional(.permissions)?.list() ?? [] {
      if let permission = item.permission() { permissions[permission] = item.location }
    }
  }

  /// The file's beginning where the key is missing.
  package func section(_ key: PluginManifest.Key) -> SourceLocation {
    sections[key] ?? SourceLocation(file: file, line: 1, column: 1)
  }
}
