import LinuxSystem
import PluginModel
import PluginRegistry

/// Copies of a plugin as it was at one time, in a private directory: what runs with a version has its files, whatever becomes of the
/// original. Blocks while it copies.
struct PluginSnapshots: Sendable {
  private static let mostEntries = 20_000
  private static let mostDepth = 32

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
  func take(_ version: HotReload.Version) throws(SystemError) {
    let tree = try Tree(opening: directory.text)
    let name = EntryName("\(version)")
    try tree.makeDirectory(name)
    var entries = 0
    try copy(try Tree(opening: plugin), into: try tree.directory(name), depth: 0, &entries)
  }

  private func copy(_ source: Tree, into target: Tree, depth: Int, _ entries: inout Int) throws(SystemError) {
    guard depth <= Self.mostDepth else { throw SystemError("copy", source.path, ErrorCode(rawValue: Self.tooDeep)) }
    for name in try source.names(limit: Self.mostEntries + 1) {
      entries += 1
      guard entries <= Self.mostEntries else { throw SystemError("copy", plugin, ErrorCode(rawValue: Self.tooMany)) }
      // Gone again: an editor's own file.
      guard let entry = try source.entry(name) else { continue }
      switch entry.kind {
      case .directory:
        try target.makeDirectory(name)
        let inner = try target.directory(name)
        try copy(try source.directory(name), into: inner, depth: depth + 1, &entries)
        try inner.set(permissions: 0o755)
      case .file:
        let permissions: UInt32 = entry.permissions & 0o111 == 0 ? 0o644 : 0o755
        do throws(SystemError) {
          try target.copy(name, of: source, as: entry, to: name, owner: nil, permissions: permissions)
        } catch  where error.code == .notFound {
          continue
        }
      case .link: try target.copyLink(name, of: source, to: name, owner: nil)
      case .whiteout, .fifo, .socket, .device: continue
      }
    }
    if depth == 0 { try target.set(permissions: 0o755) }
  }

  /// ELOOP and E2BIG.
  private static let tooDeep: Int32 = 40
  private static let tooMany: Int32 = 7

  /// What can't be removed stays: it is in a directory of our own.
  func remove(_ version: HotReload.Version) { try? LinuxKernel().removeTree(path(version)) }

  func removeAll() { held.remove() }
}
