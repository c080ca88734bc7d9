import GRDB
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore
import Testing

@Suite("How long nodes took before")
struct NodeDurationTests {
  private let directory: TemporaryDirectory
  private let thread: DedicatedThread

  init() throws {
    directory = try TemporaryDirectory()
    thread = try DedicatedThread(name: "files")
  }

  private func success(_ node: String, _ milliseconds: Int64?, isCached: Bool = false) throws -> JournalRecord.Content {
    .succeeded(
      try #require(NodeName(stored: node)), StoredResult(outputs: [], milliseconds: milliseconds, isCached: isCached))
  }

  @Test("is the mean of the last five runs of the workflow, of all instances together, without what was cached")
  func mean() async throws {
    let database = try await StateDatabase(making: directory.path + "/state", on: thread)
    for number in 0..<7 {
      let run = StoredRun(
        identifier: "r\(number)", workflow: number == 6 ? "other" : "w", file: "/w.yaml", source: [],
        settings: .object([]), nodeCount: 3, created: Int64(number))
      try await database.add(run)
      // The first of six is too old.
      let time: Int64 = number == 0 || number == 6 ? 1_000_000 : Int64(100 * number)
      let contents: [JournalRecord.Content] = [
        try success("a", time), try success("m[0]", 10), try success("m[12]", 30),
        try success("s[0]/m[3]", 40), try success("s[0]/m[4]", 60), try success("s[1]/b", 70),
        try success("cached", 1_000, isCached: true), try success("unknown", nil),
        .failed(try #require(NodeName("failed")), attempts: 1, NodeFailure(.error, "no")),
      ]
      try await database.append(contents.map { JournalRecord(time: 1, $0) }, to: run.identifier)
    }
    let durations = try await database.durations(ofWorkflow: "w")
    #expect(
      Dictionary(uniqueKeysWithValues: durations.map { ($0.key.text, $0.value) }) == [
        "a": 300, "m": 20, "s[0]/m": 50, "s[1]/b": 70,
      ])
    #expect(try await database.durations(ofWorkflow: "never").isEmpty)
  }
}
