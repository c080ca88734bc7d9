/// Why what a node wrote was not taken into the workspace.
package enum LandingError: Error, Hashable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// Something that isn't taken over, whatever it is for.
  case refused(path: String, Reason)
  case tooMany(limit: Int)
  case interrupted

  package enum Reason: Hashable, Sendable {
    case fifo
    case socket
    case device
    /// It has a second name, which would land as a second file.
    case hardLink
    case tooDeep(limit: Int)
    /// In the workspace itself, since the worker wrote beneath it.
    case foreignDirectory(owner: UInt32)
  }

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .refused(let path, let reason): "\(path) \(reason)"
    case .interrupted: "it was interrupted"
    case .tooMany(let limit): "it wrote more than \(limit) files, links and directories"
    }
  }
}

extension LandingError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .fifo: "is a FIFO"
    case .socket: "is a socket"
    case .device: "is a device"
    case .hardLink: "has more than one name (a hard link)"
    case .tooDeep(let limit): "lies more than \(limit) directories deep"
    case .foreignDirectory(let owner): "belongs to the user \(owner), not to the owner of the workspace"
    }
  }
}

/// Takes what a worker wrote over a directory into that directory: the upper layer of an overlay mount, in the format of
/// overlayfs with `userxattr` (Documentation/filesystems/overlayfs of the kernel).
///
/// The worker must have ended. What it left is checked whole before anything of it is taken. Each file is copied into a new
/// one beside its place, which then takes that place at once: no inode of the worker's, no set-id bit, no extended attribute
/// gets into the workspace. No link is followed on either side. What has landed is on the disk.
package struct TreeLanding: Sendable {
  /// Bounds on what one node may leave.
  package struct Limits: Hashable, Sendable {
    package var depth: Int
    package var entries: Int
    package init(depth: Int = 64, entries: Int = 100_000) {
      self.depth = depth
      self.entries = entries
    }
  }

  private let owner: FileOwner?
  private let limits: Limits
  private let synchronise: @Sendable (Tree) throws(SystemError) -> Void

  /// - Parameters:
  ///   - owner: whom all that lands belongs to; nil: this process's own user, and nothing is to be changed.
  ///   - synchronise: for tests.
  package init(
    owner: FileOwner?, limits: Limits = Limits(),
    synchronise: @escaping @Sendable (Tree) throws(SystemError) -> Void = { (tree) throws(SystemError) in
      try tree.synchronise()
    }
  ) {
    self.owner = owner
    self.limits = limits
    self.synchronise = synchronise
  }

  /// Blocks. When it throws anything but a refusal, a part of the changes may have been made: each file is the old or the new
  /// one.
  /// - Parameters:
  ///   - isCancelled: asked for each entry that is checked; nothing has been made by then.
  ///   - isAbandoned: asked for each entry that is taken.
  package func land(
    _ changes: Tree, onto workspace: Tree, isCancelled: () -> Bool = { false }, isAbandoned: () -> Bool = { false }
  ) throws(LandingError) {
    var count = 0
    try check(changes, depth: 1, &count, isCancelled)
    guard count > 0 else { return }
    try apply(changes, to: workspace, isAbandoned)
    // The node's success is written down next, and it isn't run again.
    try kernel { () throws(SystemError) in try synchronise(workspace) }
  }

  // MARK: The check

  private func check(_ directory: Tree, depth: Int, _ count: inout Int, _ isCancelled: () -> Bool) throws(LandingError)
  {
    // Counted before they are looked into: what is held of all levels together stays within the limit.
    let names = try names(directory)
    count += names.count
    guard count <= limits.entries else { throw .tooMany(limit: limits.entries) }
    for name in names {
      guard !isCancelled() else { throw .interrupted }
      guard let entry = try kernel({ () throws(SystemError) in try directory.entry(name) }) else { continue }
      func refuse(_ reason: LandingError.Reason) -> LandingError { .refused(path: directory.text(name), reason) }
      switch entry.kind {
      case .whiteout, .link: break
      case .file: if entry.links > 1 { throw refuse(.hardLink) }
      case .fifo: throw refuse(.fifo)
      case .socket: throw refuse(.socket)
      case .device: throw refuse(.device)
      case .directory:
        guard depth < limits.depth else { throw refuse(.tooDeep(limit: limits.depth)) }
        try check(
          try kernel { () throws(SystemError) in try directory.directory(name) }, depth: depth + 1, &count, isCancelled)
      }
    }
  }

  private func names(_ directory: Tree) throws(LandingError) -> [EntryName] {
    try kernel { () throws(SystemError) in try directory.names(limit: limits.entries + 1) }
  }

  private func kernel<Value>(_ body: () throws(SystemError) -> Value) throws(LandingError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
  }

  // MARK: The changes

  private func apply(_ changes: Tree, to target: Tree, _ isAbandoned: () -> Bool) throws(LandingError) {
    for name in try names(changes) {
      guard !isAbandoned() else { throw .interrupted }
      guard let entry = try kernel({ () throws(SystemError) in try changes.entry(name) }) else { continue }
      switch entry.kind {
      case .directory: try landDirectory(name, entry, of: changes, in: target, isAbandoned)
      case .whiteout: try kernel { () throws(SystemError) in try target.remove(name) }
      case .file, .link: try kernel { () throws(SystemError) in try landFile(name, entry, of: changes, in: target) }
      case .fifo: throw .refused(path: changes.text(name), .fifo)
      case .socket: throw .refused(path: changes.text(name), .socket)
      case .device: throw .refused(path: changes.text(name), .device)
      }
    }
  }

  private func landDirectory(
    _ name: EntryName, _ entry: TreeEntry, of changes: Tree, in target: Tree, _ isAbandoned: () -> Bool
  ) throws(LandingError) {
    let source = try kernel { () throws(SystemError) in try changes.directory(name) }
    let kept = try kernel { () throws(SystemError) -> TreeEntry? in
      let there = try target.entry(name)
      if there?.kind == .directory, try !source.isOpaque() { return there }
      try target.remove(name)
      try target.makeDirectory(name)
      return nil
    }
    if let kept, let owner, kept.owner != owner {
      throw .refused(path: target.text(name), .foreignDirectory(owner: kept.owner.user))
    }
    let place = try kernel { () throws(SystemError) in try target.directory(name) }
    try apply(source, to: place, isAbandoned)
    try kernel { () throws(SystemError) in
      if kept == nil, let owner { try place.set(owner: owner) }
      // What the operator gave a directory of his (set-group-id, sticky) stays; what the worker gave its own doesn't come.
      try place.set(permissions: (kept?.permissions ?? 0) & 0o7000 | entry.permissions & 0o777)
    }
  }

  private func landFile(
    _ name: EntryName, _ entry: TreeEntry, of changes: Tree, in target: Tree
  ) throws(SystemError) {
    let temporary = EntryName(".landing-\(try Self.randomName())")
    if entry.kind == .link {
      try target.copyLink(name, of: changes, to: temporary, owner: owner)
    } else {
      try target.copy(
        name, of: changes, as: entry, to: temporary, owner: owner, permissions: entry.permissions & 0o777)
    }
    do throws(SystemError) {
      // rename(2) doesn't put a file in the place of a directory.
      if try target.entry(name)?.kind == .directory { try target.remove(name) }
      try target.rename(temporary, over: name)
    } catch {
      try? target.removeFile(temporary)
      throw error
    }
  }

  private static func randomName() throws(SystemError) -> String {
    do throws(FileError) { return try RandomBytes.hexadecimal(8) } catch {
      throw SystemError("getrandom", nil, .tryAgain)
    }
  }
}
