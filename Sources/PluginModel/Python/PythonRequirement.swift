/// A Python package that is asked for, as PEP 508 writes it, and the hashes of the files that it may come as:
/// `numpy>=1.20; python_version >= "3.9"`.
///
/// What pip would take for an option, a file or an address is none: where packages come from is the operator's to say.
package struct PythonRequirement: Hashable, Sendable {
  /// As PEP 503 normalises it: lower case, with `-` for every run of `-`, `_` and `.`.
  package let name: String
  /// Without hashes, comments and blanks at the ends.
  package let text: String
  /// `sha256:` and 64 digits, sorted, each once.
  package let hashes: [ContentDigest]

  /// - Throws: why the text is none.
  package init(_ text: some StringProtocol, hashes: [ContentDigest] = []) throws(Diagnostic) {
    let text = String(text.trimmed)
    let what = "\(text.quoted) is not a requirement"
    let hint = "name a package and its versions, for example 'numpy>=1.20'"
    guard text.utf8.count <= 1024, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
      throw Diagnostic(what, why: "it holds more than printable ASCII, or more than 1024 bytes", hint: hint)
    }
    let name = text.prefix(while: \.isNameCharacter)
    guard let first = name.utf8.first, let last = name.utf8.last, first.isLetterOrDigit, last.isLetterOrDigit else {
      throw Diagnostic(what, why: "it doesn't begin with the name of a package", hint: hint)
    }
    var rest = text.dropFirst(name.count).trimmed
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]"),
        rest[..<end].dropFirst().allSatisfy({ $0.isNameCharacter || $0 == "," || $0 == " " })
      else { throw Diagnostic(what, why: "its extras are not names between '[' and ']'", hint: hint) }
      rest = rest[rest.index(after: end)...].trimmed
    }
    if rest.hasPrefix("@") {
      throw Diagnostic(
        what, why: "packages come from the operator's index and from nowhere else",
        hint: "name the versions of the package: '\(name)>=1.0'")
    }
    guard rest.isEmpty || rest.first.map({ "<>=!~(;".contains($0) }) == true else {
      throw Diagnostic(what, why: "\(String(rest).quoted) is no range of versions", hint: hint)
    }
    // A blank before a hyphen is where pip's options of one requirement begin.
    guard !rest.contains(" -") else {
      throw Diagnostic(what, why: "only --hash=sha256:… may follow a requirement", hint: hint)
    }
    // pip takes a text with '/' in it for a path, whatever it begins with, and puts a variable in for '$'.
    let parts = rest.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.first.map({ $0.utf8.allSatisfy(\.isOfVersions) }) ?? true,
      parts.dropFirst().allSatisfy({ $0.utf8.allSatisfy(\.isOfMarkers) })
    else {
      throw Diagnostic(what, why: "it holds a character that no range of versions and no marker has", hint: hint)
    }
    self.name = Self.normalised(name)
    self.text = text
    self.hashes = Set(hashes).sorted()
  }

  /// The one version that it allows: `1.2` of `numpy==1.2`.
  package var pinned: String? {
    let specifier = text.drop(while: \.isNameCharacter).trimmed.prefix { $0 != ";" }.trimmed
    let versioned = specifier.hasPrefix("[") ? specifier.drop { $0 != "]" }.dropFirst().trimmed : specifier
    guard versioned.hasPrefix("==") else { return nil }
    let version = versioned.dropFirst(2).drop { $0 == "=" }.trimmed
    let isOne = !version.isEmpty && version.allSatisfy { $0.isNameCharacter || $0 == "+" || $0 == "!" }
    return isOne ? String(version) : nil
  }

  static func normalised(_ name: some StringProtocol) -> String {
    name.split { "-_.".contains($0) }.joined(separator: "-").lowercased()
  }
}

extension UInt8 {
  /// PEP 440, and the blanks, commas and brackets between.
  fileprivate var isOfVersions: Bool { isLetterOrDigit || ".*+!_,<>=~() -".utf8.contains(self) }
  /// PEP 508.
  fileprivate var isOfMarkers: Bool { isOfVersions || "'\"".utf8.contains(self) }
}

extension Character {
  fileprivate var isNameCharacter: Bool {
    guard let byte = asciiValue else { return false }
    return byte.isLetterOrDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}

extension StringProtocol {
  /// Without blanks and tabs at its ends.
  var trimmed: Substring {
    var rest = Substring(self).drop { $0 == " " || $0 == "\t" || $0 == "\r" }
    while let last = rest.last, last == " " || last == "\t" || last == "\r" { rest.removeLast() }
    return rest
  }
}
