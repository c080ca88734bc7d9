import Foundation
import GRDB
import PipelineEngine
import PluginModel

/// Bytes in a column.
struct Blob: DatabaseValueConvertible {
  var bytes: [UInt8]
  init(_ bytes: [UInt8]) { self.bytes = bytes }
  var databaseValue: DatabaseValue { Data(bytes).databaseValue }
  static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
    Data.fromDatabaseValue(value).map { Blob(Array($0)) }
  }
}

/// The values of a result, a row each: in `journal_value` and in `cache_value`.
enum StoredValueRow {
  enum Owner: Sendable {
    case journal(run: String, sequence: Int)
    case cache(key: ContentDigest)
  }

  static func insert(_ outputs: [StoredResult.Output], of owner: Owner, _ database: Database) throws {
    let columns = "output, position, port, codec, label, size, digest, content"
    let statement: Statement
    let first: [(any DatabaseValueConvertible)?]
    switch owner {
    case .journal(let run, let sequence):
      statement = try database.cachedStatement(
        sql: "INSERT INTO journal_value (run, sequence, \(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      first = [run, sequence]
    case .cache(let key):
      statement = try database.cachedStatement(
        sql: "INSERT INTO cache_value (key, \(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      first = [key.hexadecimal]
    }
    // One without a value is no output.
    for (index, output) in outputs.filter({ !$0.values.isEmpty }).enumerated() {
      for (position, value) in output.values.enumerated() {
        let rest: [(any DatabaseValueConvertible)?] = [
          index, position, output.port.text, Int(value.codec.rawValue), value.label, value.byteCount,
          value.digest.hexadecimal, value.inlineBlob,
        ]
        try statement.execute(arguments: StatementArguments(first + rest))
      }
    }
  }

  /// By the sequence of their record.
  static func fetch(
    journalOf run: String, _ database: Database, path: String
  ) throws -> [Int: [StoredResult.Output]] {
    let rows = try Row.fetchCursor(
      database, sql: "SELECT * FROM journal_value WHERE run = ? ORDER BY sequence, output, position", arguments: [run])
    var found: [Int: [StoredResult.Output]] = [:]
    while let row = try rows.next() { try add(row, to: &found[row["sequence"], default: []], path: path) }
    return found
  }

  static func fetch(
    journalOf run: String, record sequence: Int, _ database: Database, path: String
  ) throws -> [StoredResult.Output] {
    let rows = try Row.fetchCursor(
      database, sql: "SELECT * FROM journal_value WHERE run = ? AND sequence = ? ORDER BY output, position",
      arguments: [run, sequence])
    var outputs: [StoredResult.Output] = []
    while let row = try rows.next() { try add(row, to: &outputs, path: path) }
    return outputs
  }

  static func fetch(
    cachedAs key: ContentDigest, _ database: Database, path: String
  ) throws -> [StoredResult.Output] {
    let rows = try Row.fetchCursor(
      database, sql: "SELECT * FROM cache_value WHERE key = ? ORDER BY output, position",
      arguments: [key.hexadecimal])
    var outputs: [StoredResult.Output] = []
    while let row = try rows.next() { try add(row, to: &outputs, path: path) }
    return outputs
  }

  private static func add(_ row: Row, to outputs: inout [StoredResult.Output], path: String) throws {
    let port: String = row["port"]
    let codec: Int = row["codec"]
    let digest: String = row["digest"]
    let content: Blob? = row["content"]
    let index: Int = row["output"]
    guard let port = PortName(port), let codec = UInt8(exactly: codec).flatMap(ValueCodec.init),
      let digest = ContentDigest(digest), index == outputs.count || index == outputs.count - 1
    else { throw StateStoreError.damaged(path: path, why: "a result in it can't be read") }
    let value = StoredValue(
      codec: codec, label: row["label"], byteCount: row["size"], digest: digest,
      content: content.map { .inline($0.bytes) } ?? .object)
    if index == outputs.count { outputs.append(StoredResult.Output(port: port, values: [])) }
    outputs[index].values.append(value)
  }
}

extension StoredValue {
  fileprivate var inlineBlob: Blob? {
    switch content {
    case .inline(let bytes): Blob(bytes)
    case .object: nil
    }
  }
}

extension Row {
  /// Nil where there is no such column, or what is in it is no such value: somebody else may have written it.
  func value<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
    (self[column] as DatabaseValue?).flatMap { Value.fromDatabaseValue($0) }
  }
}
