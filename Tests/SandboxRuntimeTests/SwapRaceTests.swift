import Foundation
import Glibc
import LinuxSystem
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// CVE-2021-30465 and CVE-2024-45310 of runc, CVE-2026-87766: whoever shares a directory with the one that mounts it
  /// exchanges it for a link between the check and the mount. Here every path is opened once, without a link anywhere
  /// (openat2(2), RESOLVE_NO_SYMLINKS), and what was opened is what is mounted.
  @Suite("While a directory is exchanged for a link and back, a sandbox", .serialized)
  struct SwapRaceTests {
    private static let launches = 300
    let harness: Harness
    let directory: TemporaryDirectory

    init() throws {
      harness = try Harness()
      directory = try TemporaryDirectory()
      for name in ["granted", "host"] {
        for place in ["\(name)/data", name] {
          let path = "\(directory.path)/\(place)"
          try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
          try Data("\(name)\n".utf8).write(to: URL(fileURLWithPath: path + "/marker"))
        }
      }
    }

    private func link(_ name: String, to destination: String) throws {
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory.path)/\(name)", withDestinationPath: destination)
    }

    /// What became of many launches while `name` and `other` changed places as fast as the kernel does it.
    private struct Tally {
      var outputs: [String: Int] = [:]
      var refusals: [ErrorCode: Int] = [:]
    }

    private func race(_ name: String, _ other: String, _ plan: () -> SandboxPlan) async throws -> Tally {
      let exchanger = Process()
      exchanger.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
      // renameat2(2), RENAME_EXCHANGE.
      exchanger.arguments = [
        "-c",
        """
        import ctypes, sys
        libc = ctypes.CDLL(None)
        one, other = (path.encode() for path in sys.argv[1:])
        while libc.renameat2(-100, one, -100, other, 2) == 0:
            pass
        """, "\(directory.path)/\(name)", "\(directory.path)/\(other)",
      ]
      exchanger.standardInput = FileHandle.nullDevice
      exchanger.standardOutput = FileHandle.nullDevice
      try exchanger.run()
      defer {
        kill(exchanger.processIdentifier, SIGKILL)
        exchanger.waitUntilExit()
      }
      var tally = Tally()
      for _ in 0..<Self.launches {
        do {
          let outcome = try await harness.run(plan())
          tally.outputs[outcome.output + outcome.error, default: 0] += 1
        } catch let error as LaunchError {
          tally.refusals[error.cause.code, default: 0] += 1
        }
      }
      #expect(exchanger.isRunning, "the two were exchanged until the end")
      return tally
    }

    private func reading(_ source: String) -> SandboxPlan {
      .shell(
        "cat /data/marker",
        adding: [
          .bind(
            Bind(
              source: path("\(directory.path)/\(source)"), target: path("/data"), kind: .directory, access: .readWrite,
              mapsOwner: geteuid() == 0, confinedTo: path(directory.path)))
        ])
    }

    private func expectGrantedOrRefused(_ tally: Tally) {
      #expect(Set(tally.outputs.keys) == ["granted\n"], "\(tally)")
      #expect(Set(tally.refusals.keys) == [.tooManyLinks], "\(tally)")
    }

    @Test("that was granted it shows the directory or isn't started, and never shows what the link leads to")
    func source() async throws {
      try link("other", to: directory.path + "/host")
      expectGrantedOrRefused(try await race("granted", "other") { reading("granted") })
    }

    @Test("that was granted what lies in it does neither")
    func parentOfSource() async throws {
      try link("other", to: directory.path + "/host")
      expectGrantedOrRefused(try await race("granted", "other") { reading("granted/data") })
    }

    @Test("in which it is the place of another mount has that mount there or isn't started")
    func target() async throws {
      // Absolute links lead from the new root: to the sandbox's own /tmp, which the mount would cover.
      try link("granted/other", to: "/tmp")
      let tally = try await race("granted/data", "granted/other") {
        .shell(
          "grep --count ' /tmp ' /proc/self/mountinfo",
          adding: [
            .bind(
              Bind(
                source: path(directory.path + "/granted"), target: path("/data"), kind: .directory,
                access: .readWrite, mapsOwner: geteuid() == 0)),
            .bind(Bind(source: path("/usr/share"), target: path("/data/data"), kind: .directory)),
          ])
      }
      #expect(Set(tally.outputs.keys) == ["1\n"], "\(tally)")
      #expect(Set(tally.refusals.keys) == [.tooManyLinks], "\(tally)")
    }
  }
}
