import Crypto
import LinuxSystem
import PipelineEngine
import PluginModel

/// The files of an ``ArtifactStore``. Every call blocks.
///
/// The directory is held open, and all that lies in it is reached beneath it, through no link.
final class ArtifactFiles: Sendable {
  /// Bytes that are read, hashed and written at once.
  static let chunk = 1 << 20

  let objects: Directory
  /// Where files are written before they have their names.
  let drafts: Directory
  private let limit: Int
  private let options: ArtifactStore.Options
  /// Directories of objects whose own names this process has seen onto the disk.
  private let durable = Lock<Set<String>>([])

  init(making state: String, limit: Int, options: ArtifactStore.Options) throws(ArtifactError) {
    let top = try Self.attempt(state) { () throws(FileError) in try Directory(making: state, permissions: 0o700) }
    try Self.demandTrust(top)
    objects = try Self.child(ArtifactStore.directoryName, of: top).directory
    drafts = try Self.child("tmp", of: objects).directory
    self.limit = limit
    self.options = options
  }

  // MARK: Directories

  /// - Parameter path: whose disk may be full.
  static func attempt<Result>(
    _ path: String, _ body: () throws(FileError) -> Result
  ) throws(ArtifactError) -> Result {
    do { return try body() } catch { throw ArtifactError(error, path: path) }
  }

  func attempt<Result>(_ body: () throws(FileError) -> Result) throws(ArtifactError) -> Result {
    try Self.attempt(objects.path, body)
  }

  private static func demandTrust(_ directory: Directory) throws(ArtifactError) {
    let status = try attempt(directory.path) { () throws(FileError) in try directory.status(".") }
    do throws(Distrust) { try status.demandTrust(at: directory.path) } catch { throw ArtifactError(error) }
  }

  /// Opens a directory that only this user may have written to, and makes it where it is missing.
  /// - Returns: also whether it was made.
  private static func child(
    _ name: String, of directory: Directory
  ) throws(ArtifactError) -> (directory: Directory, isNew: Bool) {
    let path = "\(directory.path)/\(name)"
    var isNew = true
    do throws(FileError) {
      _ = try directory.makeDirectory(name, permissions: 0o700)
    } catch {
      guard case .system(let cause) = error, cause.code == .exists else { throw ArtifactError(error, path: path) }
      isNew = false
    }
    let kind = try attempt(path) { () throws(FileError) in try directory.status(name).kind }
    guard kind == .directory else { throw .notDirectory(path: path) }
    let child = try attempt(path) { () throws(FileError) in try directory.directory(name) }
    try demandTrust(child)
    return (child, isNew)
  }

  /// `ab` and `cdef…` of a digest.
  static func place(_ digest: ContentDigest) -> (directory: String, name: String) {
    (String(digest.hexadecimal.prefix(2)), String(digest.hexadecimal.dropFirst(2)))
  }

  // MARK: In

  func store(_ value: NodeValue) throws(ArtifactError) -> StoredValue {
    let byteCount = value.byteCount
    guard byteCount <= limit else { throw .tooLarge(byteCount: byteCount, limit: limit) }
    if byteCount <= StoredValue.longestInline {
      let bytes = try Self.bytes(of: value, at: 0, count: byteCount)
      return StoredValue(
        codec: value.codec, label: value.label, byteCount: byteCount, digest: ContentDigest(SHA256.hash(data: bytes)),
        content: .inline(bytes))
    }
    let draft = try draft()
    var hash = SHA256()
    try step(.write)
    for offset in stride(from: 0, to: byteCount, by: Self.chunk) {
      let bytes = try Self.bytes(of: value, at: offset, count: min(Self.chunk, byteCount - offset))
      hash.update(data: bytes)
      try attempt { () throws(FileError) in try draft.write(bytes) }
    }
    let digest = ContentDigest(hash.finalize())
    try publish(draft, as: digest)
    return StoredValue(
      codec: value.codec, label: value.label, byteCount: byteCount, digest: digest, content: .object)
  }

  /// Exactly `count` bytes.
  private static func bytes(of value: NodeValue, at offset: Int, count: Int) throws(ArtifactError) -> [UInt8] {
    let bytes: [UInt8]
    switch value.content {
    case .inline(let all): bytes = Array(all[offset..<offset + count])
    case .shared(let shared):
      do { bytes = try shared.bytes(at: offset, count: count) } catch { throw .memory(why: "\(error)") }
    }
    guard bytes.count == count else { throw .memory(why: "it ends after \(offset + bytes.count) bytes") }
    return bytes
  }

