import Foundation
import Glibc
import Testing

/// What only a kernel with all of cgroup v2 can show: `deploy/guest` boots one. On other hosts these tests fail, and aren't run.
/// One after the other: each start removes what was left.
@Suite("A supervisor that is killed", .serialized)
struct GuestSupervisor {
  /// The group of this process, which is where the programs that it starts make theirs.
  private static func ownGroup() throws -> String {
    let entries = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8).split(separator: "\n")
    let own = try #require(entries.first { $0.hasPrefix("0::") }).dropFirst(3)
    return "/sys/fs/cgroup" + (own == "/" ? "" : own)
  }

  private static func supervisors(in group: String, of process: Int32) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: group).filter { $0.hasPrefix("orchestrator-\(process)-") }
      .map { "\(group)/\($0)" }
  }

  private static func processes(beneath group: String) -> [Int32] {
    let files = FileManager.default.enumerator(atPath: group)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix("/cgroup.procs") }.flatMap { file in
      (try? String(contentsOfFile: "\(group)/\(file)", encoding: .utf8))?.split(separator: "\n").compactMap {
        Int32($0)
      } ?? []
    }
  }

  @Test("takes all of its workers along, whatever they do, and the next start removes its groups")
  func killed() async throws {
    let manners = ["spins", "ignores-cancel", "stops-itself"]
    let scratch = try Scratch()
    var workflow = WorkflowText()
    for manner in manners {
      workflow.add(manner, type: "hostile/misbehave", with: ["manner": manner], timeout: "600s")
    }
    let supervisor = Process()
    supervisor.executableURL = Program.orchestrator
    supervisor.arguments = [
      "run", try workflow.write(to: scratch), "--plugins", Program.fixtures.path, "--state-dir",
      scratch.url.appendingPathComponent("state").path, "--jobs", "\(manners.count)",
    ]
    supervisor.currentDirectoryURL = scratch.url
    supervisor.standardInput = FileHandle.nullDevice
    supervisor.standardOutput = FileHandle.nullDevice
    supervisor.standardError = FileHandle.nullDevice
    let own = try Self.ownGroup()
    try supervisor.run()
    // Each worker has a pid 1 of its sandbox beside it.
    var workers: [Int32] = []
    var group: String?
    for _ in 0..<600 where workers.count < 2 * manners.count {
      try await Task.sleep(for: .milliseconds(100))
      group = try Self.supervisors(in: own, of: supervisor.processIdentifier).first
      workers = group.map { Self.processes(beneath: "\($0)/hostile") } ?? []
    }
    #expect(workers.count >= 2 * manners.count)
    kill(supervisor.processIdentifier, SIGKILL)
    supervisor.waitUntilExit()

    let left = try #require(group)
    for _ in 0..<100 where !Self.processes(beneath: left).isEmpty { try await Task.sleep(for: .milliseconds(100)) }
    #expect(Self.processes(beneath: left) == [])
    #expect(FileManager.default.fileExists(atPath: "\(left)/hostile"))

    var next = WorkflowText()
    next.add("good", type: "hostile/misbehave", with: ["manner": "well-behaved"], timeout: "120s")
    let report = try await Report.run(next, in: scratch)
    #expect(report.value("good") as? String == "well", "\(report.finished.errors)")
    #expect(!FileManager.default.fileExists(atPath: left))
  }

  @Test("is not one that only lives in another pid namespace")
  func unseen() async throws {
    let scratch = try Scratch()
    var slow = WorkflowText()
    slow.add("slow", type: "hostile/misbehave", with: ["manner": "spins"], timeout: "600s")
    let supervisor = Process()
    supervisor.executableURL = Program.orchestrator
    supervisor.arguments = [
      "run", try slow.write(to: scratch), "--plugins", Program.fixtures.path, "--state-dir",
      scratch.url.appendingPathComponent("state").path,
    ]
    supervisor.currentDirectoryURL = scratch.url
    supervisor.standardInput = FileHandle.nullDevice
    supervisor.standardOutput = FileHandle.nullDevice
    supervisor.standardError = FileHandle.nullDevice
    let own = try Self.ownGroup()
    try supervisor.run()
    var workers: [Int32] = []
    for _ in 0..<600 where workers.count < 2 {
      try await Task.sleep(for: .milliseconds(100))
      workers = try Self.supervisors(in: own, of: supervisor.processIdentifier).flatMap { Self.processes(beneath: $0) }
    }
    // The one that looks for what is left over sees none of these processes.
    var quick = WorkflowText()
    quick.add("good", type: "hostile/misbehave", with: ["manner": "well-behaved"], timeout: "120s")
    let other = try Scratch()
    let finished = try await Program.run(
      URL(fileURLWithPath: "/usr/bin/unshare"),
      // Only root may make one without a user namespace.
      (geteuid() == 0 ? [] : ["--user", "--map-current-user"]) + [
        "--pid", "--fork", "--mount-proc", "--kill-child", Program.orchestrator.path, "run",
        try quick.write(to: other), "--plugins", Program.fixtures.path, "--state-dir",
        other.url.appendingPathComponent("state").path,
      ], in: other.url)
    #expect(finished.status == 0, "\(finished.errors)")
    let still = try Self.supervisors(in: own, of: supervisor.processIdentifier).flatMap { Self.processes(beneath: $0) }
    #expect(workers.count >= 2 && Set(still).isSuperset(of: workers), "\(workers) \(still)")
    kill(supervisor.processIdentifier, SIGINT)
    supervisor.waitUntilExit()
  }
}
