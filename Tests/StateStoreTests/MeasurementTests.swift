import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore
import Testing

@Suite("What nodes used in earlier runs")
struct MeasurementTests {
  private let directory: TemporaryDirectory
  private let thread: DedicatedThread

  init() throws {
    directory = try TemporaryDirectory()
    thread = try DedicatedThread(name: "files")
  }

  private func type(_ text: String) throws -> NodeTypeReference { try #require(NodeTypeReference(text)) }

  @Test("is kept by node type in its order, also of those that ran out of memory, and read by the next process")
  func kept() async throws {
    let state = directory.path + "/state"
    let first = NodeMeasurement(type: try type("a/x"), inputBytes: 10, memory: 100 << 20, cpuMilli: 700)
    let second = NodeMeasurement(
      type: try type("a/x"), inputBytes: 1 << 40, memory: 1 << 33, cpuMilli: 0, ranOutOfMemory: true)
    let other = NodeMeasurement(type: try type("a/y"), inputBytes: 0, memory: 1, cpuMilli: 1)
    try await StateDatabase(making: state, on: thread).add([first, other, second])
    let database = try await StateDatabase(making: state, on: thread)
    #expect(try await database.measurements(of: [try type("a/x")]) == [first, second])
    #expect(try await database.measurements(of: [try type("a/y"), try type("b/z")]) == [other])
    #expect(try await database.measurements(of: []).isEmpty)
  }

  @Test("is bounded: of one type the latest stay, and those of another aren't touched")
  func bounded() async throws {
    let database = try await StateDatabase(making: directory.path + "/state", on: thread)
    let rare = NodeMeasurement(type: try type("a/rare"), inputBytes: 0, memory: 7, cpuMilli: 1)
    try await database.add([rare])
    let many = try (0..<1500).map {
      NodeMeasurement(type: try type("a/x"), inputBytes: 0, memory: $0, cpuMilli: 1)
    }
    for start in stride(from: 0, to: many.count, by: 300) { try await database.add(Array(many[start..<start + 300])) }
    #expect(
      try await database.measurements(of: [try type("a/x")]).map(\.memory)
        == Array(1500 - StateDatabase.measurementsOfType..<1500))
    #expect(try await database.measurements(of: [try type("a/rare")]) == [rare])
  }
}