  /// Bytes; of a regular file.
  func size(of file: FileDescriptor) throws(ArtifactError) -> Int {
    let status: FileStatus
    do throws(SystemError) { status = try file.status() } catch { throw ArtifactError(error, path: objects.path) }
    guard status.kind == .regular else { throw .notRegular }
    return Int(clamping: status.size)
  }

  func add(_ file: FileDescriptor, label: String, codec: ValueCodec) throws(ArtifactError) -> StoredValue {
    let byteCount = try size(of: file)
    guard byteCount <= limit else { throw .tooLarge(byteCount: byteCount, limit: limit) }
    if byteCount <= StoredValue.longestInline {
      // One more, which tells that it has grown.
      let bytes: [UInt8]
      do throws(SystemError) {
        bytes = try file.bytes(at: 0, count: StoredValue.longestInline + 1)
      } catch {
        throw ArtifactError(error, path: objects.path)
      }
      if bytes.count <= StoredValue.longestInline {
        return try store(NodeValue(codec: codec, content: .inline(bytes), label: label))
      }
    }
    let draft = try draft()
    try step(.write)
    try attempt { () throws(FileError) in try draft.copy(file, count: byteCount) }
    let (hash, copied) = try hash(draft)
    let digest = ContentDigest(hash)
    try publish(draft, as: digest)
    return StoredValue(codec: codec, label: label, byteCount: copied, digest: digest, content: .object)
  }

  /// Of what a draft has now, which nobody else can write to.
  private func hash(_ draft: DraftFile) throws(ArtifactError) -> (digest: SHA256.Digest, byteCount: Int) {
    let byteCount = try size(of: draft.descriptor)
    guard byteCount <= limit else { throw .tooLarge(byteCount: byteCount, limit: limit) }
    do throws(SystemError) {
      return try Self.hash(draft.descriptor)
    } catch {
      throw ArtifactError(error, path: objects.path)
    }
  }

  /// - Parameter limit: bytes; what comes after isn't read, however fast the file grows.
  static func hash(
    _ file: FileDescriptor, limit: Int = .max
  ) throws(SystemError) -> (digest: SHA256.Digest, byteCount: Int) {
    var hash = SHA256()
    var count = 0
    while count < limit {
      let bytes = try file.bytes(at: count, count: min(chunk, limit - count))
      guard !bytes.isEmpty else { break }
      hash.update(data: bytes)
      count += bytes.count
    }
    return (hash.finalize(), count)
  }

  private func step(_ step: ArtifactStore.Step) throws(ArtifactError) {
    try attempt { () throws(FileError) in try options.before(step) }
  }

  private func draft() throws(ArtifactError) -> DraftFile {
    try step(.begin)
    return try attempt { () throws(FileError) in
      try DraftFile(in: drafts, isUnnamed: options.hasUnnamedFiles)
    }
  }

  /// Onto the disk, and only then under its name. One that is there already is replaced: its bytes are the same, unless it is damaged.
  private func publish(_ draft: DraftFile, as digest: ContentDigest) throws(ArtifactError) {
    let place = Self.place(digest)
    let (directory, isNew) = try Self.child(place.directory, of: objects)
    try attempt { () throws(FileError) in try draft.set(permissions: 0o400) }
    try step(.synchronise)
    try attempt { () throws(FileError) in try draft.synchronise() }
    try step(.publish)
    try attempt { () throws(FileError) in
      try lock().hold(.shared) { () throws(FileError) in try draft.publish(as: place.name, in: directory) }
    }
    try step(.synchroniseDirectory)
    try attempt { () throws(FileError) in try directory.synchronise() }
    // Another process may have made the directory, and not be as far yet.
    if isNew || !durable.withLock({ $0.contains(place.directory) }) {
      try attempt { () throws(FileError) in try objects.synchronise() }
      durable.withLock { _ = $0.insert(place.directory) }
    }
    try step(.end)
  }

