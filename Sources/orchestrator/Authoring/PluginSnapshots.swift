import LinuxSystem
import PluginModel
import PluginRegistry

/// Copies of a plugin as it was at one time, in a private directory: what runs with a version has its files, whatever becomes of the
/// original. What no package of it would have isn't copied either. Blocks while it copies.
struct PluginSnapshots: Sendable {
  private let limits = PluginDigest.Limits()
  private let plugin: String
  private let shown: String
  private let held: HeldDirectory

  /// - Parameters:
  ///   - plugin: the directory that is copied.
  ///   - shown: how diagnostics call it.
  init(of plugin: String, shown: String, state: String) throws(FileError) {
    self.plugin = plugin
    self.shown = shown
    held = try HeldDirectory(in: state + "/snapshots")
  }

  private var directory: AbsolutePath { held.path }

  /// For programs that use a copy: as long as one lives, nobody takes the copies for leftovers, though this process was killed.
  var lock: FileDescriptor { held.lock }

  func path(_ version: HotReload.Version) -> String { "\(directory)/\(version)" }

  /// Copies it. What is neither file, directory nor link is left out, and refused by nobody.
  /// - Throws: where it is larger than a plugin may be, too.
  func take(_ version: HotReload.Version) throws(Diagnostics) {
    do {
      try take(version, leavingOut: IgnoreRules(of: Directory(opening: plugin), shown: shown))
    } catch let problems as Diagnostics {
      throw problems
    } catch {
      throw Diagnostics([
        Diagnostic("the plugin can't be copied", why: "\(error)", hint: (error as? PluginTreeError)?.hint)
      ])
    }
  }

  private func take(_ version: HotReload.Version, leavingOut rules: IgnoreRules) throws(PluginTreeError) {
    let name = EntryName("\(version)")
    let (source, target) = try Self.attempt { () throws(SystemError) in
      let tree = try Tree(opening: directory.text)
      try tree.makeDirectory(name)
      return (try Tree(opening: plugin), try tree.directory(name))
    }
    var entries = 0
    try copy(source, into: target, at: [], rules, &entries)
  }

  /// - Parameter path: the names of the directories from the top.
  private func copy(
    _ source: Tree, into target: Tree, at path: [String], _ rules: IgnoreRules, _ entries: inout Int
  ) throws(PluginTreeError) {
    guard path.count <= limits.depth else { throw .tooDeep(source.path, limit: limits.depth) }
    for name in try Self.attempt({ () throws(SystemError) in try source.names(limit: limits.entries + 1) }) {
      let inside = path + [String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)]
      entries += 1
      guard entries <= limits.entries else { throw .tooManyEntries(limit: limits.entries) }
      let inner = try Self.attempt { () throws(SystemError) in
        try copy(name, of: source, into: target) { rules.ignores(inside.joined(separator: "/"), isDirectory: $0) }
      }
      if let inner {
        try copy(inner.source, into: inner.target, at: inside, rules, &entries)
        try Self.attempt { () throws(SystemError) in try inner.target.set(permissions: 0o755) }
      }
    }
    if path.isEmpty { try Self.attempt { () throws(SystemError) in try target.set(permissions: 0o755) } }
  }

  /// - Returns: a directory, what is in which is still to be copied.
  private func copy(
    _ name: EntryName, of source: Tree, into target: Tree, unless isIgnored: (_ isDirectory: Bool) -> Bool
  ) throws(SystemError) -> (source: Tree, target: Tree)? {
    // Gone again: an editor's own file.
    guard let entry = try source.entry(name), !isIgnored(entry.kind == .directory) else { return nil }
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
