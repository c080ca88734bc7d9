import Foundation
import PluginModel
import SandboxPlanning

@testable import LinuxSystem
@testable import SandboxRuntime

/// A path that the test wrote itself.
func path(_ text: String) -> AbsolutePath {
  guard let path = AbsolutePath(text) else { preconditionFailure("not an absolute path: \(text)") }
  return path
}

/// Hand-made filters: `struct sock_filter` as code, jump if true, jump if false, operand.
enum Filter {
  static let allowAll = bytes([(0x06, 0, 0, 0x7FFF_0000)])
  /// execve and execveat notify, all else is allowed.
  static var notifyExecution: [UInt8] {
    #if arch(x86_64)
      let (execve, execveat): (UInt32, UInt32) = (59, 322)
    #else
      let (execve, execveat): (UInt32, UInt32) = (221, 281)
    #endif
    return bytes([
      (0x20, 0, 0, 0), (0x15, 1, 0, execve), (0x15, 0, 1, execveat), (0x06, 0, 0, 0x7FC0_0000),
      (0x06, 0, 0, 0x7FFF_0000),
    ])
  }
  static func bytes(_ instructions: [(UInt16, UInt8, UInt8, UInt32)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (code, yes, no, operand) in instructions {
      withUnsafeBytes(of: code.littleEndian) { bytes.append(contentsOf: $0) }
      bytes += [yes, no]
      withUnsafeBytes(of: operand.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}

extension SandboxPlan {
  /// A whole root around the host's /usr, for a command of /bin/sh's kind. What a test is about, it changes.
  static func fixture(
    _ command: [String], execution: ExecutionRule = .allowed, adding operations: [FilesystemOperation] = []
  ) -> SandboxPlan {
    let isRoot = effectiveUserIdentifier() == 0
    func device(_ name: String, _ minor: UInt32) -> FilesystemOperation {
      .bind(
        Bind(
          source: path("/dev/\(name)"), target: path("/dev/\(name)"), kind: .characterDevice(major: 1, minor: minor),
          access: .readWrite))
    }
    return SandboxPlan(
      plugin: PluginName(unchecked: "fixture"), hostname: "worker", namespaces: Namespace.allCases,
      identity: Identity(
        userInside: 1000, groupInside: 1000, userOnHost: isRoot ? 70_001 : effectiveUserIdentifier(),
        groupOnHost: isRoot ? 70_001 : effectiveGroupIdentifier()),
      filesystem: [
        .temporaryFilesystem(path("/"), TemporaryFilesystem(sizeBytes: 1 << 20, inodes: 1000, mode: 0o755)),
        .bind(Bind(source: path("/usr"), target: path("/usr"), kind: .directory, executable: true)),
        .symbolicLink(path("/bin"), destination: "usr/bin"), .symbolicLink(path("/lib"), destination: "usr/lib"),
        .symbolicLink(path("/lib64"), destination: "usr/lib64"), .symbolicLink(path("/sbin"), destination: "usr/sbin"),
        .file(path("/etc/passwd"), contents: "worker:x:1000:1000::/:/bin/sh\n"),
        .temporaryFilesystem(path("/tmp"), TemporaryFilesystem(sizeBytes: 1 << 20, inodes: 100, mode: 0o1777)),
        .directory(path("/dev")), device("null", 3), device("zero", 5), .process(path("/proc")),
      ] + operations + [.makeReadOnly(path("/"))],
      landlock: LandlockPlan(
        abi: 1, handledFilesystem: 0x1FFF, handledNetwork: 0, scoped: 0,
        rules: [
          LandlockPlan.Rule(path: path("/usr"), allowed: 0x000D), LandlockPlan.Rule(path: path("/"), allowed: 0x000C),
          LandlockPlan.Rule(path: path("/tmp"), allowed: 0x1FFE),
          LandlockPlan.Rule(path: path("/dev"), allowed: 0x0006),
        ]),
      seccomp: SeccompPlan(
        program: execution == .workerOnly ? Filter.notifyExecution : Filter.allowAll, profile: "fixture",
        allowed: [], denied: []),
      execution: execution,
      limits: [ResourceLimit(.coreSize, 0), ResourceLimit(.openFiles, 256)],
      environment: [EnvironmentVariable("PATH", "/usr/bin:/bin")], command: command, workingDirectory: path("/tmp"),
      permissions: [])
  }

  static func shell(
    _ script: String, execution: ExecutionRule = .allowed, adding operations: [FilesystemOperation] = []
  ) -> SandboxPlan {
    fixture(["/bin/sh", "-c", script], execution: execution, adding: operations)
  }

  /// For what a shell can't ask of the kernel.
  static func python(_ script: String) -> SandboxPlan { fixture(["/usr/bin/python3", "-I", "-c", script]) }
}

extension LandlockPlan {
  /// Denies nothing but making block devices, which no worker may anyhow: for tests of what else holds.
  static let harmless = LandlockPlan(abi: 1, handledFilesystem: 1 << 11, handledNetwork: 0, scoped: 0, rules: [])
}

/// A launcher for real sandboxes, and what a whole run of one gave.
struct Harness {
  let launcher: SandboxLauncher
  let cgroups: CgroupManager

  init() throws {
    cgroups = try CgroupManager(root: Harness.cgroupRoot)
    launcher = try SandboxLauncher(initProgram: Harness.initProgram, cgroups: cgroups, loop: EventLoop())
  }

  struct Outcome {
    var exit: SandboxExit
    var output: String
    var error: String
    var enforcement: Enforcement
  }

  func run(_ plan: SandboxPlan) async throws -> Outcome {
    let sandbox = try await launcher.launch(plan)
    let exit = await sandbox.exit()
    return Outcome(
      exit: exit, output: readAll(sandbox.standardOutput), error: readAll(sandbox.standardError),
      enforcement: sandbox.enforcement)
  }

  static let cgroupRoot: AbsolutePath? =
    access("/sys/fs/cgroup/unified", W_OK) == 0 ? path("/sys/fs/cgroup/unified") : nil

  static let hasDevicePrograms = cgroupRoot != nil && HostInspector.facts().deviceGuard == .program

  /// Built beside the tests.
  static var initProgram: AbsolutePath {
    let arguments = CommandLine.arguments
    let bundle = arguments.first { $0.hasSuffix(".xctest") } ?? arguments[0]
    let executable = bundle.hasPrefix("/") ? bundle : FileManager.default.currentDirectoryPath + "/" + bundle
    return path(
      URL(fileURLWithPath: executable).deletingLastPathComponent().appendingPathComponent("sandbox-init").path)
  }
}

/// What was written and is still in the pipe.
func readAll(_ descriptor: FileDescriptor) -> String {
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(descriptor.number, &buffer, buffer.count)
    if count <= 0 { return String(decoding: text, as: UTF8.self) }
    text += buffer.prefix(count)
  }
}
