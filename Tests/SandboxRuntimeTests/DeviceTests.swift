import Foundation
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

extension RealSandboxes {
  @Suite("Devices", .enabled(if: Harness.hasDevicePrograms))
  struct DeviceTests {
    @Test(
      "are denied by the kernel in a worker's group to everyone, root with its own nodes included, but for the plan's")
    func denied() async throws {
      var plan = SandboxPlan.shell("sleep 60")
      plan.deviceGuard = .program
      let harness = try Harness()
      try await DeviceAttempts(root: try #require(Harness.cgroupRoot)).check(harness.launcher, plan)
    }

    @Test("are opened in the group of a worker whose plan has no program, so it is the program that denies them")
    func allowed() async throws {
      let sandbox = try await Harness().launcher.launch(.shell("sleep 60"))
      let attempts = DeviceAttempts(root: try #require(Harness.cgroupRoot))
      let answers = try attempts.answers(inGroup: try #require(sandbox.enforcement.cgroup))
      sandbox.kill()
      #expect(answers == DeviceAttempts.withoutProgram)
      _ = await sandbox.exit()
    }

    @Test("programs of every size are taken by the kernel's verifier")
    func verified() throws {
      let kernel = LinuxKernel()
      let numbers: [UInt32] = [0, 1, 255, 4095, 0x7FFF_FFFF, 0x8000_0000, .max]
      let accesses = (1...7).map { DeviceAccess(rawValue: $0) }
      for count in [0, 1, 2, 12, 100, 500] {
        let rules = (0..<count).map { index in
          DeviceRule(
            index % 3 == 0 ? .block : .character, numbers[index % 7], index % 5 == 0 ? nil : numbers[index / 7 % 7],
            accesses[index % 7])
        }
        try kernel.loadDeviceProgram(DeviceProgram(rules: rules).bytes).close()
      }
      // And not because it takes anything: a program that falls off its end.
      #expect(throws: SystemError.self) {
        try kernel.loadDeviceProgram(Array(DeviceProgram(rules: []).bytes.dropLast(8)))
      }
    }

    @Test("programs are checked once for all workers that see the same devices")
    func cached() throws {
      let programs = DevicePrograms()
      let kernel = RecordingKernel()
      let rule = DeviceRule(.character, 1, 3, .read)
      let first = try programs.loaded(DeviceProgram(rules: [rule]), kernel)
      #expect(try programs.loaded(DeviceProgram(rules: [rule]), kernel) === first)
      #expect(try programs.loaded(DeviceProgram(rules: []), kernel) !== first)
      #expect(kernel.effects == [.loadDeviceProgram, .loadDeviceProgram])
    }

    @Test("of a plan that wants a program are refused where there is no cgroup to attach it to")
    func withoutGroup() async throws {
      let launcher = try SandboxLauncher(
        initProgram: Harness.initProgram, cgroups: try CgroupManager(root: nil), loop: EventLoop())
      var plan = SandboxPlan.shell("true")
      plan.deviceGuard = .program
      await #expect(throws: LaunchError.self) { _ = try await launcher.launch(plan) }
    }
  }
}

/// What a process of the host's root finds when it has gone into a worker's group: nodes of its own and those of /dev.
struct DeviceAttempts {
  var root: AbsolutePath

  /// An error number each, or 0.
  private static let script = """
    import os, stat, sys, tempfile
    directory = tempfile.mkdtemp(dir=sys.argv[2])
    log = os.path.join(directory, "log")
    os.mknod(log, stat.S_IFCHR | 0o600, os.makedev(1, 11))
    with open(sys.argv[1] + "/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
    def attempt(action):
        try:
            action()
            return 0
        except OSError as error:
            return error.errno
    print(attempt(lambda: os.close(os.open("/dev/null", os.O_RDWR))),
        attempt(lambda: os.close(os.open("/dev/zero", os.O_RDONLY))),
        attempt(lambda: os.close(os.open("/dev/kmsg", os.O_RDONLY))),
        attempt(lambda: os.close(os.open(log, os.O_RDONLY))),
        attempt(lambda: os.mknod(log + "2", stat.S_IFCHR, os.makedev(1, 3))))
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    os.rmdir(directory)
    """

  static let withProgram = "0 0 \(EPERM) \(EPERM) \(EPERM)\n"
  static let withoutProgram = "0 0 0 0 0\n"

  func answers(inGroup name: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    // The one place whose mount lets devices be opened on every host.
    process.arguments = ["-I", "-c", Self.script, "\(root)/\(name)", "/dev"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    defer { process.waitUntilExit() }
    return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  /// `plan` wants a device program and sees null and zero.
  func check(_ launcher: SandboxLauncher, _ plan: SandboxPlan) async throws {
    let sandbox = try await launcher.launch(plan)
    #expect(sandbox.enforcement.deviceGuard == .program)
    #expect(try answers(inGroup: try #require(sandbox.enforcement.cgroup)) == Self.withProgram)
    sandbox.kill()
    #expect(await sandbox.exit().cleanupErrors == [])
  }
}
