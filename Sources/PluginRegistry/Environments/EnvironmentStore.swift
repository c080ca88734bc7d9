import LinuxSystem
import PluginModel

/// The environments of plugins, beneath the state directory:
///
///     environments/DIGEST/            packages, as `pip install --target` leaves them; never changed once it is there
///     environments/locks/REQUEST      what was asked for, and the lock that it came to
///     environments/building/          where some are being built
///     environments/.lock              shared by who uses some, held alone by who removes some
///
/// A directory gets its name when it is whole and on the disk: a power cut leaves nothing but what is beneath `building`.
package struct EnvironmentStore: Sendable {
  package static let directoryName = "environments"
  private static let locksName = "locks"
  private static let buildingName = "building"
  private static let entryLimit = 100_000
  /// Bytes: needs and a lock, each with its characters escaped.
  private static let recordLimit = 4 * PythonRequirements.maximumBytes

  package let directory: String
  /// Whoever builds one works in a directory of its own beneath this one.
  package var building: String { "\(directory)/\(Self.buildingName)" }
  private var locks: String { "\(directory)/\(Self.locksName)" }

  package init(state: String) { directory = "\(state)/\(Self.directoryName)" }

  /// What a request came to before, if that is still there. Blocks, as all of this does.
  package func environment(of request: EnvironmentRequest) -> PythonEnvironment? {
    switch request.requirements {
    case .locked(let lock): environment(request.environment(lock))
    case .open: record(of: request).flatMap { environment($0.environment) }
    }
  }

  /// Nil: it isn't there.
  package func environment(_ digest: ContentDigest) -> PythonEnvironment? {
    let place = "\(directory)/\(digest.hexadecimal)"
    guard let path = ProcessEnvironment.resolve(place).flatMap({ AbsolutePath($0) }) else { return nil }
    return PythonEnvironment(digest: digest, directory: path)
  }

  /// The lock that a request came to before; nil: none, or one that can't be read.
  package func lock(of request: EnvironmentRequest) -> PythonLock? {
    guard let record = record(of: request) else { return nil }
    return try? PythonLock(text: Array(record.lock.utf8), file: locks)
  }

  private func record(of request: EnvironmentRequest) -> EnvironmentRecord? {
    let name = request.digest.hexadecimal
    guard let bytes = try? Directory(opening: locks).contents(name, limit: Self.recordLimit).bytes,
      let record = EnvironmentRecord(bytes), record.needs == request.requirements.needs
    else { return nil }
    return record
  }

  /// Remembers what a request came to.
  package func remember(_ lock: PythonLock, of request: EnvironmentRequest) throws(FileError) {
    _ = try Directory(making: directory, permissions: 0o755)
    let record = EnvironmentRecord(
      needs: request.requirements.needs, lock: lock.text, environment: request.environment(lock))
    try Directory(making: locks, permissions: 0o700).replace(request.digest.hexadecimal, with: record.bytes)
  }

  /// Takes in what was built: it is checked, made readable for every worker, put on the disk, and gets its name.
  /// - Parameter packages: a directory beneath ``building``, which nobody else works in any more.
  package func publish(
    _ packages: AbsolutePath, as digest: ContentDigest, limit: Int64
  ) throws(EnvironmentTreeError) -> PythonEnvironment {
    try EnvironmentTree.seal(packages, limit: limit)
    do throws(SystemError) {
      let tree = try Tree(opening: directory)
      try tree.synchronise()
      guard let top = ProcessEnvironment.resolve(directory), packages.text.hasPrefix(top + "/") else {
        throw SystemError("rename", packages.text, .crossesDevices)
      }
      let from = packages.text.dropFirst(top.utf8.count + 1)
      do throws(SystemError) {
        try tree.rename(EntryName(String(from)), over: EntryName(digest.hexadecimal))
      } catch  where error.code == .notEmpty || error.code == .exists {
        // Somebody else has just built the same.
      }
      try tree.synchronise()
    } catch {
      throw .system(error)
    }
    guard let environment = environment(digest) else {
      throw .system(SystemError("rename", "\(directory)/\(digest.hexadecimal)", .notFound))
    }
    return environment
  }

  /// For who uses environments: none is removed meanwhile. Nil where some are being removed right now.
  package func use() throws(FileError) -> FileLock? { try lock(.shared) }

  /// For who removes some. Nil where somebody uses one.
  package func alone() throws(FileError) -> FileLock? { try lock(.exclusive) }

  private func lock(_ mode: FileLock.Mode) throws(FileError) -> FileLock? {
    _ = try Directory(making: directory, permissions: 0o755)
    return try StoreLock.take(mode, in: directory)
  }

  /// Removes the environments that no plugin asks for any more, and what was being built when somebody was killed. What needs came to
  /// stays known: who has them again gets the same versions.
  /// - Parameters:
  ///   - needs: of all plugins that there are.
  ///   - lock: ``alone()``: nobody builds.
  ///   - moved: for tests: between the two steps of each removal.
  /// - Returns: how many environments there were.
  package func sweep(
    keeping needs: Set<String>, _ lock: FileLock, moved: () throws(FileError) -> Void = {}
  ) throws(FileError) -> Int {
    defer { withExtendedLifetime(lock) {} }
    var kept: Set<String> = []
    let remembered = try Directory(making: locks, permissions: 0o700)
    for name in try remembered.names(limit: Self.entryLimit) {
      let bytes = try remembered.contents(name, limit: Self.recordLimit).bytes
      guard let record = EnvironmentRecord(bytes), needs.contains(record.needs) else { continue }
      kept.insert(record.environment.hexadecimal)
    }
    let rubbish = try Directory(opening: directory).names(limit: Self.entryLimit)
      .filter { ContentDigest($0) != nil && !kept.contains($0) }
    _ = try Directory(making: building, permissions: 0o700)
    do {
      let tree = try Tree(opening: directory)
      // What is removed has another name first: half of one is none.
      for name in rubbish {
        try tree.rename(EntryName(name), over: EntryName("\(Self.buildingName)/\(name)-removed"))
        try moved()
      }
      let left = try Tree(opening: building)
      for name in try left.names(limit: Self.entryLimit) { try left.remove(name) }
    } catch let error as FileError {
      throw error
    } catch let error as SystemError {
      throw .system(error)
    } catch {
      throw .system(SystemError("remove", directory, .badMessage))
    }
    return rubbish.count
  }
}

/// What is written down of a request.
private struct EnvironmentRecord {
  let needs: String
  let lock: String
  let environment: ContentDigest

  private enum Key: String { case needs, lock, environment }

  init(needs: String, lock: String, environment: ContentDigest) {
    self.needs = needs
    self.lock = lock
    self.environment = environment
  }

  /// Nil where it is none: a disk isn't trusted.
  init?(_ bytes: [UInt8]) {
    guard let value = try? JSONValue(json: bytes), let needs = value[Key.needs.rawValue]?.stringValue,
      let lock = value[Key.lock.rawValue]?.stringValue,
      let environment = value[Key.environment.rawValue]?.stringValue.flatMap({ ContentDigest($0) })
    else { return nil }
    self.init(needs: needs, lock: lock, environment: environment)
  }

  var bytes: [UInt8] {
    let value: JSONValue = .object([
      .init(Key.needs.rawValue, .string(needs)), .init(Key.lock.rawValue, .string(lock)),
      .init(Key.environment.rawValue, .string(environment.hexadecimal)),
    ])
    return value.utf8(.pretty)
  }
}
