/// What a plugin needs of Python packages: ranges that are still to be resolved, or a lock.
package enum PythonRequirements: Hashable, Sendable {
  /// Sorted by their text, each once; never empty.
  case open([PythonRequirement])
  case locked(PythonLock)

  /// Bytes of a file of requirements.
  package static let maximumBytes = 8 << 20
  /// The file that counts where it is there.
  private static let maximumCount = 10_000
  package static let lockFile = "requirements.lock"
  package static let file = "requirements.txt"

  /// Of a plugin.
  /// - Parameters:
  ///   - manifest: its `dependencies` are among what is needed.
  ///   - lock: the content of ``lockFile``; nil: there is none.
  ///   - requirements: the content of ``file``; nil: there is none.
  ///   - directory: how diagnostics call where they lie.
  /// - Returns: nil where it needs nothing.
  /// - Throws: all that is wrong with them.
  package init?(
    of manifest: PluginManifest, lock: [UInt8]?, requirements: [UInt8]?, directory: String
  ) throws(Diagnostics) {
    let named = try manifest.requirements.map { text throws(Diagnostics) in
      do throws(Diagnostic) { return try PythonRequirement(text) } catch { throw Diagnostics([error]) }
    }
    if let lock {
      let file = "\(directory)/\(Self.lockFile)"
      self = .locked(try PythonLock(Self.read(lock, file: file), holding: named, file: file))
      return
    }
    let file = "\(directory)/\(Self.file)"
    let written = try requirements.map { bytes throws(Diagnostics) in try Self.read(bytes, file: file) } ?? []
    if written.contains(where: { !$0.value.hashes.isEmpty }) {
      self = .locked(try PythonLock(written, holding: named, file: file))
      return
    }
    let all = Dictionary((named + written.map(\.value)).map { ($0.text, $0) }) { first, _ in first }
    guard !all.isEmpty else { return nil }
    self = .open(all.values.sorted { $0.text < $1.text })
  }

  /// The same text for equal needs, whoever has them.
  package var needs: String {
    switch self {
    case .open(let requirements): requirements.map { $0.text + "\n" }.joined()
    case .locked(let lock): lock.text
    }
  }

  /// The lines of a file as pip has them: comments, `\` at the end of a line, `--hash` behind a requirement. No other option.
  package static func read(_ bytes: [UInt8], file: String) throws(Diagnostics) -> [Located<PythonRequirement>] {
    guard bytes.count <= maximumBytes else {
      throw Diagnostics([Diagnostic("\(file) is larger than \(maximumBytes >> 20) MiB")])
    }
    var problems: [Diagnostic] = []
    var found: [Located<PythonRequirement>] = []
    // A line, and those before it that end in '\'.
    var (line, start, goesOn): ([UInt8], Int, Bool) = ([], 1, false)
    for (index, raw) in bytes.split(separator: .lineFeed, omittingEmptySubsequences: false).enumerated() {
      if !goesOn { (line, start) = ([], index + 1) }
      let text = raw.withoutComment.trimmed
      goesOn = text.last == UInt8(ascii: "\\")
      line += goesOn ? text.dropLast() : text
      line.append(.blank)
      guard !goesOn, !line[...].trimmed.isEmpty else { continue }
      let location = SourceLocation(file: file, line: start, column: 1)
      do throws(Diagnostic) {
        found.append(Located(try requirement(line), at: location))
      } catch {
        var problem = error
        problem.location = location
        problems.append(problem)
      }
      if found.count > maximumCount {
        problems.append(Diagnostic("there are more than \(maximumCount) requirements", at: location))
      }
      guard problems.count < 20, found.count <= maximumCount else { break }
    }
    if goesOn {
      problems.append(
        Diagnostic(
          "the last line goes on, and there is none", hint: "remove the '\\' at its end",
          at: SourceLocation(file: file, line: start, column: 1)))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return found
  }

  private static func requirement(_ line: [UInt8]) throws(Diagnostic) -> PythonRequirement {
    var words = line.split { $0 == .blank || $0 == .tab }
    guard words.first?.first != UInt8(ascii: "-") else {
      throw Diagnostic(
        "\(text(line[...].trimmed).quoted) is an option",
        why: "where packages come from and how is the operator's to say",
        hint:
          "write requirements alone, for example 'numpy>=1.20'; the index is plugins.python.index_url of plugin_system.yaml"
      )
    }
    var hashes: [ContentDigest] = []
    while let word = words.last, word.starts(with: "--hash".utf8) {
      guard word.starts(with: "--hash=".utf8), let digest = ContentDigest(described: text(word.dropFirst(7))) else {
        throw Diagnostic(
          "\(text(word).quoted) is not a hash that counts",
          hint: "write --hash=sha256: and 64 lower-case hexadecimal digits")
      }
      hashes.append(digest)
      words.removeLast()
    }
    return try PythonRequirement(text(words.joined(separator: [.blank])), hashes: hashes)
  }

  /// What isn't UTF-8 is refused as what is no ASCII.
  private static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
}

extension UInt8 {
  fileprivate static let lineFeed = UInt8(ascii: "\n")
  fileprivate static let blank = UInt8(ascii: " ")
  fileprivate static let tab = UInt8(ascii: "\t")
}

extension ArraySlice<UInt8> {
  /// A comment begins a line, or follows a blank.
  fileprivate var withoutComment: ArraySlice<UInt8> {
    var previous = UInt8.blank
    for index in indices {
      if self[index] == UInt8(ascii: "#"), previous == .blank || previous == .tab { return self[..<index] }
      previous = self[index]
    }
    return self
  }

  fileprivate var trimmed: ArraySlice<UInt8> {
    var rest = drop { $0 == .blank || $0 == .tab || $0 == UInt8(ascii: "\r") }
    while let last = rest.last, last == .blank || last == .tab || last == UInt8(ascii: "\r") { rest.removeLast() }
    return rest
  }
}

/// Every package in exactly one version, with the hashes of the files that it may come as: what pip calls `--require-hashes`.
package struct PythonLock: Hashable, Sendable {
  /// Sorted by their text.
  package let requirements: [PythonRequirement]

  /// - Parameters:
  ///   - named: by the manifest: all of them have to be in it.
  ///   - file: for diagnostics.
  init(
    _ found: [Located<PythonRequirement>], holding named: [PythonRequirement], file: String
  ) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    for item in found where item.value.pinned == nil || item.value.hashes.isEmpty {
      problems.append(
        Diagnostic(
          "\(item.value.text.quoted) isn't locked",
          why: item.value.pinned == nil
            ? "it names more than one version" : "others here have hashes, and it has none",
          hint: "write the file by a tool: uv pip compile --generate-hashes, or pip-compile --generate-hashes",
          at: item.location))
    }
    let names = Set(found.map(\.value.name))
    for missing in named where !names.contains(missing.name) {
      problems.append(
        Diagnostic(
          "\(missing.text.quoted) is among the manifest's dependencies and isn't locked",
          hint: "write \(file) again: uv pip compile --generate-hashes"))
    }
    if found.isEmpty { problems.append(Diagnostic("\(file) locks nothing", hint: "remove it, or write it again")) }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    requirements = Dictionary(found.map { ($0.value.text, $0.value) }) { first, _ in first }.values
      .sorted { $0.text < $1.text }
  }

  /// As ``text`` writes it, or a tool does.
  package init(text bytes: [UInt8], file: String) throws(Diagnostics) {
    try self.init(PythonRequirements.read(bytes, file: file), holding: [], file: file)
  }

  /// One line each. Equal locks have equal texts.
  package var text: String {
    requirements.map { requirement in
      ([requirement.text] + requirement.hashes.map { "--hash=\($0)" }).joined(separator: " ") + "\n"
    }.joined()
  }

  /// `numpy 2.1.0`, …
  package var packages: [String] {
    requirements.map { "\($0.name) \($0.pinned ?? "")" }
  }
}
