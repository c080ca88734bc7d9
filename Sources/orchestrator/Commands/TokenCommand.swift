import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry
import StateStore

/// `orchestrator token …`
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Makes, lists and takes back the tokens by which the server is asked.",
    subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

/// `orchestrator token create`
struct TokenCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Makes a token, and prints its secret once.",
    discussion: """
      Only the SHA-256 of the secret is kept. The scopes, each with what those before it may do:
        viewer   reads plugins, workflows, runs and what came of them
        runner   starts, cancels and removes runs, and uploads what they need
        author   changes workflows, publishes in the registry in the token's name
        admin    plugins, grants, tokens, the audit log

      Examples:
        orchestrator token create alice --scope author --out alice.token
        orchestrator token create ci --scope runner --expires 30d --quota runs=4,cpu=2
      """)

  @Argument(help: "Whose it is: the name in the audit log.") var name: String
  @Option(help: "What it allows: \(AccessScope.allCases.map(\.rawValue).joined(separator: ", ")).") var scope: String
  @Option(
    help: ArgumentHelp(
      "How long it is worth anything, such as 12h or 30d, at most 366d. Default: until it is revoked.",
      valueName: "duration"))
  var expires: String?
  @Option(
    help: ArgumentHelp(
      "What it may have at one time: \(AccessQuota.grammar). For example \(AccessQuota.example)", valueName: "amounts"))
  var quota: String?
  @Option(
    help: ArgumentHelp("Write it to this new file, which only you may read, instead of printing it.", valueName: "file")
  )
  var out: String?
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let made = try await generated(bootstrap)
    let target = try await target(bootstrap)
    let log = try await TokenLog(bootstrap, making: state)
    try await log.doing(.createToken, to: made.token.name.text, detail: made.token.jsonValue) {
      () throws(CommandFailure) in
      guard try await log.add(made.token, made.secret) else {
        throw CommandFailure(
          .invalidInput, "there is a token of the name \(made.token.name)",
          hint: "choose another name, or: orchestrator token revoke \(made.token.name)")
      }
      guard let target else { return }
      do throws(FileError) {
        try await bootstrap.files.run { () throws(FileError) in
          try target.directory.create(target.name, Array("\(made.secret.secret)\n".utf8), permissions: 0o600)
        }
      } catch {
        // Nobody has the secret.
        _ = try await log.remove(made.token.identifier.text)
        throw CommandFailure(
          .invalidInput, "\(target.path) can't be written", why: error.description, hint: "name a new file")
      }
    }
    if target == nil { await bootstrap.console.print(made.secret.secret) }
  }

  private func generated(_ bootstrap: Bootstrap) async throws -> (token: AccessToken, secret: BearerToken) {
    guard let name = AccessTokenName(name) else {
      throw CommandFailure(
        .invalidInput, "\(name.quoted) is not the name of a token", hint: "use \(AccessTokenName.grammar)")
    }
    guard let scope = AccessScope(rawValue: scope) else {
      let words = AccessScope.allCases.map(\.rawValue)
      throw CommandFailure(
        .invalidInput, "--scope \(scope.quoted) is no scope",
        hint: Suggestion.hint(for: scope, among: words) ?? "use one of \(words.joined(separator: ", "))")
    }
    let lifetime = try expires.map { text in
      guard let milliseconds = Quantity.duration(text) else {
        throw CommandFailure(
          .invalidInput, "--expires \(text.quoted) is not a duration",
          hint: "write a whole number and one of ms, s, m, h, d, for example 30d; at most 366d")
      }
      return milliseconds
    }
    let amounts = try await asking { () throws(Diagnostic) in try quota.map(AccessQuota.init) ?? AccessQuota() }
    do throws(FileError) {
      return try await bootstrap.files.run { () throws(FileError) in
        try AccessToken.generated(
          name: name, scope: scope, quota: amounts, at: ProcessEnvironment.millisecondsSince1970(), lifetime: lifetime)
      }
    } catch {
      throw CommandFailure(.invalidInput, "no token can be made", why: error.description)
    }
  }

  private func target(_ bootstrap: Bootstrap) async throws -> PackageTarget? {
    guard let out else { return nil }
    return try await asking { () throws(Diagnostic) in
      try await bootstrap.files.run { () throws(Diagnostic) in try PackageTarget(out) }
    }
  }
}

