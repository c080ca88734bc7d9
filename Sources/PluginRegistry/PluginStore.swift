import LinuxSystem
import PluginModel

/// The files of installed plugins, beneath the state directory:
///
///     plugins/NAME/VERSION-DIGEST/    a version, never changed once it is there
///     plugins/.staging-…/             one that is being unpacked
///     plugins/.lock                   shared by who uses versions, held alone by who removes some
///
/// Which versions are installed, and which of them counts, is written in the database alone (`StateDatabase.install`): a directory that
/// it doesn't name is rubbish, whatever became of the process that made it. That is the whole of what a power cut can leave.
package struct PluginStore: Sendable {
  /// The steps of an installation, in their order; a power cut may come before each.
  package enum Step: String, CaseIterable, Sendable {
    case stage, unpack, synchronise, publish, synchroniseName
  }

  package static let directoryName = "plugins"
  private static let stagingPrefix = ".staging-"
  private static let entryLimit = 100_000

  package let directory: String
  private let state: String
  private let before: @Sendable (Step) throws(FileError) -> Void

  /// - Parameter before: for tests: what happens before each step.
  package init(state: String, before: @escaping @Sendable (Step) throws(FileError) -> Void = { _ in }) {
    directory = "\(state)/\(Self.directoryName)"
    self.state = state
    self.before = before
  }

  /// Where a version lies, relative to ``directory``. Both are checked names: neither leads anywhere else.
  package static func place(_ name: PluginName, _ version: SemanticVersion, _ digest: PluginDigest) -> String {
    "\(name)/\(version)-\(digest.hexadecimal.prefix(16))"
  }

  /// Absolute and without links; nil while nothing was ever installed.
  package func resolved() -> AbsolutePath? { ProcessEnvironment.resolve(directory).flatMap { AbsolutePath($0) } }

  /// A version that is being taken in.
  package struct Staged: Sendable {
    /// Empty at first; the files go here.
    package let directory: Directory
    fileprivate let name: String
  }

  /// Makes room for a version. The caller holds ``use()`` until the database names its place, and then ``publish(_:as:_:_:)``es or
  /// ``discard(_:)``s it. Blocks, as all of this does.
  package func stage() throws(FileError) -> Staged {
    let top = try made()
    try before(.stage)
    let name = Self.stagingPrefix + (try RandomBytes.hexadecimal(16))
    let staged = Staged(directory: try top.makeDirectory(name), name: name)
    do throws(FileError) {
      // Workers are other users on the host, and read it, whatever the umask.
      try staged.directory.setPermissions(0o755)
      try before(.unpack)
    } catch {
      discard(staged)
      throw error
    }
    return staged
  }

  private func made() throws(FileError) -> Directory {
    _ = try Directory(making: state, permissions: 0o700)
    return try Directory(making: directory)
  }

  /// Leaves nothing of it, as far as that can be done.
  package func discard(_ staged: Staged) { try? Tree(opening: directory).remove(EntryName(staged.name)) }

  /// Gives it its place, at once; it is on the disk when this returns.
  /// - Parameter digest: of its files as they lie there.
  /// - Returns: the place, relative to ``directory``.
  package func publish(
    _ staged: Staged, as name: PluginName, _ version: SemanticVersion, _ digest: PluginDigest
  ) throws(FileError) -> String {
    let place = Self.place(name, version, digest)
    do throws(FileError) {
      try before(.synchronise)
      try synchronise()
      try before(.publish)
      _ = try Directory(making: "\(directory)/\(name)")
      try publish(staged.name, as: place, digest)
      try before(.synchroniseName)
      try synchronise()
      return place
    } catch {
      discard(staged)
      throw error
    }
  }

  private func synchronise() throws(FileError) {
    do throws(SystemError) {
      try Tree(opening: directory).synchronise()
    } catch {
      throw .system(error)
    }
  }

  /// What is there already by this name has the same files, and stays; unless somebody has changed it.
  private func publish(_ staging: String, as place: String, _ digest: PluginDigest) throws(FileError) {
    do throws(SystemError) {
      let tree = try Tree(opening: directory)
      if holds(place, digest) { return try tree.remove(EntryName(staging)) }
      let damaged = "\(staging)-damaged"
      let isThere = try tree.entry(EntryName(place)) != nil
      if isThere { try tree.rename(EntryName(place), over: EntryName(damaged)) }
      do throws(SystemError) {
        try tree.rename(EntryName(staging), over: EntryName(place))
      } catch  where error.code == .notEmpty && holds(place, digest) {
        // Somebody else has just installed the same.
        try tree.remove(EntryName(staging))
      }
      if isThere { try tree.remove(EntryName(damaged)) }
    } catch {
      throw .system(error)
    }
  }

  private func holds(_ place: String, _ digest: PluginDigest) -> Bool {
    guard let present = try? Directory(opening: "\(directory)/\(place)") else { return false }
    return (try? PluginDigest(of: present)) == digest
  }

  /// For who uses installed versions: none of them is removed meanwhile. Nil where some are being removed right now.
  package func use() throws(FileError) -> FileLock? { try lock(.shared) }

  /// For who removes some: nobody uses or installs any meanwhile. Nil where somebody does.
  package func alone() throws(FileError) -> FileLock? { try lock(.exclusive) }

  private func lock(_ mode: FileLock.Mode) throws(FileError) -> FileLock? {
    _ = try made()
    return try StoreLock.take(mode, in: directory)
  }

  /// Removes every directory that isn't one of `places`. Blocks.
  /// - Parameters:
  ///   - places: read from the database while the lock was held: what is installed meanwhile isn't among older ones.
  ///   - lock: ``alone()``.
  /// - Returns: how many there were.
  package func sweep(keeping places: Set<String>, _ lock: FileLock) throws(FileError) -> Int {
    defer { withExtendedLifetime(lock) {} }
    let rubbish = try rubbish(keeping: places)
    do throws(SystemError) {
      let tree = try Tree(opening: directory)
      for path in rubbish { try tree.remove(EntryName(path)) }
    } catch {
      throw .system(error)
    }
    return rubbish.filter { $0.utf8.contains(UInt8(ascii: "/")) || $0.hasPrefix(Self.stagingPrefix) }.count
  }

  /// Versions before the directories that they lie in.
  private func rubbish(keeping places: Set<String>) throws(FileError) -> [String] {
    let top = try Directory(opening: directory)
    var paths: [String] = []
    for name in try top.names(limit: Self.entryLimit) where name != StoreLock.name {
      guard !name.hasPrefix(Self.stagingPrefix) else {
        paths.append(name)
        continue
      }
      // Not this program's.
      guard try top.status(name).kind == .directory else { continue }
      let versions = try top.directory(name).names(limit: Self.entryLimit).map { "\(name)/\($0)" }
      paths += versions.filter { !places.contains($0) }
      if !versions.contains(where: places.contains) { paths.append(name) }
    }
    return paths
  }
}
