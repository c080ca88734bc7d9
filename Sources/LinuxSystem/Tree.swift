import CLinux

/// One name in a directory, as the kernel has it: any bytes but `/` and NUL, and not always UTF-8. Ends with the NUL.
package typealias EntryName = [CChar]

/// What an entry of a tree is, without following it.
package struct TreeEntry: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case directory
    case file
    case link
    /// overlayfs: the name was removed.
    case whiteout
    case fifo
    case socket
    case device
  }
  package var kind: Kind
  /// The low twelve bits of st_mode.
  package var permissions: UInt32
  package var owner: FileOwner
  /// How many names it has.
  package var links: UInt64
  /// Bytes of a file.
  package var size: Int64 { status.size }
  fileprivate var status: linux_tree_status

  fileprivate init(_ status: linux_tree_status) {
    kind =
      switch status.kind {
      case LINUX_TREE_DIRECTORY.rawValue: .directory
      case LINUX_TREE_FILE.rawValue: .file
      case LINUX_TREE_LINK.rawValue: .link
      case LINUX_TREE_WHITEOUT.rawValue: .whiteout
      case LINUX_TREE_FIFO.rawValue: .fifo
      case LINUX_TREE_SOCKET.rawValue: .socket
      default: .device
      }
    permissions = status.permissions
    owner = FileOwner(user: status.user, group: status.group)
    links = status.links
    self.status = status
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.kind == right.kind && left.permissions == right.permissions && left.owner == right.owner
      && left.links == right.links
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(permissions)
    hasher.combine(owner)
  }
}

