import Foundation
import PluginModel
import SandboxPlanning
import Testing

@testable import LinuxSystem
@testable import SandboxRuntime

/// Answers as a test says: each question for a name gets the next of its answers, and then the last for ever.
final class FixedResolver: HostResolver {
  private let answers: Lock<[String: [[String]]]>
  private let asked = Lock<[String]>([])
  /// Names that it takes long for.
  private let slow: Set<String>

  init(_ answers: [String: [[String]]], slow: Set<String> = []) {
    self.answers = Lock(answers)
    self.slow = slow
  }

  var questions: [String] { asked.withLock { $0 } }

  func addresses(of name: HostName) throws(SystemError) -> [NetworkAddress] {
    asked.withLock { $0.append(name.text) }
    if slow.contains(name.text) { usleep(3_000_000) }
    let found = answers.withLock { answers -> [String]? in
      guard let all = answers[name.text], let first = all.first else { return nil }
      if all.count > 1 { answers[name.text]?.removeFirst() }
      return first
    }
    guard let found else { throw SystemError("getaddrinfo", name.text, .notFound) }
    return found.compactMap { NetworkAddress($0) }
  }
}

/// `Tests/Fixtures/egress/server.py` on an address of 127.77.0.0/16 that no other test has.
final class PeerServers {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/egress").path
  private static let next = Lock<Int>(Int(getpid()) % 200 * 250)

  let address: String
  private let process = Process()
  private let input = Pipe()

  /// - Parameter ports: of echoes.
  init(certificates: Certificates? = nil, ports: [Int] = []) throws {
    let number = Self.next.withLock { number in
      number += 1
      return number
    }
    address = "127.77.\(number / 250 % 250 + 1).\(number % 250 + 1)"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments =
      ["\(Self.fixtures)/server.py", address, certificates?.directory ?? "-"] + ports.map(String.init)
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let ready = output.fileHandleForReading.readData(ofLength: 6)
    try #require(String(decoding: ready, as: UTF8.self) == "ready\n")
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}

/// An authority of the test's own and a certificate for these names.
final class Certificates {
  let directory = "/tmp/egress-test-\(UUID().uuidString)"

  init(_ names: String...) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(PeerServers.fixtures)/authority.sh")
    process.arguments = [directory] + names
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  var authority: String {
    get throws { try String(contentsOfFile: "\(directory)/ca.pem", encoding: .utf8) }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }
}

extension SandboxPlan {
  /// A Python program with these permissions, and 127.77.0.0/16 opened by the operator.
  static func networked(
    _ script: String, _ permissions: [String], opened: [String] = ["127.77.0.0/16"], caps: EgressCaps = EgressCaps(),
    authority: String = ""
  ) throws -> SandboxPlan {
    let prelude = """
      import errno, http.client, json, os, socket, ssl, struct, sys, threading, time, urllib.request
      def said(call):
          try:
              return call()
          except Exception as error:
              return f"{type(error).__name__}: {error}"
      def trusting():
          return ssl.create_default_context(cafile="/etc/authority.pem")

      """
    var plan = SandboxPlan.fixture(
      ["/usr/bin/python3", "-I", "-c", prelude + script],
      adding: [
        .file(path("/etc/resolv.conf"), contents: "nameserver 198.18.0.1\n"),
        .file(path("/etc/nsswitch.conf"), contents: "hosts: files dns\n"),
        .file(path("/etc/hosts"), contents: "127.0.0.1 localhost\n::1 localhost\n"),
        .file(path("/etc/authority.pem"), contents: authority),
      ])
    plan.egress = try EgressPolicy(
      granted: permissions.map { try Permission($0) },
      operator: OperatorNetwork(
        privateNetworks: try opened.map { text in
          Located(.network(try #require(NetworkPrefix(text))), at: SourceLocation(file: "test", line: 1, column: 1))
        }, caps: caps))
    plan.limits = [.noCoreDump, ResourceLimit(.openFiles, 8192)]
    return plan
  }
}

/// Runs workers with a relay whose names a test chooses.
struct EgressHarness {
  let launcher: SandboxLauncher
  let resolver: FixedResolver

  init(_ names: [String: [[String]]] = [:], slow: Set<String> = []) throws {
    resolver = FixedResolver(names, slow: slow)
    launcher = try SandboxLauncher(
      initProgram: Harness.initProgram, cgroups: CgroupManager(root: Harness.cgroupRoot), loop: EventLoop(),
      resolver: resolver)
  }

  struct Outcome {
    var exit: SandboxExit
    var output: String
    var error: String
    var use: EgressUse
    /// What was refused, as a person reads it.
    var denials: [String] { use.denials.map { "\($0.destination): \($0.why)" } }
  }

  func run(_ plan: SandboxPlan) async throws -> Outcome {
    let sandbox = try await launcher.launch(plan)
    let exit = await sandbox.exit()
    return Outcome(
      exit: exit, output: readAll(sandbox.standardOutput), error: readAll(sandbox.standardError),
      use: try #require(await sandbox.settleEgress()))
  }

  func run(
    _ script: String, _ permissions: String..., opened: [String] = ["127.77.0.0/16"], caps: EgressCaps = EgressCaps(),
    authority: String = ""
  ) async throws -> Outcome {
    try await run(
      .networked(script, permissions, opened: opened, caps: caps, authority: authority))
  }
}
