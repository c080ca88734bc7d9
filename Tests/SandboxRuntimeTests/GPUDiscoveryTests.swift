import Foundation
import PluginModel
import SandboxPlanning
import Testing

@testable import LinuxSystem
@testable import SandboxRuntime

/// A host made of files: a directory with `cdi`, `proc`, `sys` and `dev`.
private final class MadeHost {
  let root = "/var/tmp/orchestrator-gpus-\(UUID().uuidString)"

  init() throws {
    for name in ["cdi", "run", "proc", "sys", "dev"] { try directory(name) }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func directory(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(root)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  func write(_ name: String, _ text: String, permissions: mode_t = 0o644) throws {
    try directory((name as NSString).deletingLastPathComponent)
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(name)"))
    try #require(chmod("\(root)/\(name)", permissions) == 0)
  }

  /// Root makes a node of its own; whoever isn't root gets a link to one that there is.
  func device(_ name: String, minor: UInt32, permissions: mode_t = 0o666) throws {
    try directory("dev/" + (name as NSString).deletingLastPathComponent)
    let path = "\(root)/dev/\(name)"
    if geteuid() == 0 {
      try #require(mknod(path, S_IFCHR | permissions, makedev(1, minor)) == 0, "mknod: \(errno)")
      try #require(chmod(path, permissions) == 0)
    } else {
      let existing = try #require([3: "null", 5: "zero", 7: "full", 8: "random", 9: "urandom"][minor])
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/\(existing)")
    }
  }

  func inventory() -> GPUInventory {
    GPUDiscovery(
      GPUDiscovery.Places(
        directories: ["cdi", "run"].map { path("\(root)/\($0)") }, processes: "\(root)/proc", system: "\(root)/sys",
        devices: path("\(root)/dev"))
    ).inventory()
  }

  func description(_ node: String = "g0", name: String = "0") -> String {
    "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n"
      + "devices: [{name: \"\(name)\", containerEdits: {deviceNodes: [{path: /dev/nvidia0, hostPath: \(root)/dev/\(node)}]}}]\n"
  }
}

private func makedev(_ major: UInt32, _ minor: UInt32) -> dev_t { dev_t(major) << 8 | dev_t(minor) }

@Suite("Looking for GPUs")
struct GPUDiscoveryTests {
  @Test("finds those that files of the CDI directories describe, and what their nodes are")
  func files() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.write("cdi/nvidia.yaml", host.description())
    try host.write("cdi/README", "not a description")
    try host.write("cdi/deeper/other.yaml", host.description(name: "9"))
    let inventory = host.inventory()
    #expect(inventory.problems.isEmpty, "\(inventory.problems)")
    let gpu = try #require(inventory.gpus.first)
    #expect(gpu.source == "\(host.root)/cdi/nvidia.yaml")
    #expect(gpu.nodes.map { "\($0.target) \($0.major):\($0.minor)" } == ["/dev/nvidia0 1:5"])
    #expect(inventory.gpus.count == 1)
    #expect(inventory.hostLibraries?.hostEntries.isEmpty == false)
  }

  @Test("a later directory wins")
  func precedence() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.device("g1", minor: 9)
    try host.write("cdi/a.yaml", host.description())
    try host.write(
      "run/a.json",
      "{\"cdiVersion\": \"0.5.0\", \"kind\": \"nvidia.com/gpu\", \"devices\": [{\"name\": \"0\", \"containerEdits\": {\"deviceNodes\": [{\"path\": \"/dev/nvidia0\", \"hostPath\": \"\(host.root)/dev/g1\"}]}}]}"
    )
    #expect(host.inventory().gpus.map(\.source) == ["\(host.root)/run/a.json"])
    #expect(host.inventory().gpus.first?.nodes.first?.minor == 9)
  }

