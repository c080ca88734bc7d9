import CLinux

/// Tells what changes in a tree of directories: inotify(7), with a watch on each of them. New directories are watched as they come. For
/// one task or thread at a time.
package final class TreeWatcher {
  package enum Change: Hashable, Sendable {
    /// Something was written, made, moved or removed; relative to the top.
    case entry(String)
    /// More happened than the kernel keeps: anything may have changed.
    case overflow
    /// The top itself was moved or removed. Nothing more is told.
    case gone
  }

  /// Readable when there are changes.
  package let descriptor: FileDescriptor
  private let top: String
  private let limit: Int
  private let isIgnored: @Sendable (String) -> Bool
  /// Relative to the top, which is empty, by the kernel's number.
  private var directories: [Int32: String] = [:]

  /// - Parameters:
  ///   - limit: directories that are watched at most; E2BIG beyond.
  ///   - isIgnored: asked with the name of an entry: nothing is told of it, and nothing of what is in it.
  /// - Throws: ENOSPC where this user may have no more watches.
  package init(
    _ top: String, limit: Int = 4096, ignoring isIgnored: @escaping @Sendable (String) -> Bool = { _ in false }
  ) throws(SystemError) {
    self.top = top
    self.limit = limit
    self.isIgnored = isIgnored
    descriptor = FileDescriptor(owning: try systemCall("inotify_init1", linux_watch_create()))
    guard try watch("") else { throw SystemError("inotify_add_watch", top, ErrorCode(rawValue: 2)) }
  }

  /// How many directories are watched.
  package var count: Int { directories.count }

  /// Those since the last call; empty where there are none. Doesn't wait.
  package func changes() throws(SystemError) -> [Change] {
    var changes: [Change] = []
    while let bytes = try descriptor.read(atMost: 65_536), !bytes.isEmpty {
      for event in Self.events(in: bytes) { try take(event, &changes) }
    }
    return changes
  }

  private struct Event {
    var number: Int32
    var kinds: UInt32
    /// Empty: the directory itself.
    var name: String
  }

  private static func events(in bytes: [UInt8]) -> [Event] {
    bytes.withUnsafeBytes { buffer in
      var events: [Event] = []
      var offset = 0
      var number: Int32 = 0
      var kinds: UInt32 = 0
      while let name = linux_watch_next(buffer.baseAddress, buffer.count, &offset, &number, &kinds) {
        // A name that isn't UTF-8 is told of, and is no directory that could be opened by it.
        events.append(Event(number: number, kinds: kinds, name: String(cString: name)))
      }
      return events
    }
  }

  private func take(_ event: Event, _ changes: inout [Change]) throws(SystemError) {
    if event.kinds & LINUX_WATCH_OVERFLOW != 0 {
      // Directories may have come unseen.
      _ = try watch("")
      changes.append(.overflow)
      return
    }
    guard let directory = directories[event.number] else { return }
    if event.kinds & LINUX_WATCH_GONE != 0 {
      directories[event.number] = nil
      return
    }
    if event.kinds & LINUX_WATCH_ITSELF != 0 {
      if directory.isEmpty { changes.append(.gone) }
      return
    }
    guard !isIgnored(event.name) else { return }
    let path = directory.isEmpty ? event.name : "\(directory)/\(event.name)"
    if event.kinds & LINUX_WATCH_DIRECTORY != 0 {
      if event.kinds & LINUX_WATCH_LEFT != 0 { forget(path) }
      // What was made in it before the watch is told of by this change.
      if event.kinds & LINUX_WATCH_CAME != 0 { _ = try watch(path) }
    }
    changes.append(.entry(path))
  }

  /// Of a directory that was moved away, the kernel would tell on.
  private func forget(_ path: String) {
    for (number, directory) in directories where directory == path || directory.hasPrefix(path + "/") {
      _ = linux_watch_remove(descriptor.number, number)
      directories[number] = nil
    }
  }

  /// - Returns: false where it is gone already.
  private func watch(_ path: String) throws(SystemError) -> Bool {
    guard directories.count < limit else { throw SystemError("inotify_add_watch", path, ErrorCode(rawValue: 7)) }
    let full = path.isEmpty ? top : "\(top)/\(path)"
    let number = linux_watch_add(descriptor.number, full)
    // ENOENT, ENOTDIR, ELOOP: it has changed meanwhile, which is told of as well.
    if [-2, -20, -40].contains(number) { return false }
    directories[try systemCall("inotify_add_watch", on: full, number)] = path
    // After the watch: what comes from now on is told of.
    guard let directory = try? Directory(opening: full) else { return true }
    for name in directoryEntries(full) where !isIgnored(name) {
      guard (try? directory.status(name))?.kind == .directory else { continue }
      _ = try watch(path.isEmpty ? name : "\(path)/\(name)")
    }
    return true
  }
}