  /// One for each use: threads exclude each other as processes do.
  private func lock() throws(FileError) -> DirectoryLock { try DirectoryLock(Self.lockName, in: objects) }
  static let lockName = "lock"

  // MARK: Out

  func load(_ stored: StoredValue) throws(ArtifactError) -> LoadedValue {
    switch stored.content {
    case .inline(let bytes):
      try check(SHA256.hash(data: bytes), bytes.count, against: stored)
      return .inline(bytes)
    case .object:
      let file = try open(stored)
      var hash = SHA256()
      var count = 0
      let memory: SealedMemory
      do throws(SystemError) {
        memory = try SealedMemory { () throws(SystemError) in
          // No more than was stored, however fast it grows.
          let bytes = try file.bytes(at: count, count: min(Self.chunk, stored.byteCount - count))
          hash.update(data: bytes)
          count += bytes.count
          return bytes.isEmpty ? nil : bytes
        }
      } catch {
        throw error.operation == "pread" ? ArtifactError(error, path: objects.path) : .memory(why: error.description)
      }
      try check(hash.finalize(), count, against: stored)
      return .shared(memory)
    }
  }

  /// As they are now.
  func bytes(of stored: StoredValue, at offset: Int, count: Int) throws(ArtifactError) -> [UInt8] {
    switch stored.content {
    case .inline(let bytes): return Array(bytes.dropFirst(max(0, offset)).prefix(max(0, count)))
    case .object:
      let file = try open(stored)
      do throws(SystemError) {
        let start = min(max(0, offset), stored.byteCount)
        return try file.bytes(at: start, count: min(max(0, count), stored.byteCount - start))
      } catch {
        throw ArtifactError(error, path: objects.path)
      }
    }
  }

  private func check(_ digest: SHA256.Digest, _ count: Int, against stored: StoredValue) throws(ArtifactError) {
    guard count == stored.byteCount else {
      throw .damaged(stored.digest, .wrongSize(actual: UInt64(count), expected: stored.byteCount))
    }
    guard ContentDigest(digest) == stored.digest else { throw .damaged(stored.digest, .changed) }
  }

  func write(
    _ stored: StoredValue, to directory: Directory, name: String, permissions: UInt32, owner: FileOwner?
  ) throws(ArtifactError) {
    let draft = try Self.attempt(directory.path) { () throws(FileError) in
      try DraftFile(in: directory, isUnnamed: options.hasUnnamedFiles)
    }
    switch stored.content {
    case .inline(let bytes): try Self.attempt(directory.path) { () throws(FileError) in try draft.write(bytes) }
    case .object:
      let file = try open(stored)
      try Self.attempt(directory.path) { () throws(FileError) in try draft.copy(file, count: stored.byteCount) }
    }
    // What is checked is what will have the name.
    let (digest, count) = try hash(draft)
    try check(digest, count, against: stored)
    try Self.attempt(directory.path) { () throws(FileError) in
      if let owner { try draft.set(owner: owner) }
      try draft.set(permissions: permissions)
      try draft.synchronise()
      try draft.publish(as: name, in: directory)
      try directory.synchronise()
    }
  }

  func holds(_ stored: StoredValue) throws(ArtifactError) -> Bool {
    guard stored.content == .object else { return true }
    do throws(ArtifactError) {
      _ = try open(stored)
      return true
    } catch {
      guard case .damaged = error else { throw error }
      return false
    }
  }

  /// An object of the right size, which was used now.
  private func open(_ stored: StoredValue) throws(ArtifactError) -> FileDescriptor {
    let place = Self.place(stored.digest)
    let file: (descriptor: FileDescriptor, status: FileStatus)
    do throws(FileError) {
      let directory = try objects.directory(place.directory)
      file = try lock().hold(.shared) { () throws(FileError) in
        let file = try directory.file(place.name)
        do throws(SystemError) { try file.descriptor.touch() } catch { throw .system(error) }
        return file
      }
    } catch {
      if error.isAbsence { throw .damaged(stored.digest, .missing) }
      if case .notRegular = error { throw .damaged(stored.digest, .notRegular) }
      throw ArtifactError(error, path: objects.path)
    }
    guard UInt64(exactly: stored.byteCount) == file.status.size else {
      throw .damaged(stored.digest, .wrongSize(actual: file.status.size, expected: stored.byteCount))
    }
    return file.descriptor
  }
}