  @Test("a bad file is told with its line, and takes nothing from the others")
  func broken() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.write(
      "cdi/bad.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n  - {name: x, containerEdit: {}}\n")
    try host.write("cdi/good.yaml", host.description())
    let inventory = host.inventory()
    #expect(inventory.gpus.count == 1)
    let problem = try #require(inventory.problems.first { $0.what.contains("containerEdit") })
    #expect(problem.location?.file == "\(host.root)/cdi/bad.yaml" && problem.location?.line == 4)
  }

  @Test("believes no file that others may write, and follows no link to one")
  func untrusted() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.write("cdi/open.yaml", host.description(), permissions: 0o666)
    #expect(host.inventory().gpus.isEmpty)
    #expect(host.inventory().problems.contains { $0.what.hasSuffix("open.yaml can't be trusted") })
    try host.write("cdi/open.yaml", host.description(), permissions: 0o644)
    #expect(host.inventory().gpus.count == 1)
    try host.write("elsewhere.yaml", host.description())
    try FileManager.default.removeItem(atPath: "\(host.root)/cdi/open.yaml")
    try FileManager.default.createSymbolicLink(
      atPath: "\(host.root)/cdi/link.yaml", withDestinationPath: "../elsewhere.yaml")
    #expect(host.inventory().gpus.isEmpty)
    #expect(host.inventory().problems.contains { $0.why?.contains("not a regular file") == true })
    try FileManager.default.removeItem(atPath: "\(host.root)/cdi/link.yaml")
    try host.write("cdi/ok.yaml", host.description())
    try #require(chmod("\(host.root)/cdi", 0o777) == 0)
    #expect(host.inventory().gpus.isEmpty)
    #expect(host.inventory().problems.first?.why == "others may write to it")
  }

  @Test("reads no file that is larger than any description, nor a pipe")
  func bounded() throws {
    let host = try MadeHost()
    try host.write("cdi/large.yaml", String(repeating: "#", count: 5 << 20))
    try #require(mkfifo("\(host.root)/cdi/pipe.yaml", 0o644) == 0)
    let problems = host.inventory().problems
    #expect(problems.contains { $0.why?.contains("larger than") == true })
    #expect(problems.contains { $0.why?.contains("not a regular file") == true })
  }

  @Test("a node that the plugins' users can't read is none of theirs", .enabled(if: geteuid() == 0))
  func unreadableNode() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5, permissions: 0o660)
    try host.write("cdi/nvidia.yaml", host.description())
    #expect(host.inventory().gpus.isEmpty)
    #expect(host.inventory().problems.first?.hint?.contains("udev") == true)
  }

  @Test("asks NVIDIA's driver where no file describes its GPUs: instances, too")
  func driver() throws {
    let host = try MadeHost()
    // Nodes of the driver's numbers, which need no driver as long as nobody opens them.
    func node(_ name: String, _ major: UInt32, _ minor: UInt32) throws {
      try host.directory("dev/nvidia-caps")
      try #require(mknod("\(host.root)/dev/\(name)", S_IFCHR | 0o666, makedev(major, minor)) == 0, "mknod: \(errno)")
      try #require(chmod("\(host.root)/dev/\(name)", 0o666) == 0)
    }
    for (number, bus) in ["0000:01:00.0", "0000:02:00.0"].enumerated() {
      try host.write(
        "proc/driver/nvidia/gpus/\(bus)/information",
        "Model: \t\t NVIDIA A100\nGPU UUID: \t GPU-0\(number)\nDevice Minor: \t \(number)\nGPU Excluded:\t No\n")
    }
    try host.write(
      "proc/driver/nvidia/version",
      "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  12.2.0\n")
    try host.write(
      "proc/devices", "Character devices:\n195 nvidia\n508 nvidia-caps\n511 nvidia-uvm\n\nBlock devices:\n")
    try host.write(
      "proc/driver/nvidia-caps/mig-minors", "gpu1/gi1/access 12\ngpu1/gi1/ci0/access 13\ngpu1/gi2/access 21\n")
    try host.directory("proc/driver/nvidia/capabilities/gpu0/mig")
    try host.directory("proc/driver/nvidia/capabilities/gpu1/mig/gi1/ci0")
    guard geteuid() == 0 else {
      // Without the nodes there is nothing to give.
      #expect(host.inventory().gpus.isEmpty)
      #expect(host.inventory().problems.contains { $0.why?.contains("/dev/nvidia0 isn't there") == true })
      return
    }
    for (name, major, minor) in [
      ("nvidia0", 195, 0), ("nvidia1", 195, 1), ("nvidiactl", 195, 255), ("nvidia-uvm", 511, 0),
      ("nvidia-caps/nvidia-cap12", 508, 12), ("nvidia-caps/nvidia-cap13", 508, 13),
    ] as [(String, UInt32, UInt32)] {
      try node(name, major, minor)
    }
    let inventory = host.inventory()
    #expect(inventory.problems.isEmpty, "\(inventory.problems)")
    #expect(inventory.gpus.map(\.reference.description) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1:1:0"])
    #expect(
      inventory.gpus.last?.nodes.map(\.target.lastComponent) == [
        "nvidia1", "nvidia-cap12", "nvidia-cap13", "nvidiactl", "nvidia-uvm",
      ])
    #expect(inventory.gpus.first?.source.hasSuffix("0000:01:00.0/information") == true)
    #expect(inventory.gpus.map(\.model) == ["NVIDIA A100", "NVIDIA A100"])
    #expect(inventory.gpus.map(\.driver) == ["550.54.15", "550.54.15"])
    // A description decides, where there is one.
    try host.device("g0", minor: 5)
    try host.write("cdi/nvidia.yaml", host.description())
    #expect(host.inventory().gpus.map(\.source) == ["\(host.root)/cdi/nvidia.yaml"])
  }

  @Test("knows the memory that amdgpu tells")
  func memory() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.write("cdi/amd.yaml", host.description().replacingOccurrences(of: "nvidia.com", with: "amd.com"))
    try host.write("sys/dev/char/1:5/device/mem_info_vram_total", "17163091968\n")
    #expect(host.inventory().gpus.map(\.memoryMB) == [16_368])
    #expect(host.inventory().gpus.map(\.model) == [nil])
    try host.write("sys/dev/char/1:5/device/vendor", "0x1002\n")
    try host.write("sys/dev/char/1:5/device/device", "0x740c\n")
    try host.write("proc/sys/kernel/osrelease", "6.12.1\n")
    #expect(host.inventory().gpus.map(\.model) == ["0x1002:0x740c"])
    #expect(host.inventory().gpus.map(\.driver) == ["6.12.1"])
  }

  @Test("reads the names of libraries in the directories that hooks would have indexed")
  func libraries() throws {
    let host = try MadeHost()
    try host.device("g0", minor: 5)
    try host.directory("driver/lib64")
    let library = try #require(
      ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/liblzma.so.5" }.first(where: FileManager.default.fileExists)
    )
    try Data(contentsOf: URL(fileURLWithPath: library)).write(
      to: URL(fileURLWithPath: "\(host.root)/driver/lib64/libdriver.so.1.2.3"))
    try host.write(
      "cdi/a.yaml",
      """
      cdiVersion: 0.5.0
      kind: a.com/gpu
      devices:
        - name: "0"
          containerEdits:
            deviceNodes: [{path: /dev/g, hostPath: \(host.root)/dev/g0}]
            mounts: [{hostPath: \(host.root)/driver, containerPath: /usr/local/driver}]
            hooks: [{hookName: createContainer, path: /bin/hook, args: [hook, update-ldcache, --folder=/usr/local/driver/lib64]}]
      """)
    let mount = try #require(host.inventory().gpus.first?.mounts.first)
    #expect(mount.kind == .directory)
    #expect(
      mount.libraries == [
        GPU.Library(path: path("/usr/local/driver/lib64/libdriver.so.1.2.3"), soname: "liblzma.so.5")
      ])
  }

  @Test("finds none on a host without any, and says nothing")
  func none() throws {
    #expect(try MadeHost().inventory() == GPUInventory())
  }
}
