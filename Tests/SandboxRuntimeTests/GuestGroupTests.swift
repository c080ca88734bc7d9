import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension Guest {
  @Suite("The group of a worker")
  struct GuestGroups {
    let launcher: SandboxLauncher
    let root: AbsolutePath
    let deviceGuard: DeviceGuard

    init() throws {
      let probe = try #require(CgroupProbe(LinuxKernel()))
      root = probe.root
      deviceGuard = probe.deviceGuard
      let cgroups = try CgroupManager(root: root)
      launcher = try SandboxLauncher(initProgram: Harness.initProgram, cgroups: cgroups, loop: EventLoop())
      #expect(Set(cgroups.controllers).isSuperset(of: [.cpu, .memory, .pids]))
    }

    /// Tries every way to its own limit, with no filter and no Landlock in the way; then it takes more than it may.
    private static func escape(_ root: AbsolutePath) -> String {
      """
      import ctypes, glob, os, resource
      library = ctypes.CDLL(None, use_errno=True)
      won = []
      def attempt(name, action):
          try:
              if action():
                  won.append(name)
          except (OSError, ValueError):
              pass
      def write(pattern, text):
          found = glob.glob(pattern)
          for path in found:
              with open(path, "w") as file:
                  file.write(text)
          return bool(found)
      def call(function, *arguments):
          return getattr(library, function)(*arguments) == 0
      for top in ("\(root)", "/proc/1/root\(root)", "/proc/self/cwd/../../..\(root)", "/tmp"):
          for file, text in (("memory.max", "max"), ("memory.oom.group", "0"), ("cgroup.freeze", "0")):
              attempt(top + file, lambda: write(top + "/orchestrator-*/*/*/" + file, text))
          attempt(top + "procs", lambda: write(top + "/cgroup.procs", "0"))
      attempt("mount", lambda: call("mount", b"none", b"/tmp", b"cgroup2", 0, None))
      attempt("unshare user", lambda: call("unshare", 0x10000000 | 0x20000 | 0x02000000))
      attempt("unshare cgroup", lambda: call("unshare", 0x02000000))
      attempt("make", lambda: os.mkdir("\(root)/mine") is None)
      attempt("see", lambda: open("/proc/self/cgroup").read() != "0::/\\n")
      attempt("rlimit", lambda: resource.setrlimit(resource.RLIMIT_CORE, (5, 5)) is None)
      print("won:", won, flush=True)
      hog = bytearray(200 << 20)
      for at in range(0, len(hog), 4096):
          hog[at] = 1
      print("alive")
      """
    }

    @Test("can't be left by it, nor its limits raised")
    func kept() async throws {
      var plan = SandboxPlan.python(Self.escape(root))
      plan.landlock = .harmless
      plan.cgroup = CgroupPlan(memoryMax: 64 << 20)
      let sandbox = try await launcher.launch(plan)
      let exit = await sandbox.exit()
      let output = readAll(sandbox.standardOutput) + readAll(sandbox.standardError)
      #expect(output == "won: []\n", "\(exit)")
      #expect(try #require(exit.usage?.outOfMemoryKills) > 0)
      #expect(exit.usage?.memoryLimit == 64 << 20)
      // Nobody is where it would have gone to.
      #expect(access("\(root)/mine", F_OK) != 0)
    }

    @Test("can't be changed even by a root supervisor's worker that is shown the whole tree, writable")
    func shown() async throws {
      let tree = Bind(source: root, target: path("/tree"), kind: .directory, access: .readWrite)
      let script = """
        import glob, os
        own = [path for path in glob.glob("/tree/orchestrator-*/fixture/*/cgroup.procs")]
        others = ["/tree/cgroup.procs", "/tree/cgroup.subtree_control"]
        print(len(own), [path for path in own + others if os.access(path, os.W_OK)])
        """
      var plan = SandboxPlan.python(script)
      plan.filesystem.insert(.bind(tree), at: plan.filesystem.count - 1)
      plan.landlock = .harmless
      let sandbox = try await launcher.launch(plan)
      _ = await sandbox.exit()
      let output = readAll(sandbox.standardOutput) + readAll(sandbox.standardError)
      // As the user that delegated groups belong to, what isn't shown is all that protects them.
      #expect(geteuid() == 0 ? output == "0 []\n" : output.hasPrefix("1 ['/tree/"), "\(output)")
    }

    @Test("has a device program as root, and an ordinary user's plan says that it hasn't and why")
    func devices() async throws {
      guard geteuid() == 0 else {
        guard case .mounts(let why) = deviceGuard else {
          Issue.record("an ordinary user may load programs")
          return
        }
        #expect(why.contains("EPERM"))
        return
      }
      #expect(deviceGuard == .program)
      var plan = SandboxPlan.shell("sleep 60")
      plan.deviceGuard = .program
      try await DeviceAttempts(root: root).check(launcher, plan)
    }

    @Test("is removed when its supervisor has died, and 10,000 of them don't hold up the next start")
    func leftovers() async throws {
      let kernel = LinuxKernel()
      // No process has this number: pid_max is 2^22 at most.
      let dead = "\(root)/orchestrator-4194305-1-0"
      try kernel.makeDirectory(dead)
      try kernel.makeDirectory("\(dead)/plugin")
      for number in 1...10_000 { try kernel.makeDirectory("\(dead)/plugin/\(number)") }
      let clock = ContinuousClock()
      let start = clock.now
      let manager = try CgroupManager(root: root)
      let leftovers = try LeftoverCgroups(under: root)
      let started = start.duration(to: clock.now)
      await leftovers.finish(within: .seconds(120))
      print(
        "10,000 leftover groups, emulated: started after \(started), removed after \(start.duration(to: clock.now))")
      #expect(started < .seconds(1))
      #expect(access(dead, F_OK) != 0)
      try manager.close()
    }
  }
}
