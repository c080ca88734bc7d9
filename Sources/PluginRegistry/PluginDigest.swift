import Crypto
import LinuxSystem
import PluginModel

/// Identifies every byte of a plugin that could run: SHA-256 over its tree. Grants and stored specifications are tied
/// to it, so that they end when the plugin changes.
package struct PluginDigest: Hashable, Sendable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  package let hexadecimal: String
  package var description: String { "sha256:\(hexadecimal)" }

  private init(_ digest: SHA256.Digest) { hexadecimal = String(hexadecimal: digest) }

  /// As ``description`` writes it; nil for anything else.
  package init?(_ text: String) {
    guard let digest = ContentDigest(described: text) else { return nil }
    hexadecimal = digest.hexadecimal
  }

  /// How much of a tree is read before it is refused.
  package struct Limits: Sendable {
    package var entries: Int
    package var depth: Int
    /// Bytes.
    package var fileSize: Int
    package var totalSize: Int

    package init(
      entries: Int = 20_000, depth: Int = 32, fileSize: Int = 256 << 20, totalSize: Int = 1 << 30
    ) {
      self.entries = entries
      self.depth = depth
      self.fileSize = fileSize
      self.totalSize = totalSize
    }
  }

  /// Reads the whole tree beneath `directory`.
  ///
  /// What is hashed, for each entry in the order of the names' bytes, a directory before what is in it: one byte for
  /// the kind (`d`, `f`, `x` for an executable file, `l` for a link), the path from the top and the content (of a
  /// link: where it points), each after its length as 8 bytes, little-endian. Owners and times don't count.
  package init(of directory: Directory, limits: Limits = Limits()) throws(PluginTreeError) {
    var walk = TreeWalk(top: directory, limits: limits)
    try walk.visit(directory, prefix: "", depth: 0)
    self.init(walk.hash.finalize())
  }
}

/// Why a plugin's tree was refused.
package enum PluginTreeError: Error, Hashable, Sendable, CustomStringConvertible {
  case file(FileError)
  case specialFile(String)
  /// A link that leads out of the plugin's directory, or nowhere.
  case link(String, destination: String)
  case tooManyEntries(limit: Int)
  case tooDeep(String, limit: Int)
  case tooLarge(limit: Int)

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .specialFile(let path): "\(path) is a FIFO, a socket or a device"
    case .link(let path, let destination):
      "\(path) is a link to \(destination), which isn't a file or directory of the plugin"
    case .tooManyEntries(let limit): "the plugin has more than \(limit) files and directories"
    case .tooDeep(let path, let limit): "\(path) lies more than \(limit) directories deep"
    case .tooLarge(let limit): "the plugin's files hold more than \(limit) bytes"
    }
  }
}

extension PluginTreeError {
  /// What to do about it.
  package var hint: String? {
    switch self {
    case .file: nil
    case .link(let path, _), .specialFile(let path), .tooDeep(let path, _):
      IgnoreRules().ignoredDirectory(above: path).map { directory in
        "move \(directory) out of the plugin's directory: the plugin can see all that lies in it, so that all of it "
          + "counts; orchestrator plugin pack, install and dev leave \(directory) out"
      }
    case .tooManyEntries, .tooLarge:
      "keep what isn't the plugin's outside of its directory: a virtual environment, packages of other programs"
    }
  }
}

/// One walk over one tree.
private struct TreeWalk {
  var hash = SHA256()
  private let top: Directory
  private let limits: PluginDigest.Limits
  private var entries = 0
  private var totalSize = 0

  init(top: Directory, limits: PluginDigest.Limits) {
    self.top = top
    self.limits = limits
  }

  mutating func visit(_ directory: Directory, prefix: String, depth: Int) throws(PluginTreeError) {
    guard depth <= limits.depth else { throw .tooDeep(prefix, limit: limits.depth) }
    for name in try read({ () throws(FileError) in try directory.names(limit: limits.entries) }) {
      let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
      entries += 1
      guard entries <= limits.entries else { throw .tooManyEntries(limit: limits.entries) }
      let status = try read { () throws(FileError) in try directory.status(name) }
      switch status.kind {
      case .directory:
        add("d", path, [])
        try visit(try read { () throws(FileError) in try directory.directory(name) }, prefix: path, depth: depth + 1)
      case .regular: try addFile(name, in: directory, path: path)
      case .symbolicLink: try addLink(name, in: directory, path: path)
      case .special: throw .specialFile(path)
      }
    }
  }

  private mutating func addFile(_ name: String, in directory: Directory, path: String) throws(PluginTreeError) {
    let file = try read { () throws(FileError) in try directory.contents(name, limit: limits.fileSize) }
    totalSize += file.bytes.count
    guard totalSize <= limits.totalSize else { throw .tooLarge(limit: limits.totalSize) }
    add(file.status.permissions & 0o111 == 0 ? "f" : "x", path, file.bytes)
  }

  private mutating func addLink(_ name: String, in directory: Directory, path: String) throws(PluginTreeError) {
    let destination = try read { () throws(FileError) in try directory.linkDestination(name) }
    // The kernel follows it, and refuses every step that leaves the top: lexical rules miss links through links.
    let found: FileStatus
    do { found = try top.find(path) } catch { throw .link(path, destination: destination) }
    guard found.kind == .regular || found.kind == .directory else { throw .link(path, destination: destination) }
    add("l", path, Array(destination.utf8))
  }

  private mutating func add(_ kind: Character, _ path: String, _ content: [UInt8]) {
    hash.update(data: Array(kind.utf8))
    for part in [Array(path.utf8), content] {
      let length = UInt64(part.count)
      hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) })
      hash.update(data: part)
    }
  }

  private func read<Result>(_ body: () throws(FileError) -> Result) throws(PluginTreeError) -> Result {
    do { return try body() } catch { throw .file(error) }
  }
}
