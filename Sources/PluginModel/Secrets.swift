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

  package var description: String { "the secret \(name.text.quoted)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: [("name", name)]) }
}

/// Takes secrets out of what is written: each occurrence becomes `***`. Of a secret of several lines each line of
/// ``minimumLine`` bytes or more is one as well, since tools print them one by one.
///
/// This keeps a command from telling a secret by mistake. One that wants to tell it can: reversed, in hexadecimal.
package struct SecretMask: Sendable {
  static let minimumLine = 8
  static let replacement = Array("***".utf8)

  /// Longest first.
  private let patterns: [[UInt8]]
  private let beginnings: Set<UInt8>

  package init(_ secrets: [Secret]) {
    var patterns: Set<[UInt8]> = []
    for secret in secrets {
      patterns.insert(Array(secret.value.utf8))
      let lines = secret.value.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
      for line in lines where line.count >= Self.minimumLine { patterns.insert(Array(line)) }
    }
    self.patterns = patterns.sorted { $0.count > $1.count }
    beginnings = Set(patterns.compactMap(\.first))
  }

  package var isEmpty: Bool { patterns.isEmpty }

  /// All of `text` is there.
  package func masked(_ text: String) -> String {
    guard !isEmpty else { return text }
    var rest = Array(text.utf8)
    return String(decoding: take(from: &rest, isEnd: true), as: UTF8.self)
  }

  /// Whether some secret is in it.
  package func finds(in bytes: [UInt8]) -> Bool {
    guard !isEmpty else { return false }
    var rest = bytes
    return take(from: &rest, isEnd: true) != bytes
  }

  /// Moves out of `pending` what can't be the beginning of a secret any more, masked; at the end, everything.
  fileprivate func take(from pending: inout [UInt8], isEnd: Bool) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(pending.count)
    var index = 0
    scan: while index < pending.count {
      guard beginnings.contains(pending[index]) else {
        result.append(pending[index])
        index += 1
        continue
      }
      let rest = pending[index...]
      for pattern in patterns {
        if rest.starts(with: pattern) {
          result += Self.replacement
          index += pattern.count
          continue scan
        }
        if !isEnd, rest.count < pattern.count, pattern.starts(with: rest) { break scan }
      }
      result.append(pending[index])
      index += 1
    }
    pending.removeFirst(index)
    return result
  }

  /// Masks a stream, wherever its pieces are cut.
  package struct Stream: Sendable {
    private let mask: SecretMask
    private var pending: [UInt8] = []

    package init(_ mask: SecretMask) { self.mask = mask }

    /// What of the stream so far can be shown, and wasn't yet.
    package mutating func append(_ bytes: [UInt8]) -> [UInt8] {
      guard !mask.isEmpty else { return bytes }
      pending += bytes
      return mask.take(from: &pending, isEnd: false)
    }

    /// The rest: the stream is over.
    package mutating func finish() -> [UInt8] { mask.take(from: &pending, isEnd: true) }
  }
}

extension DenialRecord {
  /// Without what would tell a secret: that is counted, and not named.
  package func masked(_ mask: SecretMask) -> DenialRecord {
    let shown = denials.filter { denial in !denial.untrusted.contains { mask.finds(in: $0) } }
    let hidden = denials.count - shown.count
    return hidden == 0
      ? self : DenialRecord(shown, further: further.addingReportingOverflow(UInt64(hidden)).partialValue)
  }
}

extension Denial {
  /// What of it the plugin chose.
  fileprivate var untrusted: [[UInt8]] {
    let texts: [[UInt8]] =
      switch attempt {
      case .execution(let path): [path?.bytes ?? []]
      case .systemCall, .socket: []
      case .file(let path, _, _), .device(let path): [path.bytes]
      case .network(let host, _, let why): [Array(host.utf8), Array(why.utf8)]
      }
    return texts + [process?.bytes ?? []]
  }
}
