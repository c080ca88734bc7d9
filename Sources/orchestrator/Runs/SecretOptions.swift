import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel

/// The secrets of a run, all that its nodes name.
struct RunSecrets: Sendable {
  /// Of the nodes that have any.
  let byNode: [NodeName: [Secret]]
  /// Of all of them: what one node leaves in a file another may print.
  let mask: SecretMask

  /// Of a workflow whose nodes name none.
  static let none = RunSecrets([:], of: [])

  /// The plugins' own.
  init(ofPlugins secrets: [Secret]) { self.init([:], of: [], and: secrets) }

  /// - Parameter others: of the plugins themselves.
  fileprivate init(_ secrets: [SecretName: Secret], of nodes: [WorkflowGraph.Node], and others: [Secret] = []) {
    let pairs = nodes.filter { !$0.secrets.isEmpty }.map { ($0.name, $0.secrets.compactMap { secrets[$0] }) }
    byNode = Dictionary(pairs) { first, _ in first }
    mask = SecretMask(Array(secrets.values) + others)
  }
}

/// What the commands of a workflow are told and nobody else. A value is never part of a command line: others can read that.
struct SecretOptions: ParsableArguments {
  @Option(
    name: .customLong("secret"),
    help: ArgumentHelp(
      "A secret of the workflow: from the environment variable of its name, or from a file or a pipe. May be repeated.",
      discussion: "It reaches the nodes that name it under 'secrets', and is masked in what they write.",
      valueName: "name[=file]"))
  var secrets: [String] = []

  /// Seconds, until all pipes have brought their secrets: whoever writes to one may have to ask a vault first, or be asked for a password.
  private static let pipeSeconds = 30

  /// Reads those that `nodes` name.
  /// - Parameter others: those of the plugins, which nothing shows either.
  /// - Parameter isResumed: the options are those that the run began with, and can't be given anew.
  /// - Throws: all that is wrong with them at once.
  func read(
    for nodes: [WorkflowGraph.Node], and others: [Secret], isResumed: Bool, _ bootstrap: Bootstrap
  ) async throws(CommandFailure) -> RunSecrets {
    let wanted = Set(nodes.flatMap(\.secrets))
    var problems: [Diagnostic] = []
    var found: [SecretName: Secret] = [:]
    let pipesEnd = ContinuousClock.now + .seconds(Self.pipeSeconds)
    for option in secrets where !Task.isCancelled {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      do throws(Diagnostic) {
        // What isn't the name of a secret may be one, by mistake: it isn't quoted.
        guard let name = SecretName(parts[0]), wanted.contains(name) else { throw Self.unknown(wanted) }
        let file = parts.count == 2 ? parts[1] : nil
        let value = try await Self.value(name, file: file, pipesEnd: pipesEnd, isResumed, bootstrap)
        guard found.updateValue(try Secret(name, value), forKey: name) == nil else {
          throw Diagnostic("--secret names \(name.text.quoted) twice", hint: "keep one")
        }
      } catch {
        problems.append(error)
      }
    }
    // A name that is misspelt is one mistake, not two.
    let missing = problems.isEmpty ? wanted.filter { found[$0] == nil }.sorted() : []
    for name in missing {
      let node = nodes.first { $0.secrets.contains(name) }
      problems.append(
        Diagnostic(
          "the node \((node?.name.text ?? "").quoted) needs the secret \(name.text.quoted)",
          hint: "give it from the environment, --secret \(name), or from a file, --secret \(name)=FILE",
          at: node?.location))
    }
    let size = found.values.reduce(0) { $0 + $1.value.utf8.count }
    if size > Secret.maximumTotalBytes {
      problems.append(
        Diagnostic(
          "the secrets of the run have \(size) bytes together", why: "they may have \(Secret.maximumTotalBytes)",
          hint: "pass what is so long as files of the workspace"))
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return RunSecrets(found, of: nodes, and: others)
  }

  private static func unknown(_ wanted: Set<SecretName>) -> Diagnostic {
    let names = wanted.sorted().map(\.text).joined(separator: ", ")
    return Diagnostic(
      "a --secret names none that a node of the workflow has",
      hint: wanted.isEmpty
        ? "the workflow has no secrets: leave it out" : "write NAME or NAME=FILE; its secrets are \(names)")
  }

  /// What can't be read is never quoted: it may be the secret itself, by mistake.
  private static func value(
    _ name: SecretName, file: String?, pipesEnd: ContinuousClock.Instant, _ isResumed: Bool, _ bootstrap: Bootstrap
  ) async throws(Diagnostic) -> String {
    let what = "the secret \(name.text.quoted) can't be had"
    guard let file else {
      guard let value = ProcessEnvironment.variable(name.text) else {
        throw Diagnostic(
          what, why: "there is no environment variable of this name, or it is empty",
          hint: "set it" + (isResumed ? " for this command" : ", or name a file that holds it: --secret \(name)=FILE"))
      }
      guard ProcessEnvironment.isWhole(value) else { throw notText(name) }
      return value
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try await bootstrap.bytes(of: file, limit: Secret.maximumBytes + 2, pipesEnd: pipesEnd)
    } catch {
      throw Diagnostic(
        what, why: "what follows --secret \(name)= \(Self.words(error))",
        hint: "name a file that this user can read; a secret itself is never written on a command line")
    }
    guard let text = Secret.text(ofFile: bytes) else { throw notText(name) }
    return text
  }

  private static func notText(_ name: SecretName) -> Diagnostic {
    Diagnostic(
      "the secret \(name.text.quoted) can't be used", why: "it isn't UTF-8", hint: "encode it, with base64 for example")
  }

  private static func words(_ error: FileError) -> String {
    switch error {
    case .system(let cause) where cause.code == .accessDenied: "is a file that this user may not read"
    case .system(let cause) where cause.code == .timedOut:
      "is a pipe that nobody has written all of a secret to within \(pipeSeconds) s"
    case .system(let cause) where cause.code == .cancelled: "is a pipe that was waited for until now"
    case .system: error.isAbsence ? "is no such file" : "can't be read"
    case .notRegular: "is no regular file and no pipe"
    case .tooLarge: "is a file of more than \(Secret.maximumBytes) bytes"
    case .tooManyEntries: "is a directory"
    }
  }
}
