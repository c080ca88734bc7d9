import GRDB
import LinuxSystem

/// The program's database, `state.sqlite` in the state directory: SQLite with a write-ahead log, so that several processes
/// may use it at one time. What it holds is believed, so nobody else may write to it.
///
/// Whoever needs it opens it; most commands don't.
package struct StateDatabase: Sendable {
  package static let fileName = "state.sqlite"
  /// It, and what SQLite and this program keep beside it.
  package static let fileNames = [fileName, "\(fileName)-wal", "\(fileName)-shm", "\(fileName).lock"]
  /// Seconds to wait for a process that is writing. Writes here take milliseconds.
  package static let patience = 5.0

  /// GRDB runs what it is given on a queue of its own, never on Swift's cooperative threads.
  private let queue: DatabaseQueue
  let path: String

  /// Opens the database, and makes it and its tables where they are missing.
  /// - Parameters:
  ///   - state: the state directory; it is made where it is missing.
  ///   - thread: blocks while files are looked at and opened.
  package init(
    making state: String, on thread: DedicatedThread, patience: Double = patience
  ) async throws(StateStoreError) {
    path = "\(state)/\(Self.fileName)"
    queue = try await thread.run { [path] () throws(StateStoreError) -> DatabaseQueue in
      do throws(FileError) {
        try Self.make(in: Directory(making: state, permissions: 0o700))
      } catch {
        throw .unusable(path: path, why: error.description)
      }
      try Self.check(state, path)
      return try Self.open(path, patience: patience)
    }
  }

  /// Opens the database; nil where there is none yet.
  package init?(
    existing state: String, on thread: DedicatedThread, patience: Double = patience
  ) async throws(StateStoreError) {
    path = "\(state)/\(Self.fileName)"
    let found = try await thread.run { [path] () throws(StateStoreError) -> DatabaseQueue? in
      guard try Self.check(state, path) else { return nil }
      return try Self.open(path, patience: patience)
    }
    guard let found else { return nil }
    queue = found
  }

  /// An empty file, which is an empty database, with the mode that SQLite gives the files beside it too.
  private static func make(in directory: Directory) throws(FileError) {
    do throws(FileError) {
      try directory.create(fileName, [], permissions: 0o600)
    } catch {
      if case .system(let cause) = error, cause.code == .exists { return }
      throw error
    }
  }

  /// Directory and file belong to this user or to root, and nobody else may write to them.
  /// - Returns: false where there is no file.
  @discardableResult
  private static func check(_ state: String, _ path: String) throws(StateStoreError) -> Bool {
    let directory: FileStatus
    let file: FileStatus
    do throws(FileError) {
      let opened = try Directory(opening: state)
      directory = try opened.status(".")
      file = try opened.status(fileName)
    } catch {
      if error.isAbsence { return false }
      throw .unusable(path: path, why: error.description)
    }
    guard file.kind == .regular else { throw .notRegular(path: path) }
    do throws(Distrust) {
      try directory.demandTrust(at: state)
      try file.demandTrust(at: path)
    } catch {
      throw StateStoreError(error)
    }
    return true
  }

  private static func open(_ path: String, patience: Double) throws(StateStoreError) -> DatabaseQueue {
    // Of two processes that find it empty, the second would fail: SQLite doesn't wait while the log is set up, and no migration
    // expects another to run.
    let lock: LockedFile
    do throws(SystemError) {
      lock = try LockedFile(path + ".lock")
    } catch {
      throw .unusable(path: path, why: error.description)
    }
    defer { withExtendedLifetime(lock) {} }
    var configuration = Configuration()
    configuration.label = "state"
    configuration.busyMode = .timeout(patience)
    configuration.prepareDatabase { database in
      // What a transaction wrote survives a crash of the machine; no function runs because a schema says so.
      try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")
    }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      let standing = try queue.read(Migrations.standing)
      switch standing {
      case .current: break
      case .behind:
        // It stays in the file; so it is done to no file but ours.
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try Migrations.all.migrate(queue)
      case .newer: throw StateStoreError.newer(path: path)
      case .foreign: throw StateStoreError.foreign(path: path)
      }
      return queue
    } catch {
      throw StateStoreError(error, path: path)
    }
  }

  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StateStoreError) -> Value {
    do { return try await queue.read(body) } catch { throw StateStoreError(error, path: path) }
  }

  /// In one transaction, which takes the lock at once: of two processes, one waits for the other.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StateStoreError) -> Value {
    do { return try await queue.write(body) } catch { throw StateStoreError(error, path: path) }
  }
}