/// An open directory of a tree whose content a stranger wrote. Only single names are looked up in it; no link is followed and
/// no mount entered: openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_XDEV.
package struct Tree: Sendable {
  /// For messages: control characters and whatever isn't ASCII are escaped.
  package let path: String
  private let descriptor: FileDescriptor

  private init(path: String, descriptor: FileDescriptor) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Follows links in `path`: it is the supervisor's own word.
  package init(opening path: String) throws(SystemError) {
    self.init(
      path: path,
      descriptor: FileDescriptor(
        owning: try systemCall("open", on: path, linux_directory_open(path))))
  }

  /// The directory `path`, which an open descriptor leads to.
  package init(_ descriptor: FileDescriptor, path: String) { self.init(path: path, descriptor: descriptor) }

  package func text(_ name: EntryName) -> String {
    let words = name.dropLast().map { byte -> String in
      let byte = UInt8(bitPattern: byte)
      if byte >= 0x20, byte < 0x7F, byte != 0x5C { return String(UnicodeScalar(byte)) }
      return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return "\(path)/\(words.joined())"
  }

  /// At most `limit` names, in no order, without `.` and `..`.
  package func names(limit: Int) throws(SystemError) -> [EntryName] {
    let listing = FileDescriptor(
      owning: try systemCall("openat2", on: path, linux_tree_open_directory(descriptor.number, "."))
    )
    var names: [EntryName] = []
    var buffer = [UInt8](repeating: 0, count: 32_768)
    while names.count < limit {
      let size = buffer.withUnsafeMutableBytes {
        linux_directory_read(listing.number, $0.baseAddress, $0.count)
      }
      guard size >= 0 else {
        throw SystemError("getdents64", path, ErrorCode(rawValue: Int32(-size)))
      }
      guard size > 0 else { break }
      buffer.withUnsafeBytes { bytes in
        var offset = 0
        while names.count < limit, let name = linux_directory_next(bytes.baseAddress, size, &offset) {
          let copy = EntryName(UnsafeBufferPointer(start: name, count: cStringLength(name) + 1))
          if !copy.isDots { names.append(copy) }
        }
      }
    }
    return names
  }

  /// Nil where there is no such name.
  package func entry(_ name: EntryName) throws(SystemError) -> TreeEntry? {
    var status = linux_tree_status()
    let result = linux_tree_status(descriptor.number, name, &status)
    if result == -ErrorCode.notFound.rawValue { return nil }
    try systemCall("fstatat", on: text(name), result)
    return TreeEntry(status)
  }

  package func directory(_ name: EntryName) throws(SystemError) -> Tree {
    let number = try systemCall(
      "openat2", on: text(name), linux_tree_open_directory(descriptor.number, name))
    return Tree(path: text(name), descriptor: FileDescriptor(owning: number))
  }

  /// overlayfs marked it: nothing of the directory below shows through.
  package func isOpaque() throws(SystemError) -> Bool {
    try systemCall("fgetxattr", on: path, linux_tree_is_opaque(descriptor.number)) == 1
  }

  /// What this very directory is.
  package func itself() throws(SystemError) -> TreeEntry {
    guard let entry = try entry(.itself) else { throw SystemError("fstatat", path, .notFound) }
    return entry
  }

  // MARK: Changes

  package func makeDirectory(_ name: EntryName) throws(SystemError) {
    try systemCall("mkdirat", on: text(name), linux_directory_make(descriptor.number, name, 0o700))
  }

  /// Waits until all of its filesystem is on the disk, which is one wait for however many files: syncfs(2).
  package func synchronise() throws(SystemError) {
    try systemCall("syncfs", on: path, linux_tree_synchronise(descriptor.number))
  }

  package func set(owner: FileOwner) throws(SystemError) { try Self.set(owner, of: descriptor, text: path) }

  private static func set(_ owner: FileOwner, of file: FileDescriptor, text: String) throws(SystemError) {
    try systemCall("fchownat", on: text, linux_tree_set_owner(file.number, owner.user, owner.group))
  }

  package func set(permissions: UInt32) throws(SystemError) {
    try systemCall("fchmod", on: path, linux_tree_set_permissions(descriptor.number, permissions))
  }

  /// Of a file, which is opened for it: through no link.
  package func set(permissions: UInt32, of name: EntryName) throws(SystemError) {
    let file = FileDescriptor(
      owning: try systemCall("openat2", on: text(name), linux_tree_open_file(descriptor.number, name)))
    try systemCall("fchmod", on: text(name), linux_tree_set_permissions(file.number, permissions))
  }

  /// A new file with the bytes of `source/name`, its time, and these permissions.
  package func copy(
    _ name: EntryName, of source: Tree, as entry: TreeEntry, to copy: EntryName, owner: FileOwner?,
    permissions: UInt32
  ) throws(SystemError) {
    let from = FileDescriptor(
      owning: try systemCall(
        "openat2", on: source.text(name), linux_tree_open_file(source.descriptor.number, name)))
    let file = FileDescriptor(
      owning: try systemCall(
        "open", on: text(copy), linux_file_create(descriptor.number, copy, 0o600)))
    do throws(SystemError) {
      try systemCall("copy_file_range", on: text(copy), linux_tree_copy(from.number, file.number))
      if let owner { try Self.set(owner, of: file, text: text(copy)) }
      try systemCall("fchmod", on: text(copy), linux_tree_set_permissions(file.number, permissions))
      var status = entry.status
      try systemCall("futimens", on: text(copy), linux_tree_set_modified(file.number, &status))
    } catch {
      _ = linux_file_remove(descriptor.number, copy)
      throw error
    }
  }

  /// A link that says what `source/name` says.
  package func copyLink(
    _ name: EntryName, of source: Tree, to copy: EntryName, owner: FileOwner?
  ) throws(SystemError) {
    var buffer = [CChar](repeating: 0, count: 4097)
    let length = linux_link_read(source.descriptor.number, name, &buffer, buffer.count - 1)
    guard length >= 0 else {
      throw SystemError("readlinkat", source.text(name), ErrorCode(rawValue: Int32(-length)))
    }
    try systemCall(
      "symlinkat", on: text(copy), linux_tree_make_link(descriptor.number, copy, buffer))
    do throws(SystemError) {
      guard let owner else { return }
      let link = FileDescriptor(
        owning: try systemCall("open", on: text(copy), linux_tree_open_link(descriptor.number, copy)))
      try Self.set(owner, of: link, text: text(copy))
    } catch {
      _ = linux_file_remove(descriptor.number, copy)
      throw error
    }
  }

  /// Puts `name` in the place of `other`, at once.
  package func rename(_ name: EntryName, over other: EntryName) throws(SystemError) {
    try systemCall(
      "renameat", on: text(other),
      linux_tree_rename(descriptor.number, name, descriptor.number, other))
  }

  package func removeFile(_ name: EntryName) throws(SystemError) {
    try systemCall("unlinkat", on: text(name), linux_file_remove(descriptor.number, name))
  }

  /// Removes whatever the name is, with everything in it; nothing where it isn't there.
  ///
  /// However deep a tree is, this holds three descriptors and no stack: what lies two levels down is moved up to the first
  /// before it is looked into.
  package func remove(_ name: EntryName) throws(SystemError) {
    guard let entry = try entry(name) else { return }
    guard entry.kind == .directory else { return try removeFile(name) }
    let top = try directory(name)
    var number = 0
    while true {
      let names = try top.names(limit: 4096)
      if names.isEmpty { break }
      for name in names where try !top.removeUnlessFull(name) {
        let child = try top.directory(name)
        while true {
          let inner = try child.names(limit: 4096)
          if inner.isEmpty { break }
          for innerName in inner where try !child.removeUnlessFull(innerName) {
            // A name that no other entry has: names there are at most 255 bytes, and this one is tried until it is free.
            var free = EntryName(numbered: number)
            while try top.entry(free) != nil {
              number += 1
              free = EntryName(numbered: number)
            }
            try child.move(innerName, to: top, free)
          }
        }
        try systemCall(
          "unlinkat", on: top.text(name), linux_directory_remove(top.descriptor.number, name))
      }
    }
    try systemCall("unlinkat", on: text(name), linux_directory_remove(descriptor.number, name))
  }

  /// False for a directory with something in it.
  private func removeUnlessFull(_ name: EntryName) throws(SystemError) -> Bool {
    guard let entry = try entry(name) else { return true }
    if entry.kind != .directory {
      try removeFile(name)
      return true
    }
    let result = linux_directory_remove(descriptor.number, name)
    if result == -ErrorCode.notEmpty.rawValue { return false }
    try systemCall("unlinkat", on: text(name), result)
    return true
  }

  /// Moving a directory writes its `..`, which takes the right to write it: opening it has seen to that.
  private func move(_ name: EntryName, to other: Tree, _ free: EntryName) throws(SystemError) {
    _ = try directory(name)
    try systemCall(
      "renameat", on: text(name),
      linux_tree_rename(descriptor.number, name, other.descriptor.number, free))
  }
}

extension EntryName {
  static let itself: EntryName = [0x2E, 0]

  package init(_ text: String) { self = text.utf8CString.map(\.self) }

  fileprivate init(numbered number: Int) { self.init(".removing-\(number)") }

  fileprivate var isDots: Bool { self == [0x2E, 0] || self == [0x2E, 0x2E, 0] }
}

private func cStringLength(_ text: UnsafePointer<CChar>) -> Int {
  var length = 0
  while text[length] != 0 { length += 1 }
  return length
}
