import LinuxSystem

/// The files of a plugin, and what is in some of them. Blocks while it reads.
package struct PluginFiles: Sendable {
  /// Relative to the plugin's directory, in the order of their bytes. Links aren't among them.
  package private(set) var paths: [String] = []
  private let top: Directory
  private let limits: PluginDigest.Limits

  /// - Throws: where there are more, or they lie deeper, than a plugin's may.
  package init(of directory: Directory, limits: PluginDigest.Limits = PluginDigest.Limits()) throws(PluginTreeError) {
    top = directory
    self.limits = limits
    try add(directory, prefix: "", depth: 0)
  }

  private mutating func add(_ directory: Directory, prefix: String, depth: Int) throws(PluginTreeError) {
    guard depth <= limits.depth else { throw .tooDeep(prefix, limit: limits.depth) }
    let entries = try Self.read { () throws(FileError) in
      try directory.names(limit: limits.entries).map { name throws(FileError) in
        (name, try directory.status(name).kind)
      }
    }
    for (name, kind) in entries {
      switch kind {
      case .regular: paths.append(prefix + name)
      case .directory:
        let folder = try Self.read { () throws(FileError) in try directory.directory(name) }
        try add(folder, prefix: "\(prefix)\(name)/", depth: depth + 1)
      case .symbolicLink, .special: continue
      }
      guard paths.count <= limits.entries else { throw .tooManyEntries(limit: limits.entries) }
    }
  }

  private static func read<Result>(_ body: () throws(FileError) -> Result) throws(PluginTreeError) -> Result {
    do { return try body() } catch { throw .file(error) }
  }

  /// - Parameter limit: bytes.
  package func contents(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    try top.contents(path, limit: limit).bytes
  }
}
