import LinuxSystem
import PluginModel

/// The bytes of a stored value.
package enum LoadedValue: Sendable {
  case inline([UInt8])
  case shared(SealedMemory)
}

/// The values that nodes returned, kept by their content beneath `objects` in the state directory, so that they outlive the
/// process: those of more than ``StoredValue/longestInline`` bytes in a file each, `ab/cdef…` by the SHA-256 of its bytes; shorter ones
/// are kept by whoever refers to them, and nothing of them is written.
///
/// A file gets its name when all of it is on the disk: there is never half an object, whatever ends the process or the machine. What is
/// loaded has the very bytes that were stored, or is said to be damaged.
///
/// Several processes may store, load and collect at one time. Whoever gives an object its name, or looks it up, sets its time to now
/// while holding the file `lock` with others; whoever removes one holds it alone, and removes only what still has the time that its
/// removal was decided by. So an object that was stored or found at any moment is either removed before, and then it is written
/// again or said to be missing, or has a new time. A collection leaves alone what has a time within its grace, an hour: half of that there is
/// to write a reference to what was stored or found, and half to collect by references that were read. What has been referred to all along
/// is among them. Nothing is written to a disk while the lock is held.
package final class ArtifactStore: Sendable {
  package static let directoryName = "objects"
  /// Bytes of a value, unless it is said otherwise.
  package static let defaultLimit = 64 << 30

  private let files: ArtifactFiles
  /// For values that take milliseconds.
  private let short: DedicatedThread
  /// For the others, and for looking through the store: they hold up no short one.
  private let long: DedicatedThread
  /// The most bytes that are written by the thread for short values.
  private static let longestShort = 4 << 20

  /// Opens the store, and makes it where it is missing.
  /// - Parameters:
  ///   - state: the state directory; it is made where it is missing.
  ///   - limit: bytes; a larger value is refused.
  ///   - options: for tests.
  package init(
    making state: String, limit: Int = defaultLimit, options: Options = Options()
  ) async throws(ArtifactError) {
    do throws(SystemError) {
      short = try DedicatedThread(name: "values")
      long = try DedicatedThread(name: "large-values")
    } catch {
      throw .unusable(path: state, why: error.description)
    }
    files = try await short.run { () throws(ArtifactError) in
      try ArtifactFiles(making: state, limit: limit, options: options)
    }
  }

  /// What only tests have a use for.
  package struct Options: Sendable {
    /// False: as on a filesystem without O_TMPFILE.
    package var hasUnnamedFiles: Bool
    /// Called before each step of storing an object. What it throws, the step fails with.
    package var before: @Sendable (Step) throws(FileError) -> Void

    package init(
      hasUnnamedFiles: Bool = true, before: @escaping @Sendable (Step) throws(FileError) -> Void = { _ in }
    ) {
      self.hasUnnamedFiles = hasUnnamedFiles
      self.before = before
    }
  }

  /// What storing an object takes, in this order.
  package enum Step: CaseIterable, Sendable {
    case begin
    case write
    case synchronise
    case publish
    case synchroniseDirectory
    case end
  }

  private func thread(_ byteCount: Int) -> DedicatedThread { byteCount <= Self.longestShort ? short : long }

  /// Keeps a value. It is on the disk when this returns; a reference to it is to be written within half of ``ArtifactCollection/grace``.
  package func store(_ value: NodeValue) async throws(ArtifactError) -> StoredValue {
    // Of those nothing is written: they are only hashed.
    if case .inline(let bytes) = value.content, bytes.count <= StoredValue.longestInline {
      return try files.store(value)
    }
    return try await thread(value.byteCount).run { [files] () throws(ArtifactError) in try files.store(value) }
  }

  /// Has a value again, in memory that can't be changed any more. One that is damaged is removed: whoever needs it finds that it is
  /// missing, and makes it again.
  package func load(_ stored: StoredValue) async throws(ArtifactError) -> LoadedValue {
    try await thread(stored.byteCount).run { [files] () throws(ArtifactError) in
      do throws(ArtifactError) {
        return try files.load(stored)
      } catch {
        if case .damaged = error { files.removeDamaged(stored) }
        throw error
      }
    }
  }

  /// At most `count` of its bytes from `offset` on; fewer only where they end. Blocks, and doesn't check that they are those that were
  /// stored: for a look at a value.
  package func bytes(of stored: StoredValue, at offset: Int, count: Int) throws(ArtifactError) -> [UInt8] {
    try files.bytes(of: stored, at: offset, count: count)
  }

  /// Keeps the content of an open, regular file. Blocks are shared where the filesystem can. Its name is of the bytes
  /// that the store has: a file that changes meanwhile can be kept half old, half new, but never as what it isn't.
  /// - Parameter label: its name.
  package func add(
    _ file: FileDescriptor, label: String, codec: ValueCodec = .file
  ) async throws(ArtifactError) -> StoredValue {
    let size = try await short.run { [files] () throws(ArtifactError) in try files.size(of: file) }
    return try await thread(size).run { [files] () throws(ArtifactError) in
      try files.add(file, label: label, codec: codec)
    }
  }

  /// Writes a value to a file, at once, in the place of any file or link of that name. Blocks are shared where the filesystem can.
  ///
  /// Never a second name of the object (link(2)): who may write to the file would write to the object, and to every other file that
  /// it was written to.
  /// - Parameter owner: whom the file is to belong to; nil: this process.
  package func write(
    _ stored: StoredValue, to directory: Directory, name: String, permissions: UInt32 = 0o644, owner: FileOwner? = nil
  ) async throws(ArtifactError) {
    try await thread(stored.byteCount).run { [files] () throws(ArtifactError) in
      try files.write(stored, to: directory, name: name, permissions: permissions, owner: owner)
    }
  }

  /// True where a value is there, of the right size; it then stays as if stored now. To be asked before a new reference to a value is
  /// written that wasn't stored or loaded just before.
  package func holds(_ stored: StoredValue) async throws(ArtifactError) -> Bool {
    try await short.run { [files] () throws(ArtifactError) in try files.holds(stored) }
  }

  /// Removes what nothing refers to, see ``ArtifactCollection/plan(objects:references:now:grace:cap:)``, and the half-written files of
  /// processes that died.
  /// - Parameters:
  ///   - references: read less than half of `grace` ago.
  ///   - grace: seconds.
  ///   - now: seconds since 1970.
  ///   - cap: bytes.
  package func collect(
    keeping references: Set<ContentDigest>, olderThan grace: Int64 = ArtifactCollection.grace, now: Int64,
    cap: UInt64? = nil
  ) async throws(ArtifactError) -> ArtifactCollection.Report {
    try await long.run { [files] () throws(ArtifactError) in
      let objects = try files.allObjects()
      let plan = ArtifactCollection.plan(objects: objects, references: references, now: now, grace: grace, cap: cap)
      let leftovers = try files.leftovers()
      let old = ArtifactCollection.plan(leftovers: leftovers, now: now, grace: grace)
      return try files.remove(plan, of: objects, leftovers: old)
    }
  }

  /// How many objects there are and how many bytes they have.
  package func usage() async throws(ArtifactError) -> (count: Int, byteCount: UInt64) {
    try await long.run { [files] () throws(ArtifactError) in
      let objects = try files.allObjects()
      return (objects.count, objects.reduce(0) { $0 &+ $1.byteCount })
    }
  }
}
