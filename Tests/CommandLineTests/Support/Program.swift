import Foundation
import Testing

/// The built program, run as a person would.
enum Program {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  struct Missing: Error, CustomStringConvertible {
    var description: String
  }

  /// Beside the test program, whatever the build directory. Its absence fails a test; it never skips one.
  static func executable() throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = (tests as NSString).deletingLastPathComponent + "/orchestrator"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Missing(description: "\(path) is missing: build it with swift build")
    }
    return path
  }

  /// The top of the package.
  static let package = (#filePath as NSString).deletingLastPathComponent + "/../../.."

  /// Starts it; output goes to files, so that nothing has to be read while it runs.
  static func start(
    _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
    through wrapper: [String] = [], executable program: String? = nil
  ) throws -> Running {
    let command = wrapper + [try program ?? executable()] + arguments
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    var variables = ["PATH": "/usr/bin:/bin", "HOME": directory.path, "XDG_STATE_HOME": directory.path + "/state-home"]
    // Another user's files lie in the usual place, after a run of these tests as that one.
    variables["TMPDIR"] = ProcessInfo.processInfo.environment["TMPDIR"]
    variables.merge(environment) { $1 }
    process.environment = variables
    let streams = try ["output", "errors"].map { name -> (String, FileHandle) in
      let path = directory.path + "/.\(name)-\(UUID().uuidString)"
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      return (path, try #require(FileHandle(forWritingAtPath: path)))
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = streams[0].1
    process.standardError = streams[1].1
    try process.run()
    return Running(process: process, outputPath: streams[0].0, errorsPath: streams[1].0)
  }

  static func run(
    _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
    through wrapper: [String] = [], executable program: String? = nil
  ) throws -> Outcome {
    try start(arguments, in: directory, environment: environment, through: wrapper, executable: program).wait()
  }
}

/// A program that was started.
struct Running {
  let process: Process
  let outputPath: String
  let errorsPath: String

  var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }
  var errors: String { (try? String(contentsOfFile: errorsPath, encoding: .utf8)) ?? "" }

  /// Waits; a program that takes longer than `seconds` is killed and fails the test.
  func wait(seconds: Double = 90) throws -> Program.Outcome {
    let deadline = Date().addingTimeInterval(seconds)
    while process.isRunning {
      guard Date() < deadline else {
        kill(process.processIdentifier, SIGKILL)
        throw Program.Missing(description: "the program didn't end within \(seconds) s; it said:\n\(output)\(errors)")
      }
      usleep(5_000)
    }
    process.waitUntilExit()
    return Program.Outcome(status: process.terminationStatus, output: output, errors: errors)
  }

  /// Waits until its output holds `text`.
  func wait(for text: String, seconds: Double = 60) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while !output.contains(text) {
      guard Date() < deadline, process.isRunning else {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        throw Program.Missing(description: "the program never said \(text); it said:\n\(output)\(errors)")
      }
      usleep(5_000)
    }
  }
}

/// A directory that lives as long as a test. Not in /tmp: no path of it can be granted, since every sandbox has its own.
final class TemporaryDirectory {
  let path: String

  init(readableByAll: Bool = false) throws {
    path = "/var/tmp/orchestrator-cli-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: readableByAll ? 0o777 : 0o755])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ relative: String, _ text: String) throws {
    let target = path + "/" + relative
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: target))
  }

  func read(_ relative: String) throws -> String { try String(contentsOfFile: path + "/" + relative, encoding: .utf8) }
  func exists(_ relative: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + relative) }
}
