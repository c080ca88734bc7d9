import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("Cgroups", .enabled(if: Harness.cgroupRoot != nil))
  struct CgroupTests {
    /// A tree of the test's own, so that nobody else's groups are in it.
    private final class Tree {
      let root: AbsolutePath
      init() throws {
        root = path("\(try #require(Harness.cgroupRoot))/test-\(UUID().uuidString)")
        try LinuxKernel().makeDirectory(root.text)
      }
      deinit { try? LinuxKernel().removeDirectory(root.text) }
    }

    /// No process has this number: pid_max is 2^22 at most.
    private static let dead = CgroupName(process: 4_194_305, startTime: 1, instance: 0).text

    @Test("lie in one of the plugin's, which is there for its next worker and goes with the supervisor's")
    func levels() async throws {
      let root = try #require(Harness.cgroupRoot)
      let harness = try Harness()
      var names: [String] = []
      for _ in 0..<2 {
        let outcome = try await harness.run(.fixture(["/bin/true"]))
        names.append(try #require(outcome.enforcement.cgroup))
        #expect(outcome.exit.cleanupErrors == [])
      }
      let parts = names.map { $0.split(separator: "/") }
      #expect(parts.allSatisfy { $0.count == 3 && $0[1] == "fixture" } && parts[0][0] == parts[1][0], "\(names)")
      #expect(subdirectories("\(root)/\(parts[0][0])/fixture") == [])
      try harness.cgroups.close()
      #expect(access("\(root)/\(parts[0][0])", F_OK) != 0)
    }

    @Test("of a supervisor that isn't seen from here, in another pid namespace, are left alone as long as it lives")
    func unseenSupervisor() throws {
      let tree = try Tree()
      let kernel = LinuxKernel()
      // As that one makes it: a process number that means nothing here.
      let group = "\(tree.root)/\(Self.dead)"
      let lock = try kernel.makeLockedDirectory(group)
      try kernel.makeDirectory("\(group)/plugin")
      try kernel.makeDirectory("\(group)/plugin/1")
      let worker = Process()
      worker.executableURL = URL(fileURLWithPath: "/bin/sleep")
      worker.arguments = ["600"]
      try worker.run()
      defer { worker.terminate() }
      try kernel.write("\(worker.processIdentifier)", to: "\(group)/plugin/1/cgroup.procs")

      LeftoverCgroups.remove(under: tree.root, kernel)
      #expect(readSmallFile("\(group)/plugin/1/cgroup.procs") == "\(worker.processIdentifier)\n")
      lock.close()
      LeftoverCgroups.remove(under: tree.root, kernel)
      #expect(access(group, F_OK) != 0)
      worker.waitUntilExit()
      #expect(worker.terminationReason == .uncaughtSignal && worker.terminationStatus == SIGKILL)
    }

    @Test("of a supervisor are locked as long as its manager is there, and close only once")
    func locked() throws {
      let tree = try Tree()
      let kernel = LinuxKernel()
      var first: CgroupManager? = try CgroupManager(root: tree.root)
      let group = try #require(subdirectories(tree.root.text).first)
      #expect(throws: SystemError("flock", "\(tree.root)/\(group)", .tryAgain)) {
        try kernel.lockDirectory("\(tree.root)/\(group)")
      }
      try first?.close()
      // The second has the name of the first, whose end is none of its business.
      let second = try CgroupManager(root: tree.root)
      first = nil
      #expect(subdirectories(tree.root.text) == [group])
      try second.close()
    }

    @Test("are there once they are locked, whoever removes what isn't locked meanwhile")
    func contended() async throws {
      let tree = try Tree()
      let kernel = LinuxKernel()
      let group = "\(tree.root)/group"
      let isDone = Lock(false)
      let remover = try DedicatedThread(name: "remover")
      async let removed = remover.run { () -> Int in
        var count = 0
        while !isDone.withLock({ $0 }) {
          guard let directory = try? kernel.lockDirectory(group) else { continue }
          if (try? kernel.removeDirectory(group)) != nil { count += 1 }
          directory.close()
        }
        return count
      }
      var (made, lost, others) = (0, 0, Set<SystemError>())
      for _ in 0..<20_000 {
        do throws(SystemError) {
          let lock = try kernel.makeLockedDirectory(group)
          made += 1
          lost += access(group, F_OK) == 0 ? 0 : 1
          try? kernel.removeDirectory(group)
          lock.close()
        } catch {
          if ![.exists, .tryAgain, .stale].contains(error.code) { others.insert(error) }
        }
      }
      isDone.withLock { $0 = true }
      #expect(await removed > 0 && made > 0)
      #expect(lost == 0 && others == [], "of \(made)")
      try? kernel.removeDirectory(group)
    }

    @Test("10,000 that dead supervisors left don't hold up the start, and are removed")
    func leftovers() async throws {
      let tree = try Tree()
      let kernel = LinuxKernel()
      try kernel.makeDirectory("\(tree.root)/\(Self.dead)")
      for plugin in 0..<10 {
        try kernel.makeDirectory("\(tree.root)/\(Self.dead)/plugin-\(plugin)")
        for worker in 0..<1000 { try kernel.makeDirectory("\(tree.root)/\(Self.dead)/plugin-\(plugin)/\(worker)") }
      }
      let clock = ContinuousClock()
      let start = clock.now
      let manager = try CgroupManager(root: tree.root)
      let leftovers = try LeftoverCgroups(under: tree.root)
      let started = start.duration(to: clock.now)
      await leftovers.finish(within: .seconds(60))
      let removed = start.duration(to: clock.now)
      print("10,000 leftover groups: started after \(started), removed after \(removed)")
      #expect(started < .seconds(1) && started < removed / 4)
      #expect(access("\(tree.root)/\(Self.dead)", F_OK) != 0)
      try manager.close()
    }

    @Test("that dead supervisors left are removed as long as there is time, and the next start goes on")
    func goesOn() async throws {
      let tree = try Tree()
      let kernel = LinuxKernel()
      try kernel.makeDirectory("\(tree.root)/\(Self.dead)")
      for worker in 0..<3000 { try kernel.makeDirectory("\(tree.root)/\(Self.dead)/\(worker)") }
      var asked = 0
      LeftoverCgroups.remove(under: tree.root, kernel) {
        asked += 1
        return asked > 1000
      }
      #expect(subdirectories("\(tree.root)/\(Self.dead)").count == 2001)
      await (try LeftoverCgroups(under: tree.root)).finish(within: .seconds(60))
      #expect(subdirectories(tree.root.text) == [])
    }
  }
}
