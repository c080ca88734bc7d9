import ArgumentParser
import LinuxSystem
import PipelineEngine
import PluginModel

/// What the commands of a workflow are told and nobody else. A value is never part of a command line: others can read that.
struct SecretOptions: ParsableArguments {
  @Option(
    name: .customLong("secret"),
    help: ArgumentHelp(
      "A secret of the workflow: from the environment variable of its name, or from a file. May be repeated.",
      discussion: "It reaches the nodes that name it under 'secrets', and is masked in what they write.",
      valueName: "name[=file]"))
  var secrets: [String] = []

  /// Reads those that `nodes` name.
  /// - Throws: all that is wrong with them at once.
  func read(for nodes: [WorkflowGraph.Node], _ bootstrap: Bootstrap) async throws(CommandFailure) -> [SecretName:
    Secret]
  {
    let wanted = Set(nodes.flatMap(\.secrets))
    var problems: [Diagnostic] = []
    var found: [SecretName: Secret] = [:]
    for option in secrets {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let name = SecretName(parts[0]) else {
        problems.append(
          Diagnostic(
            "a --secret has no name that there can be", hint: "write NAME or NAME=FILE; a name is \(SecretName.grammar)"
          ))
        continue
      }
      guard wanted.contains(name) else {
        problems.append(
          Diagnostic(
            "no node of the workflow has the secret \(name.text.quoted)",
            hint: Suggestion.hint(for: name.text, among: wanted.map(\.text).sorted())))
        continue
      }
      do throws(Diagnostic) {
        let value = try await Self.value(name, file: parts.count == 2 ? parts[1] : nil, bootstrap)
        guard found.updateValue(try Secret(name, value), forKey: name) == nil else {
          throw Diagnostic("--secret names \(name.text.quoted) twice", hint: "keep one")
        }
      } catch {
        problems.append(error)
      }
    }
    problems += wanted.sorted().filter { found[$0] == nil }.compactMap { name in
      guard !secrets.contains(where: { $0 == name.text || $0.hasPrefix("\(name.text)=") }) else { return nil }
      let node = nodes.first { $0.secrets.contains(name) }
      return Diagnostic(
        "the node \((node?.name.text ?? "").quoted) needs the secret \(name.text.quoted)",
        hint: "give it from the environment, --secret \(name), or from a file, --secret \(name)=FILE",
        at: node?.location)
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return found
  }

  /// What can't be read is never quoted: it may be the secret itself, by mistake.
  private static func value(_ name: SecretName, file: String?, _ bootstrap: Bootstrap) async throws(Diagnostic)
    -> String
  {
    guard let file else {
      guard let value = ProcessEnvironment.variable(name.text) else {
        throw Diagnostic(
          "there is no secret \(name.text.quoted)", why: "there is no environment variable of this name",
          hint: "set it, or name a file that holds it: --secret \(name)=FILE")
      }
      return value
    }
    let bytes: [UInt8]
    do throws(CommandFailure) {
      bytes = try await bootstrap.contents(file, limit: Secret.maximumBytes + 1)
    } catch {
      throw Diagnostic(
        "the file of the secret \(name.text.quoted) can't be read",
        why: "what follows --secret \(name)= is no such file",
        hint: "name a file that this user can read; a secret itself is never written on a command line")
    }
    guard var text = String(validating: bytes, as: UTF8.self) else {
      throw Diagnostic(
        "the secret \(name.text.quoted) can't be used", why: "its file isn't UTF-8",
        hint: "encode it, with base64 for example")
    }
    // Of the line that an editor ends.
    if text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
