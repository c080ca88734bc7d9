import GRDB
import PipelineEngine
import PluginModel

extension StateDatabase {
  /// Of one node type; those that came before are forgotten.
  package static let measurementsOfType = 512

  /// The latest of these node types, the latest last.
  package func measurements(
    of types: Set<NodeTypeReference>
  ) async throws(StateStoreError) -> [NodeMeasurement] {
    let path = path
    return try await read { database in
      try types.sorted { $0.description < $1.description }.flatMap { type in
        try Row.fetchAll(
          database,
          sql: "SELECT input_bytes, memory, cpu_milli, out_of_memory FROM measurement WHERE type = ? ORDER BY id",
          arguments: [type.description]
        ).map { row in
          let memory: Int = row["memory"]
          guard memory >= 0 else { throw StateStoreError.damaged(path: path, why: "a measurement in it can't be read") }
          return NodeMeasurement(
            type: type, inputBytes: row["input_bytes"], memory: memory, cpuMilli: row["cpu_milli"],
            ranOutOfMemory: row["out_of_memory"])
        }
      }
    }
  }

  /// After those that are there.
  package func add(_ measurements: [NodeMeasurement]) async throws(StateStoreError) {
    let kept = Dictionary(grouping: measurements, by: \.type).mapValues { $0.suffix(Self.measurementsOfType) }
    guard !kept.isEmpty else { return }
    try await write { database in
      let insert = try database.cachedStatement(
        sql: "INSERT INTO measurement (type, input_bytes, memory, cpu_milli, out_of_memory) VALUES (?, ?, ?, ?, ?)")
      for (type, measurements) in kept {
        for measured in measurements {
          try insert.execute(
            arguments: [
              type.description, measured.inputBytes, measured.memory, measured.cpuMilli, measured.ranOutOfMemory,
            ])
        }
        try database.execute(
          sql: """
            DELETE FROM measurement WHERE type = ? AND id <= (
              SELECT id FROM measurement WHERE type = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
            """, arguments: [type.description, type.description, Self.measurementsOfType])
      }
    }
  }
}
