import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  /// Plans of which one operation can't be carried out on a real kernel.
  @Suite("A launch is refused, with step and target, and leaves nothing behind,")
  struct RefusalTests {
    let harness: Harness
    init() throws { harness = try Harness() }

    private func refusal(_ plan: SandboxPlan) async throws -> LaunchError {
      // Once before, so that what is made once only is there.
      _ = try await harness.run(.fixture(["/bin/true"]))
      let before = HostState.now()
      let error = await #expect(throws: LaunchError.self) { _ = try await harness.launcher.launch(plan) }
      let left = try await HostState.settled(before)
      #expect(left.isEmpty, "\(left)")
      let refused = try #require(error)
      #expect(refused.cleanupErrors == [])
      return refused
    }

    private func bind(_ source: String, _ target: String, _ kind: Bind.Kind) -> FilesystemOperation {
      .bind(Bind(source: path(source), target: path(target), kind: kind))
    }

    @Test("when a source is missing")
    func missingSource() async throws {
      let error = try await refusal(.shell("", adding: [bind("/nowhere/at/all", "/data", .directory)]))
      #expect(error.step == "open the source of the read-only bind of /nowhere/at/all at /data")
      #expect(error.cause == SystemError("openat2", "/nowhere/at/all", .notFound))
      #expect(error.remedy != nil)
    }

    @Test("when a source is a directory and a file was planned")
    func wrongKind() async throws {
      let error = try await refusal(.shell("", adding: [bind("/usr/bin", "/data", .regularFile)]))
      #expect(error.cause == SystemError("fstat", "/usr/bin", .invalidArgument))
      let other = try await refusal(.shell("", adding: [bind("/usr/bin/env", "/data", .directory)]))
      #expect(other.cause == SystemError("fstat", "/usr/bin/env", .notADirectory))
    }

    @Test("when a device isn't the very one that was planned")
    func wrongDevice() async throws {
      let error = try await refusal(
        .shell("", adding: [bind("/dev/full", "/dev/random", .characterDevice(major: 1, minor: 8))]))
      #expect(error.cause == SystemError("fstat", "/dev/full", .noDevice))
    }

    @Test("when a source leads through a symbolic link that was made since")
    func linkInSource() async throws {
      let directory = try TemporaryDirectory()
      try FileManager.default.createSymbolicLink(atPath: directory.path + "/link", withDestinationPath: "/etc")
      let error = try await refusal(.shell("", adding: [bind(directory.path + "/link", "/data", .directory)]))
      #expect(error.cause.code == .tooManyLinks)
    }

    @Test("when a target leads through a symbolic link of a tree that was bound before")
    func linkInTarget() async throws {
      let directory = try TemporaryDirectory()
      try FileManager.default.createSymbolicLink(atPath: directory.path + "/link", withDestinationPath: "/usr")
      let error = try await refusal(
        .shell(
          "",
          adding: [bind(directory.path, "/data", .directory), bind("/usr/share", "/data/link/share", .directory)]))
      #expect(error.cause == SystemError("openat2", "/data/link/share", .tooManyLinks))
    }

    @Test("when a target would have to be made in a read-only mount")
    func targetInReadOnlyMount() async throws {
      let error = try await refusal(.shell("", adding: [bind("/usr/share", "/usr/not-there", .directory)]))
      #expect(error.cause.code == .readOnlyFilesystem)
      #expect(error.step.contains("/usr/not-there"))
    }

    @Test("when the program isn't there")
    func missingProgram() async throws {
      for execution in [ExecutionRule.allowed, .workerOnly] {
        let error = try await refusal(.fixture(["/bin/not-there"], execution: execution))
        #expect(error.cause == SystemError("execve", "/bin/not-there", .notFound))
        #expect(error.step == "execute the worker's program")
      }
    }

    @Test("when the working directory isn't there")
    func missingDirectory() async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.workingDirectory = path("/not-there")
      #expect(try await refusal(plan).cause == SystemError("chdir", "/not-there", .notFound))
    }

    @Test("when a Landlock rule is about a path that isn't there, or the rights are unknown")
    func landlock() async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.landlock.rules.append(LandlockPlan.Rule(path: path("/not-there"), allowed: 1))
      #expect(try await refusal(plan).cause == SystemError("landlock_add_rule", "/not-there", .notFound))
      plan = SandboxPlan.fixture(["/bin/true"])
      plan.landlock.handledFilesystem = 1 << 40
      #expect(try await refusal(plan).cause.operation == "landlock_create_ruleset")
    }

    @Test("when Landlock is to confine no files", arguments: [UInt64(0), 0b11])
    func noLandlock(others: UInt64) async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.landlock = LandlockPlan(abi: 6, handledFilesystem: 0, handledNetwork: others, scoped: others, rules: [])
      let error = try await refusal(plan)
      #expect(error.cause == SystemError("landlock_create_ruleset", nil, .noMessage))
      #expect(error.remedy != nil)
    }

    @Test("when the filter is no filter")
    func filter() async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.seccomp.program = [UInt8](repeating: 0xFF, count: 16)
      #expect(try await refusal(plan).cause.operation == "seccomp")
      plan.seccomp.program = [1, 2, 3]
      #expect(try await refusal(plan).step == "encode the plan")
    }

    @Test("when an environment variable holds a NUL")
    func environment() async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.environment = [EnvironmentVariable("NAME", "a\u{0}b")]
      #expect(try await refusal(plan).step == "encode the plan")
    }

    @Test("when the user namespace isn't among its namespaces, and id maps can't be written")
    func noUserNamespace() async throws {
      var plan = SandboxPlan.fixture(["/bin/true"])
      plan.namespaces = Namespace.allCases.filter { $0 != .user }
      let step = try await refusal(plan).step
      // Root is refused by the maps, or before that by a capability that it lacks itself.
      let expected = effectiveUserIdentifier() == 0 ? ["map the worker's", "keep the capabilities"] : ["make the"]
      #expect(expected.contains { step.hasPrefix($0) }, "\(step)")
    }
  }
}

