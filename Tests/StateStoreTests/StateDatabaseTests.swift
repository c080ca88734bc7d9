import Foundation
import GRDB
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("The program's database")
struct StateDatabaseTests {
  private let thread: DedicatedThread
  private let directory: TemporaryDirectory
  private var state: String { directory.path + "/state" }
  private var file: String { state + "/state.sqlite" }

  init() throws {
    thread = try DedicatedThread(name: "files")
    directory = try TemporaryDirectory()
  }

  private func record(
    _ permission: Permission = .filesystemWrite(nil), digest: String = "sha256:1", plugin: String = "files",
    time: String = "2026-01-31T23:59:59Z"
  ) -> GrantRecord {
    GrantRecord(
      plugin: PluginName(unchecked: plugin), digest: digest, permission: permission,
      asked: [.filesystemRead(nil), permission], time: time, way: .consent, user: 1000)
  }

  private func made() async throws -> StateDatabase { try await StateDatabase(making: state, on: thread) }

  /// What opening it fails with, both ways of opening.
  private func failure() async throws -> StateStoreError? {
    var errors: [StateStoreError] = []
    do throws(StateStoreError) { _ = try await StateDatabase(making: state, on: thread) } catch { errors.append(error) }
    do throws(StateStoreError) { _ = try await StateDatabase(existing: state, on: thread) } catch {
      errors.append(error)
    }
    #expect(errors.count != 1 && Set(errors).count < 2, "\(errors)")
    #expect(errors.allSatisfy { !$0.hint.isEmpty && !$0.description.isEmpty })
    return errors.first
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("keeps what was granted, in the order in which it was, and what was granted again as the latest")
  func keeps() async throws {
    let odd = try #require(AbsolutePath("/srv/ä b;'\""))
    let records = [
      record(), record(.memoryUnlimited), record(.networkHTTP(hosts: ["a.org", "*.b.org"]), digest: "sha256:2"),
      record(.filesystemRead(odd), plugin: "text"),
    ]
    try await made().add(records)
    let again = try await made()
    #expect(try await again.grants() == records)
    let later = record(time: "2026-02-01T00:00:00Z")
    try await again.add([later])
    #expect(try await again.grants() == records.dropFirst() + [later])
  }

  @Test("takes back what was granted to any files of the plugin, and nothing of another's")
  func revokes() async throws {
    let database = try await made()
    let other = record(plugin: "text")
    try await database.add([record(), record(digest: "sha256:2"), record(.memoryUnlimited), other])
    #expect(try await database.revoke([.filesystemWrite(nil)], of: record().plugin) == 2)
    #expect(try await database.grants() == [record(.memoryUnlimited), other])
    #expect(try await database.revoke(nil, of: record().plugin) == 1)
    #expect(try await database.revoke(nil, of: record().plugin) == 0)
    #expect(try await database.grants() == [other])
  }

  @Test("isn't made by somebody who only looks")
  func looking() async throws {
    #expect(try await StateDatabase(existing: state, on: thread) == nil)
    #expect(!FileManager.default.fileExists(atPath: state))
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    #expect(try await StateDatabase(existing: state, on: thread) == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state).isEmpty)
  }

  @Test("is its owner's alone, with all that SQLite keeps beside it")
  func modes() async throws {
    let database = try await made()
    try await database.add([record()])
    #expect(try mode(state) == 0o700)
    let names = try FileManager.default.contentsOfDirectory(atPath: state)
    #expect(Set(names).isSubset(of: StateDatabase.fileNames))
    #expect(names.count == 4, "the log is there while it is open: \(names)")
    for name in names { #expect(try mode("\(state)/\(name)") == 0o600, "\(name)") }
  }

  @Test("is refused where others could have written to it", arguments: [0o620, 0o602])
  func writable(permissions: Int) async throws {
    _ = try await made()
    #expect(chmod(file, mode_t(permissions)) == 0)
    #expect(try await failure() == .writableByOthers(path: file))
    #expect(chmod(file, 0o600) == 0 && chmod(state, mode_t(permissions | 0o100)) == 0)
    #expect(try await failure() == .writableByOthers(path: state))
  }

  @Test("is refused where it is another user's", .enabled(if: geteuid() == 0))
  func owner() async throws {
    _ = try await made()
    #expect(chown(file, 54_321, 0) == 0)
    #expect(try await failure() == .foreignOwner(path: file, user: 54_321))
  }

  @Test("is refused where it is a link, or no file")
  func links() async throws {
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: directory.path + "/elsewhere")
    #expect(try await failure() == .notRegular(path: file))
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/elsewhere"))
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
    #expect(try await failure() == .notRegular(path: file))
  }

  @Test("is left as it is where it is damaged, and says so")
  func damaged() async throws {
    try await made().add([record()])
    let garbage = Data(repeating: 0x5A, count: 8192)
    try garbage.write(to: URL(fileURLWithPath: file))
    #expect(chmod(file, 0o600) == 0)
    guard case .damaged(file, _) = try await failure() else {
      Issue.record("it was accepted")
      return
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == garbage)
  }

  @Test("is left as it is where another program made it")
  func foreign() async throws {
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    try await DatabaseQueue(path: file).write { try $0.execute(sql: "CREATE TABLE notes (text)") }
    #expect(chmod(file, 0o600) == 0)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    #expect(try await failure() == .foreign(path: file))
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
  }

  @Test("is left as it is where a newer version has changed it")
  func newer() async throws {
    try await made().add([record()])
    try await DatabaseQueue(path: file).write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('of the future')")
    }
    #expect(try await failure() == .newer(path: file))
  }

