import Foundation

extension FileManager {
  struct CopyFailure: Error {
    var source: String
    var status: Int32
  }

  /// A copy that belongs to whoever runs the tests. `copyItem` also copies the owner, which an ordinary user may not.
  func copyTree(from source: String, to target: String) throws {
    let program = Process()
    program.executableURL = URL(fileURLWithPath: "/bin/cp")
    program.arguments = ["-R", "--", source, target]
    try program.run()
    program.waitUntilExit()
    guard program.terminationStatus == 0 else {
      throw CopyFailure(source: source, status: program.terminationStatus)
    }
  }
}
