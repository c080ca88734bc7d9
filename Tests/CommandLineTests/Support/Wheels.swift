import Foundation
import Testing

/// Python packages of the tests' own.
enum Wheels {
  static let checkout = URL(fileURLWithPath: Program.package).standardized.path
  static let program = checkout + "/Tests/Fixtures/wheels.py"

  /// - Parameter wheels: `name==version:requirement,…`
  /// - Returns: their SHA-256.
  @discardableResult
  static func make(_ wheels: [String], in directory: TemporaryDirectory) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = [program, directory.path + "/wheels"] + wheels
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let said = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Packages come from there alone.
  static func environment(_ place: String) -> [String: String] {
    ["ORCHESTRATOR_PLUGINS__PYTHON__INDEX_URL": "none", "ORCHESTRATOR_PLUGINS__PYTHON__WHEELS": place]
  }
}
