/// The name of a secret, and of the environment variable that a command reads it from: `^[A-Za-z_][A-Za-z0-9_]{0,63}$`.
package struct SecretName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "variable name"
  package static let grammar =
    "a letter or '_', then up to 63 letters, digits or '_', as environment variables are called"
  package static func accepts(_ text: String) -> Bool {
    NodeName.accepts(text) && !text.utf8.contains(UInt8(ascii: "-"))
  }
}

/// What nobody may read who isn't given it. It is never written down: no `description` shows it, and nothing encodes it.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Shorter ones would be found in every text, and hidden nowhere.
  package static let minimumBytes = 4
  /// One environment variable of a program holds 128 KiB, `MAX_ARG_STRLEN` of execve(2).
  package static let maximumBytes = 64 << 10
  /// Of all secrets of a run together.
  package static let maximumTotalBytes = 256 << 10

  package let name: SecretName
  package let value: String

  /// - Throws: why it can be none, without a word of it.
  package init(_ name: SecretName, _ value: String) throws(Diagnostic) {
    let what = "the secret \(name.text.quoted) can't be used"
    guard value.utf8.count >= Self.minimumBytes else {
      throw Diagnostic(
        what, why: value.isEmpty ? "it is empty" : "it has fewer than \(Self.minimumBytes) bytes",
        hint: "what is so short can't be hidden in logs: use a longer one")
    }
    guard value.utf8.count <= Self.maximumBytes else {
      throw Diagnostic(
        what, why: "it has more than \(Self.maximumBytes) bytes",
        hint: "pass what is so long as a file of the workspace")
    }
    guard !value.utf8.contains(0) else {
      throw Diagnostic(
        what, why: "it holds a NUL, which no environment variable can", hint: "encode it, with base64 for example")
    }
    self.name = name
    self.value = value
  }

  /// What a file holds, without the end of the line that an editor leaves; nil where it isn't UTF-8.
  package static func text(ofFile bytes: [UInt8]) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    // By bytes, for a carriage return and a line feed are one Character.
    var line = text.utf8[...]
    if line.last == 0x0A { line.removeLast() }
    if line.last == 0x0D { line.removeLast() }
    return String(decoding: line, as: UTF8.self)
  }

  package var description: String { "the secret \(name.text.quoted)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: [("name", name)]) }
}