  @Test(
    "with a grant that can't be read grants nothing at all",
    arguments: [
      "permission = 'filesystem.everything'", "plugin = '../x'", "user = -1", "asked = 'root'", "way = 'magic'",
    ])
  func unreadable(change: String) async throws {
    try await made().add([record(), record(.memoryUnlimited)])
    try await DatabaseQueue(path: file).write { try $0.execute(sql: "UPDATE plugin_grant SET \(change) WHERE id = 1") }
    let database = try await made()
    await #expect(throws: StateStoreError.damaged(path: file, why: "a grant in it can't be read")) {
      try await database.grants()
    }
  }

  @Test("is waited for while another process writes, and no longer than is bearable; readers don't wait")
  func locked() async throws {
    try await made().add([record()])
    let impatient = try await StateDatabase(making: state, on: thread, patience: 0.2)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let holder = try DatabaseQueue(path: file, configuration: configuration)
    try holder.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    await #expect(throws: StateStoreError.locked(path: file)) { try await impatient.add([record(.memoryUnlimited)]) }
    #expect(try await impatient.grants() == [record()])
    try holder.inDatabase { try $0.execute(sql: "COMMIT") }
    try await impatient.add([record(.memoryUnlimited)])
    #expect(try await impatient.grants().count == 2)
  }

  @Test("can be made and written to by many at one time")
  func together() async throws {
    let state = state
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<12 {
        let record = record(digest: "sha256:\(number)")
        group.addTask {
          let thread = try DedicatedThread(name: "files")
          try await StateDatabase(making: state, on: thread).add([record])
        }
      }
      try await group.waitForAll()
    }
    #expect(try await Set(made().grants().map(\.digest)).count == 12)
  }

  @Test("keeps nothing of a change that fails, and all of one that was kept before")
  func whole() async throws {
    let database = try await made()
    try await database.add([record()])
    try await DatabaseQueue(path: file).write {
      try $0.execute(
        sql: """
          CREATE TRIGGER refuse BEFORE INSERT ON plugin_grant WHEN NEW.plugin = 'text'
          BEGIN SELECT RAISE(FAIL, 'refused'); END
          """)
    }
    await #expect(throws: StateStoreError.self) {
      try await database.add([record(.memoryUnlimited), record(plugin: "text")])
    }
    #expect(try await database.grants() == [record()])
  }
}

/// A directory that lives as long as a test.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "orchestrator-state-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