/// `orchestrator token list`
struct TokenListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the tokens, those that have expired too. Secrets are kept nowhere.")

  @OptionGroup var state: StateOptions
  @Option(help: "How to write the list: text or json.") var output: OutputFormat = .text

  func run() async throws {
    let bootstrap = try Bootstrap()
    let tokens = try await TokenLog(bootstrap, existing: state)?.tokens() ?? []
    let console = bootstrap.console
    switch output {
    case .json:
      await console.print(JSONValue.object([.init("tokens", .array(tokens.map(\.jsonValue)))]).text(.pretty))
    case .text:
      if tokens.isEmpty { await console.print("there are no tokens in \(SafeText.line(try bootstrap.state(state)))") }
      let now = ProcessEnvironment.millisecondsSince1970()
      for token in tokens { await console.print(token.line(at: now, style: console.outputStyle)) }
    }
  }
}

extension AccessToken {
  fileprivate func line(at now: Int64, style: Style) -> String {
    let end =
      if let expires {
        isExpired(at: now)
          ? style("expired \(ProcessEnvironment.readableTime(expires))", .warning)
          : "expires \(ProcessEnvironment.readableTime(expires))"
      } else {
        "doesn't expire"
      }
    let quota = quota.isEmpty ? "" : ", \(quota)"
    return "\(style(name.text, .strong))  \(identifier)  \(scope.rawValue)\(quota)  "
      + "made \(ProcessEnvironment.readableTime(created)), \(end)"
  }
}

/// `orchestrator token revoke`
struct TokenRevokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Takes a token back: it is worth nothing from then on.",
    discussion: "Runs that were begun with it go on.")

  @Argument(help: ArgumentHelp("Its name or its identifier.", valueName: "token")) var token: String
  @OptionGroup var state: StateOptions

  func run() async throws {
    let bootstrap = try Bootstrap()
    let log = try await TokenLog(bootstrap, existing: state)
    let tokens = try await log?.tokens() ?? []
    guard let log, let found = tokens.first(where: { $0.name.text == token || $0.identifier.text == token }) else {
      throw CommandFailure(
        .invalidInput, "there is no token \(token.quoted)",
        hint: Suggestion.hint(for: token, among: tokens.map(\.name.text)) ?? "see: orchestrator token list")
    }
    try await log.doing(.revokeToken, to: found.name.text, detail: ["id": .string(found.identifier.text)]) {
      () throws(CommandFailure) in
      _ = try await log.remove(found.identifier.text)
    }
    await bootstrap.console.print(
      "\(bootstrap.console.outputStyle("✓", .good)) the token \(found.name) is worth nothing any more")
  }
}

/// The tokens in the database, and the log of what is done to them at the console.
private struct TokenLog {
  private let database: StateDatabase

  init(_ bootstrap: Bootstrap, making state: StateOptions) async throws(CommandFailure) {
    let path = try bootstrap.state(state)
    database = try await stored { () throws(StateStoreError) in
      try await StateDatabase(making: path, on: bootstrap.files)
    }
  }

  init?(_ bootstrap: Bootstrap, existing state: StateOptions) async throws(CommandFailure) {
    let path = try bootstrap.state(state)
    let found = try await stored { () throws(StateStoreError) in
      try await StateDatabase(existing: path, on: bootstrap.files)
    }
    guard let found else { return nil }
    database = found
  }

  func tokens() async throws(CommandFailure) -> [AccessToken] {
    try await stored { () throws(StateStoreError) in try await database.tokens() }
  }

  func add(_ token: AccessToken, _ secret: BearerToken) async throws(CommandFailure) -> Bool {
    try await stored { () throws(StateStoreError) in
      try await database.addToken(token, digest: ContentDigest(sha256: secret.secret.utf8))
    }
  }

  func remove(_ reference: String) async throws(CommandFailure) -> Bool {
    try await stored { () throws(StateStoreError) in try await database.removeToken(reference) }
  }

  /// What can't be written down isn't done.
  func doing(
    _ action: AuditAction, to subject: String, detail: JSONValue, _ body: () async throws(CommandFailure) -> Void
  ) async throws(CommandFailure) {
    let entry = AuditEntry(
      time: ProcessEnvironment.millisecondsSince1970(), actor: .console, action: action, subject: subject,
      detail: detail)
    try await database.auditing(entry, unwritten: { CommandFailure($0) }, body)
  }
}

private func stored<Success>(
  _ body: () async throws(StateStoreError) -> Success
) async throws(CommandFailure) -> Success {
  do throws(StateStoreError) { return try await body() } catch { throw CommandFailure(error) }
}