/// The tests that launch real sandboxes run one by one: they compare the host before and after.
@Suite("On a real kernel", .serialized)
enum RealSandboxes {}

/// A directory that is removed with everything in it.
final class TemporaryDirectory: Sendable {
  let path: String
  init() throws {
    path = "/tmp/sandbox-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What a launch could leave behind on the host.
struct HostState: Equatable {
  var descriptors: [String]
  var mounts: Int
  var children: [String]
  var cgroups: [String]

  /// What is there that wasn't before, and stays: the last references to a sandbox go a moment after its end.
  static func settled(_ before: HostState) async throws -> [String] {
    var left: [String] = []
    for _ in 0..<100 {
      let after = now()
      left =
        added(before.descriptors, after.descriptors) + added(before.children, after.children)
        + added(before.cgroups, after.cgroups) + (after.mounts == before.mounts ? [] : ["\(after.mounts) mounts"])
      if left.isEmpty { break }
      try await Task.sleep(for: .milliseconds(10))
    }
    return left
  }

  private static func added(_ before: [String], _ after: [String]) -> [String] {
    after.difference(from: before).insertions.map { "\($0)" }
  }

  static func now() -> HostState {
    HostState(
      descriptors: directoryEntries("/proc/self/fd").compactMap {
        readLinkOf("/proc/self/fd/\($0)").map { $0.hasPrefix("/") ? $0 : String($0.prefix { $0 != "[" }) }
      }.filter(excludingNetworksAhead()).sorted(),
      mounts: readSmallFile("/proc/self/mountinfo", limit: 1 << 20)?.split(separator: "\n").count ?? 0,
      children: directoryEntries("/proc/self/task").flatMap {
        readSmallFile("/proc/self/task/\($0)/children")?.split(separator: " ").map(String.init) ?? []
      }.sorted(),
      cgroups: Harness.cgroupRoot.map { root in
        directoryEntries(root.text).filter { $0.hasPrefix("orchestrator-\(getpid())-") }.flatMap { group in
          directoryEntries("\(root.text)/\(group)").filter { UInt64($0) != nil }.map { "\(group)/\($0)" }
        }
      }?.sorted() ?? [])
  }

  /// A launcher keeps a few networks for the launches to come, and its own to go back to.
  private static func excludingNetworksAhead() -> (String) -> Bool {
    var left = NetworkReserve.capacity + 1
    return { descriptor in
      guard descriptor == "net:", left > 0 else { return true }
      left -= 1
      return false
    }
  }

  private static func readLinkOf(_ path: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path)
  }
}
