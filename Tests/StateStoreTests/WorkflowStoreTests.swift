import GRDB
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore
import Testing

@Suite("Stored workflows")
struct WorkflowStoreTests {
  private let directory: TemporaryDirectory
  private let database: StateDatabase

  init() async throws {
    directory = try TemporaryDirectory()
    database = try await StateDatabase(making: directory.path + "/state", on: DedicatedThread(name: "files"))
  }

  private let etl = WorkflowName(unchecked: "etl")

  private func save(
    _ text: String, as name: String = "etl", _ expectation: WorkflowExpectation,
    limits: WorkflowLimits = WorkflowLimits()
  ) async throws -> WorkflowSaving {
    try await database.save(
      workflow: WorkflowName(unchecked: name), Array(text.utf8), author: "ann", at: 7, expecting: expectation,
      limits: limits)
  }

  /// The number that was given.
  private func number(_ saving: WorkflowSaving) -> Int? {
    if case .saved(let version) = saving { version.number } else { nil }
  }

  private func numbers(before: Int? = nil, limit: Int = 1000) async throws -> [Int]? {
    try await database.workflowVersions(of: etl, before: before, limit: limit)?.map(\.number)
  }

  @Test("are read as they were written, the latest where no version is named")
  func kept() async throws {
    #expect(try await database.workflow(etl) == nil)
    #expect(try await number(save("a", .absent)) == 1)
    #expect(try await number(save("bb", .version(1))) == 2)
    let latest = try #require(try await database.workflow(etl))
    #expect(latest.content == Array("bb".utf8))
    #expect(
      latest.version
        == WorkflowVersion(
          name: etl, number: 2, digest: ContentDigest(of: Array("bb".utf8)), author: "ann", created: 7, bytes: 2))
    #expect(try await database.workflow(etl, version: 1)?.content == Array("a".utf8))
    #expect(try await database.workflow(etl, version: 3) == nil)
    #expect(try await numbers() == [2, 1])
    #expect(try await numbers(before: 2) == [1])
    #expect(try await numbers(limit: 1) == [2])
    #expect(try await database.workflowVersions(of: WorkflowName(unchecked: "x"), limit: 1) == nil)
  }

  @Test("change only where what is there is what was expected")
  func expectations() async throws {
    let digest = ContentDigest(of: Array("a".utf8))
    #expect(try await save("a", .version(1)) == .absent)
    #expect(try await save("a", .digest(digest)) == .absent)
    let first = try #require(try await { if case .saved(let it) = try await save("a", .absent) { it } else { nil } }())
    #expect(try await save("b", .absent) == .conflict(first))
    #expect(try await save("a", .absent) == .conflict(first))
    #expect(try await save("a", .digest(digest)) == .same(first))
    #expect(try await number(save("b", .digest(digest))) == 2)
    let second = try #require(try await database.workflow(etl)?.version)
    #expect(try await save("c", .digest(digest)) == .conflict(second))
    #expect(try await save("c", .version(1)) == .conflict(second))
    #expect(try await database.remove(workflow: etl, expecting: .digest(digest)) == .conflict(second))
    #expect(try await database.remove(workflow: etl, expecting: .version(1)) == .conflict(second))
    #expect(try await database.workflow(etl)?.version == second)
  }

  @Test("of several writers who expect the same, in several processes' connections, exactly one wins", arguments: 1...5)
  func race(round: Int) async throws {
    #expect(try await number(save("base", .absent)) == 1)
    let others = try await [
      database, StateDatabase(making: directory.path + "/state", on: DedicatedThread(name: "files")),
      StateDatabase(making: directory.path + "/state", on: DedicatedThread(name: "files")),
    ]
    let savings = try await withThrowingTaskGroup(of: WorkflowSaving.self) { group in
      for writer in 0..<24 {
        group.addTask {
          try await others[writer % others.count].save(
            workflow: WorkflowName(unchecked: "etl"), Array("by \(writer)".utf8), author: "w\(writer)", at: 8,
            expecting: .version(1))
        }
      }
      return try await group.reduce(into: [WorkflowSaving]()) { $0.append($1) }
    }
    let latest = try #require(try await database.workflow(etl))
    #expect(savings.count { $0 == .saved(latest.version) } == 1)
    #expect(savings.count { $0 == .conflict(latest.version) } == 23)
    #expect(latest.content == Array("by \(latest.version.author.dropFirst())".utf8))
    #expect(try await numbers() == [2, 1])
  }

  @Test("a name that was removed begins after its last number, and has none of its old versions")
  func removed() async throws {
    _ = try await save("a", .absent)
    _ = try await save("b", .version(1))
    #expect(try await database.remove(workflow: etl, expecting: .version(2)) == .removed)
    #expect(try await database.remove(workflow: etl, expecting: .version(2)) == .absent)
    #expect(try await database.workflow(etl) == nil)
    #expect(try await database.workflow(etl, version: 1) == nil)
    #expect(try await numbers() == nil)
    #expect(try await database.workflows(limit: 10).isEmpty)
    #expect(try await save("b", .version(2)) == .absent)
    #expect(try await number(save("b", .absent)) == 3)
    #expect(try await numbers() == [3])
  }

  @Test("are listed by name, page by page")
  func pages() async throws {
    for name in ["c", "a", "b.1", "b"] { _ = try await save("x", as: name, .absent) }
    _ = try await save("y", as: "a", .version(1))
    let first = try await database.workflows(limit: 2)
    #expect(first.map(\.name.text) == ["a", "b"])
    #expect(first.map(\.number) == [2, 1])
    #expect(try await database.workflows(after: first.last?.name, limit: 2).map(\.name.text) == ["b.1", "c"])
    #expect(try await database.workflows(after: WorkflowName(unchecked: "c"), limit: 2).isEmpty)
  }

  @Test("only so many, so large, and so many versions of each are kept")
  func bounded() async throws {
    var limits = WorkflowLimits()
    (limits.workflows, limits.versions, limits.bytes) = (2, 3, 4)
    #expect(try await save("12345", .absent, limits: limits) == .tooLarge)
    _ = try await save("0", .absent, limits: limits)
    for version in 1...5 { _ = try await save("\(version)", .version(version), limits: limits) }
    #expect(try await numbers() == [6, 5, 4])
    #expect(try await database.workflow(etl, version: 3) == nil)
    _ = try await save("0", as: "other", .absent, limits: limits)
    #expect(try await save("0", as: "third", .absent, limits: limits) == .full)
    #expect(try await number(save("9", .version(6), limits: limits)) == 7)
    _ = try await database.remove(workflow: etl, expecting: .version(7))
    #expect(try await number(save("0", as: "third", .absent, limits: limits)) == 1)
  }

  @Test("what was changed behind the program's back is not believed")
  func damaged() async throws {
    _ = try await save("a", .absent)
    let queue = try DatabaseQueue(path: directory.path + "/state/state.sqlite")
    try await queue.write { try $0.execute(sql: "UPDATE workflow_version SET content = x'00'") }
    await #expect(throws: StateStoreError.self) { try await database.workflow(etl) }
  }

  @Test(
    "names can stand in an address and be files' names",
    arguments: ["", ".a", "a/b", "..", "A", "a b", "ä", "a\u{0}", String(repeating: "a", count: 65), "-a", "a%2f"])
  func names(_ text: String) {
    #expect(WorkflowName(text) == nil)
    #expect(WorkflowName("nightly-etl_2.yaml") != nil)
  }
}
