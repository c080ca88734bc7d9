import LinuxSystem
import PluginModel
import PluginRegistry

/// Copies of a plugin as it was at one time, in a private directory: what runs with a version has its files, whatever becomes of the
/// original. Blocks while it copies.
struct PluginSnapshots: Sendable {
  private let limits = PluginDigest.Limits()
  private let plugin: String
  private let held: HeldDirectory

  /// - Parameter plugin: the directory that is copied.
  init(of plugin: String, state: String) throws(FileError) {
    self.plugin = plugin
    held = try HeldDirectory(in: state + "/snapshots")
  }

  private var directory: AbsolutePath { held.path }

  func path(_ version: HotReload.Version) -> String { "\(directory)/\(version)" }

  /// Copies it. What is neither file, directory nor link is left out, and refused by nobody.
  /// - Throws: where it is larger than a plugin may be, too.
  func take(_ version: HotReload.Version) throws(PluginTreeError) {
    let name = EntryName("\(version)")
    let (source, target) = try Self.attempt { () throws(SystemError) in
      let tree = try Tree(opening: directory.text)
      try tree.makeDirectory(name)
      return (try Tree(opening: plugin), try tree.directory(name))
    }
    var entries = 0
    try copy(source, into: target, depth: 0, &entries)
  }

  private func copy(
    _ source: Tree, into target: Tree, depth: Int, _ entries: inout Int
  ) throws(PluginTreeError) {
    guard depth <= limits.depth else { throw .tooDeep(source.path, limit: limits.depth) }
    for name in try Self.attempt({ () throws(SystemError) in try source.names(limit: limits.entries + 1) }) {
      entries += 1
      guard entries <= limits.entries else { throw .tooManyEntries(limit: limits.entries) }
      let inner = try Self.attempt { () throws(SystemError) in try copy(name, of: source, into: target) }
      if let inner {
        try copy(inner.source, into: inner.target, depth: depth + 1, &entries)
        try Self.attempt { () throws(SystemError) in try inner.target.set(permissions: 0o755) }
      }
    }
    if depth == 0 { try Self.attempt { () throws(SystemError) in try target.set(permissions: 0o755) } }
  }

  /// - Returns: a directory, what is in which is still to be copied.
  private func copy(
    _ name: EntryName, of source: Tree, into target: Tree
  ) throws(SystemError) -> (source: Tree, target: Tree)? {
    // Gone again: an editor's own file.
    guard let entry = try source.entry(name) else { return nil }
    switch entry.kind {
    case .directory:
      try target.makeDirectory(name)
      return (try source.directory(name), try target.directory(name))
    case .file:
      let permissions: UInt32 = entry.permissions & 0o111 == 0 ? 0o644 : 0o755
      do throws(SystemError) {
        try target.copy(name, of: source, as: entry, to: name, owner: nil, permissions: permissions)
      } catch {
        guard error.code == .notFound else { throw error }
      }
    case .link: try target.copyLink(name, of: source, to: name, owner: nil)
    case .whiteout, .fifo, .socket, .device: break
    }
    return nil
  }

  private static func attempt<Value>(_ body: () throws(SystemError) -> Value) throws(PluginTreeError) -> Value {
    do { return try body() } catch { throw .file(.system(error)) }
  }

  /// What can't be removed stays: it is in a directory of our own.
  func remove(_ version: HotReload.Version) { try? LinuxKernel().removeTree(path(version)) }

  func removeAll() { held.remove() }
}
