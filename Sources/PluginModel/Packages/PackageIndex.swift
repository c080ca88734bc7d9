/// What a package holds, as one canonical text: the same files make the same bytes, and no other bytes are read. A signature of it is a
/// signature of the package.
///
///     orchestrator package 1
///     name NAME
///     version VERSION
///     100644 SIZE SHA256 PATH
///
/// One line for each file, in the order of the paths' bytes; `100755` for an executable one. Every line ends with LF.
package struct PackageIndex: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var path: PackagePath
    package var isExecutable: Bool
    /// Bytes.
    package var size: Int
    package var digest: ContentDigest

    package init(path: PackagePath, isExecutable: Bool, size: Int, digest: ContentDigest) {
      self.path = path
      self.isExecutable = isExecutable
      self.size = size
      self.digest = digest
    }

    /// As in stat(2), without the kind of file.
    package var permissions: UInt32 { isExecutable ? 0o755 : 0o644 }
  }

  package enum Flaw: Error, Hashable, Sendable {
    /// Of the first three lines.
    case heading(line: Int)
    case line(Int)
    case path(line: Int, PackagePath.Flaw)
    case order(line: Int)
    /// The same could be written in another way.
    case spelling
    case empty
    case tooManyFiles(limit: Int)
    case missing(PackagePath)
  }

  package let name: PluginName
  package let version: SemanticVersion
  /// In the order of their paths.
  package let entries: [Entry]

  package init(name: PluginName, version: SemanticVersion, entries: [Entry]) {
    self.name = name
    self.version = version
    self.entries = entries.sorted { $0.path < $1.path }
  }

  /// Bytes of all files.
  package var totalSize: Int { entries.reduce(0) { $0 + $1.size } }

  private static let heading = "orchestrator package 1"
  private static let (file, executable) = ("100644", "100755")
  private static let (nameWord, versionWord) = ("name ", "version ")

  package var bytes: [UInt8] {
    var text = "\(Self.heading)\n\(Self.nameWord)\(name)\n\(Self.versionWord)\(version)\n"
    for entry in entries {
      text += "\(entry.isExecutable ? Self.executable : Self.file) \(entry.size) "
      text += "\(entry.digest.hexadecimal) \(entry.path)\n"
    }
    return Array(text.utf8)
  }

  package init(_ bytes: [UInt8], limits: PackageLimits = PackageLimits()) throws(Flaw) {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What follows the last line's end.
    guard lines.popLast()?.isEmpty == true else { throw .line(lines.count + 1) }
    guard lines.count <= limits.files + 3 else { throw .tooManyFiles(limit: limits.files) }
    guard lines.first.map({ $0.elementsEqual(Self.heading.utf8) }) == true else { throw .heading(line: 1) }
    guard lines.count > 1, let name = Self.word(Self.nameWord, lines[1]).flatMap({ PluginName($0) }) else {
      throw .heading(line: 2)
    }
    guard lines.count > 2, let version = Self.word(Self.versionWord, lines[2]).flatMap({ SemanticVersion($0) }) else {
      throw .heading(line: 3)
    }
    var entries: [Entry] = []
    for (position, line) in lines.enumerated().dropFirst(3) {
      let entry = try Self.entry(line, number: position + 1)
      if let last = entries.last, !(last.path < entry.path) { throw .order(line: position + 1) }
      entries.append(entry)
    }
    guard !entries.isEmpty else { throw .empty }
    self.init(name: name, version: version, entries: entries)
    guard self.bytes == bytes else { throw .spelling }
  }

  private static func word(_ key: String, _ line: ArraySlice<UInt8>) -> String? {
    line.starts(with: key.utf8) ? String(validating: line.dropFirst(key.utf8.count), as: UTF8.self) : nil
  }

  private static func entry(_ line: ArraySlice<UInt8>, number: Int) throws(Flaw) -> Entry {
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
    guard words.count == 4, let mode = String(validating: words[0], as: UTF8.self), [file, executable].contains(mode),
      let size = String(validating: words[1], as: UTF8.self).flatMap({ UInt32($0) }),
      let digest = String(validating: words[2], as: UTF8.self).flatMap({ ContentDigest($0) })
    else { throw .line(number) }
    do throws(PackagePath.Flaw) {
      return Entry(
        path: try PackagePath(words[3]), isExecutable: mode == executable, size: Int(size), digest: digest)
    } catch {
      throw .path(line: number, error)
    }
  }
}

extension PackageIndex.Flaw: CustomStringConvertible {
  package var description: String {
    switch self {
    case .heading(let line): "line \(line) is not that of an index"
    case .line(let number): "line \(number) is not 'MODE SIZE SHA256 PATH' with an end"
    case .path(let number, let flaw): "line \(number) has a path that a package can't have: \(flaw)"
    case .order(let number): "line \(number) is not in the order of the paths"
    case .spelling: "it is not written as orchestrator plugin pack writes it"
    case .empty: "it names no file"
    case .tooManyFiles(let limit): "it names more than \(limit) files"
    case .missing(let path): "it names \"\(path)\", which isn't there"
    }
  }
}
