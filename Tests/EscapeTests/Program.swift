import Foundation

/// One finished run of a program.
struct Finished: Sendable {
  var status: Int32
  var output: Data
  var errors: String
  /// The largest resident set that was seen, in kilobytes.
  var peakKilobytes: Int

  /// Standard output as one JSON object.
  func json() throws -> [String: Any] {
    guard let object = try JSONSerialization.jsonObject(with: output) as? [String: Any] else {
      throw Broken("standard output is not a JSON object")
    }
    return object
  }
}

/// A test that can't be carried out, which is a failure.
struct Broken: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

enum Program {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let fixtures = root.appendingPathComponent("Tests/Fixtures")
  /// How many times longer than usual a worker may take: where the processor is emulated, all of it does.
  static let patience = ProcessInfo.processInfo.environment["ORCHESTRATOR_TEST_PATIENCE"].flatMap { Int($0) } ?? 1

  static func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
    let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (major, minor)
  }

  /// The program beside this test's own binary, whichever configuration and directory it was built in.
  static var orchestrator: URL {
    Bundle.main.bundleURL.pathExtension == "xctest"
      ? Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("orchestrator")
      : executableDirectory.appendingPathComponent("orchestrator")
  }

  private static var executableDirectory: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  }

  /// Runs to the end, with its output in files: nothing it prints can block it, and nothing here waits on a thread.
  static func run(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:], in directory: URL
  ) async throws -> Finished {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    var variables = ProcessInfo.processInfo.environment
    variables.merge(environment) { $1 }
    process.environment = variables
    let name = UUID().uuidString
    let files = ["out", "err"].map { directory.appendingPathComponent("\(name).\($0)") }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardInput = FileHandle.nullDevice
    let handles = try files.map { try FileHandle(forWritingTo: $0) }
    defer { for handle in handles { try? handle.close() } }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    let (ends, end) = AsyncStream<Int32>.makeStream()
    process.terminationHandler = {
      end.yield($0.terminationReason == .exit ? $0.terminationStatus : 128 + $0.terminationStatus)
      end.finish()
    }
    try process.run()
    let watch = Task { try await watchMemory(of: process.processIdentifier) }
    var status: Int32 = -1
    for await value in ends { status = value }
    watch.cancel()
    return Finished(
      status: status, output: try Data(contentsOf: files[0]),
      errors: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
      peakKilobytes: try await watch.value)
  }

  private static func watchMemory(of process: Int32) async throws -> Int {
    var peak = 0
    while !Task.isCancelled {
      let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
      if let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) {
        peak = max(peak, Int(line.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "") ?? 0)
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return peak
  }
}

/// A directory for one test, gone with the last reference.
final class Scratch: Sendable {
  let url: URL

  init(in directory: URL = FileManager.default.temporaryDirectory) throws {
    url = directory.appendingPathComponent("orchestrator-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let file = url.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    return file.path
  }
}
