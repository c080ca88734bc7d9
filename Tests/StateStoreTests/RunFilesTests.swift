import GRDB
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore
import Testing

@Suite("The files of a run")
struct RunFilesTests {
  private let directory: TemporaryDirectory
  private let thread: DedicatedThread

  init() throws {
    directory = try TemporaryDirectory()
    thread = try DedicatedThread(name: "files")
  }

  private func database() async throws -> StateDatabase {
    try await StateDatabase(making: directory.path + "/state", on: thread)
  }

  private static func run(_ identifier: String, files: [String: [UInt8]]) -> StoredRun {
    StoredRun(
      identifier: identifier, workflow: "w", file: "/w.yaml", source: [1], files: files, settings: .object([]),
      nodeCount: 3, created: 1)
  }

  @Test("come back as they were, each run's its own, and go with it")
  func kept() async throws {
    let database = try await database()
    let files: [String: [UInt8]] = ["a.yaml": [0, 255, 10], "p/b.yaml": []]
    try await database.add(Self.run("r1", files: files))
    try await database.add(Self.run("r2", files: ["a.yaml": [7]]))
    #expect(try await database.run("r1")?.files == files)
    #expect(try await database.run("r2")?.files == ["a.yaml": [7]])
    #expect(try await database.runs().map(\.files.count) == [0, 0])
    try await database.remove(runs: ["r1"])
    let left = try await DatabaseQueue(path: directory.path + "/state/state.sqlite").read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM run_file")
    }
    #expect(left == 1)
  }

  @Test("a database of before is migrated, and its runs have no other files")
  func migrated() async throws {
    try await database().add(Self.run("old", files: [:]))
    try await DatabaseQueue(path: directory.path + "/state/state.sqlite").write {
      try $0.execute(
        sql: "DROP TABLE run_file; DELETE FROM grdb_migrations WHERE identifier = 'files of runs'")
    }
    let database = try await database()
    #expect(try await database.run("old")?.files == [:])
    try await database.add(Self.run("new", files: ["a.yaml": [1]]))
    #expect(try await database.run("new")?.files == ["a.yaml": [1]])
  }
}
