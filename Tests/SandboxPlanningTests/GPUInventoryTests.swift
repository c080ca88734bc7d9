import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("The GPUs of a host")
struct GPUInventoryTests {
  @Test("are counted once, whatever the number of their names, and not as the whole that contains them")
  func distinct() throws {
    let inventory = try GPUHost.twoGPUs().inventory()
    #expect(inventory.problems.isEmpty, "\(inventory.problems)")
    #expect(inventory.gpus.map(\.reference.description) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"])
    #expect(inventory.gpus.map { $0.aliases.map(\.text) } == [["GPU-aaaa"], ["GPU-bbbb"]])
    #expect(inventory.gpus.allSatisfy { $0.source == "/etc/cdi/nvidia.yaml" })
  }

  @Test("are the instances where one is divided, not the whole beside them")
  func instances() throws {
    let inventory = try GPUHost.instances().inventory()
    #expect(inventory.problems.isEmpty, "\(inventory.problems)")
    #expect(inventory.gpus.map(\.reference.device.text) == ["0:0", "0:1"])
    #expect(inventory.gpus.map { $0.aliases.map(\.text) } == [["MIG-aaaa"], []])
    let capability = try #require(inventory.gpus[0].nodes.first { $0.minor == 66 })
    #expect(capability.access == .readOnly)
    #expect(!inventory.gpus[0].nodes.contains { $0.minor == 75 })
  }

  @Test("may share a node: two of AMD's are two")
  func shared() throws {
    let inventory = try GPUHost.amd().inventory()
    #expect(inventory.gpus.map(\.reference.description) == ["amd.com/gpu=0", "amd.com/gpu=1"])
    #expect(inventory.gpus.map { $0.nodes.map(\.target.text) }.last == ["/dev/kfd", "/dev/dri/renderD129"])
    #expect(inventory.gpus.map(\.memoryMB) == [16_384, 8192])
  }

  @Test("never lead to the display, by name or by number")
  func display() throws {
    var host = try GPUHost.twoGPUs()
    for gpu in host.inventory().gpus {
      #expect(!gpu.nodes.contains { $0.target.text.contains("modeset") || $0.target.text.contains("card") })
      #expect(gpu.notes.contains { $0.contains("/dev/nvidia-modeset is not shown") })
    }
    // What isn't shown need not be there.
    host.paths.found[try path("/dev/nvidia-modeset")] = nil
    #expect(host.inventory().gpus.count == 2)
    // Under a name of the file's own choosing.
    host = try GPUHost(
      """
      cdiVersion: 0.5.0
      kind: a.com/gpu
      devices: [{name: "0", containerEdits: {deviceNodes: [{path: /dev/x}, {path: /dev/m}, {path: /dev/c}]}}]
      """)
    try host.device("/dev/x", 195, 0)
    try host.device("/dev/m", 195, 254)
    try host.device("/dev/c", 226, 127)
    #expect(try #require(host.inventory().gpus.first).nodes.map(\.target.text) == ["/dev/x"])
  }

  @Test("don't bring the sockets of the host's daemons")
  func sockets() throws {
    let gpu = try #require(try GPUHost.twoGPUs().inventory().gpus.first)
    #expect(!gpu.mounts.contains { $0.target.text.hasPrefix("/run") })
    #expect(gpu.notes.contains { $0.contains("/run/nvidia-persistenced/socket is not shown") })
    #expect(gpu.notes.contains { $0.contains("enable-cuda-compat") })
  }

  @Test(
    "are refused whole where something of them can't be had",
    arguments: [
      ("deviceNodes: [{path: /dev/gone}]", "/dev/gone isn't there"),
      ("deviceNodes: [{path: /dev/file}]", "no character device"),
      ("deviceNodes: [{path: /dev/g, type: b}]", "no character device"),
      ("deviceNodes: [{path: /dev/g, type: p}]", "no character device"),
      ("deviceNodes: [{path: /dev/g, major: 195, minor: 7}]", "is the device 195:0, not 195:7"),
      ("deviceNodes: [{path: /dev/secret}]", "can't read /dev/secret"),
      ("deviceNodes: [{path: /tmp/g, hostPath: /dev/g}]", "doesn't lie in /dev"),
      ("deviceNodes: [{path: /dev, hostPath: /dev/g}]", "doesn't lie in /dev"),
      ("deviceNodes: [{path: /dev/g}], mounts: [{hostPath: /gone, containerPath: /opt/x}]", "/gone isn't there"),
      (
        "deviceNodes: [{path: /dev/g}], mounts: [{hostPath: /dev/g, containerPath: /opt/x}]",
        "a device among the mounts"
      ),
      (
        "deviceNodes: [{path: /dev/g}], mounts: [{hostPath: /dev/file, containerPath: /opt/x, type: tmpfs}]",
        "a mount of the type 'tmpfs'"
      ),
      ("deviceNodes: [{path: /dev/nvidia-modeset}]", "none of its nodes is one to compute with"),
      ("env: [A=b]", "names none"),
      ("deviceNodes: [{path: /dev/g}], intelRdt: {closID: x}", "intelRdt"),
    ])
  func refused(edits: String, problem: String) throws {
    var host = try GPUHost(
      """
      cdiVersion: 0.7.0
      kind: a.com/gpu
      devices: [{name: "0", containerEdits: {\(edits)}}]
      """)
    try host.device("/dev/g", 195, 0)
    try host.device("/dev/secret", 195, 1, access: [])
    try host.file("/dev/file")
    let inventory = host.inventory()
    #expect(inventory.gpus.isEmpty)
    let text = inventory.problems.map(\.description).joined(separator: "\n")
    #expect(text.contains(problem), "\(text)")
  }

  @Test(
    "that name groups are whole without them where their nodes are open to all, and refused otherwise: no group is joined",
    arguments: [
      ("rw", "rwm", ""), ("r", "r", ""),
      ("r", "rw", "/dev/dri/renderD128 can only be written to by groups (additionalGids: 44, 105)"),
      ("", "rw", "can't read /dev/dri/renderD128, and a worker joins no groups (additionalGids)"),
    ])
  func groups(open: String, wanted: String, problem: String) throws {
    var host = try GPUHost(
      """
      cdiVersion: 0.7.0
      kind: a.com/gpu
      devices:
        - name: "0"
          containerEdits: {deviceNodes: [{path: /dev/dri/renderD128, permissions: \(wanted)}], additionalGids: [44, 105]}
      """)
    var access: DeviceAccess = []
    if open.contains("r") { access.insert(.read) }
    if open.contains("w") { access.insert(.write) }
    try host.device("/dev/dri/renderD128", 226, 128, access: access)
    let inventory = host.inventory()
    guard !problem.isEmpty else {
      let gpu = try #require(inventory.gpus.first, "\(inventory.problems)")
      #expect(gpu.notes == ["its groups are not joined: its nodes are open to all users that plugins run as"])
      return
    }
    #expect(inventory.gpus.isEmpty)
    let text = inventory.problems.map(\.description).joined(separator: "\n")
    #expect(text.contains(problem) && text.contains("MODE=\"0666\""), "\(text)")
  }

  @Test("that two files of one directory describe are nobody's, and said so")
  func conflict() throws {
    var host = try GPUHost.twoGPUs()
    host.files.append(try GPUHost.file(GPUHost.nvidia, path: "/etc/cdi/other.yaml"))
    let inventory = host.inventory()
    #expect(inventory.gpus.isEmpty)
    #expect(inventory.problems.contains { $0.why == "by /etc/cdi/nvidia.yaml and /etc/cdi/other.yaml" })
    #expect(CDIRegistry(host.files).describes(.nvidiaGPU))
  }

  @Test("are counted once where two kinds, or two paths, describe the same devices")
  func twice() throws {
    var host = try GPUHost.twoGPUs()
    let again = GPUHost.nvidia.replacing("kind: nvidia.com", with: "kind: k8s.device-plugin.nvidia.com")
    host.files.insert(try GPUHost.file(again, path: "/var/run/cdi/k8s.yaml", rank: 1), at: 0)
    let other = GPUHost.nvidia.replacing("hostPath: /dev/nvidia0", with: "hostPath: /driver/dev/nvidia0")
      .replacing("name: \"0\"", with: "name: zero").replacing("name: \"1\"", with: "name: one")
      .replacing("name: GPU-", with: "name: UUID-")
    host.files.append(try GPUHost.file(other, path: "/var/run/cdi/other.yaml", rank: 1))
    try host.device("/driver/dev/nvidia0", 195, 0, at: "/driver/dev/nvidia0")
    let inventory = host.inventory()
    #expect(inventory.gpus.map(\.reference.description) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"])
    #expect(inventory.gpus.first?.aliases.map(\.text).contains("zero") == true)
    #expect(inventory.problems.map(\.what) == ["the devices of k8s.device-plugin.nvidia.com/gpu are not counted"])
  }

  @Test("other kinds of device are none")
  func otherKinds() throws {
    var host = try GPUHost(
      "cdiVersion: 0.5.0\nkind: vendor.com/nic\ndevices: [{name: a, containerEdits: {deviceNodes: [{path: /dev/g}]}}]")
    try host.device("/dev/g", 1, 1)
    #expect(host.inventory() == GPUInventory(hostLibraries: host.inventory().hostLibraries))
  }

  @Test("are those of one vendor, and have the memory that is asked for where it is known")
  func demands() throws {
    var host = try GPUHost.amd()
    let nvidia = try GPUHost.twoGPUs()
    host.files += nvidia.files
    host.paths.found.merge(nvidia.paths.found) { first, _ in first }
    let inventory = host.inventory()
    #expect(inventory.gpus.count == 4)
    #expect(inventory.candidates(for: GPUDemand(count: 3)) == nil)
    #expect(
      inventory.candidates(for: GPUDemand(count: 2))?.map(\.reference.kind.text) == ["amd.com/gpu", "amd.com/gpu"])
    let large = GPUDemand(count: 1, memoryMB: 10_000)
    #expect(inventory.candidates(for: large)?.map(\.reference.description) == ["amd.com/gpu=0"])
    let place = SourceLocation(file: "w.yaml", line: 7, column: 3)
    let refusal = try #require(
      inventory.refusal(of: GPUDemand(count: 3), subject: "the node 'train'", at: place))
    #expect(refusal.what == "the node 'train' asks for 3 GPUs")
    #expect(refusal.why?.contains("nvidia.com/gpu=1 (/etc/cdi/nvidia.yaml") == true)
    #expect(refusal.location == place)
    #expect(GPUInventory().refusal(of: large, subject: "a node")?.why == "this host has no GPU that a plugin can use")
  }

  @Test("instances of divided GPUs are known by their nodes or by their names, and are none that can be shared")
  func instanceNames() throws {
    let names = ["0:1", "mig0:1", "1:2:0", "MIG-5a1b", "0", "gpu0", "GPU-5a1b", "all", "mig", "a:1", "0:", ":1", "0:x"]
    #expect(names.filter { CDIDeviceName(unchecked: $0).namesInstance } == Array(names.prefix(4)))
    var host = try GPUHost(
      "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices: [{name: '0:1', containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}}]"
    )
    try host.device("/dev/nvidia0", 195, 0)
    #expect(host.inventory().gpus.map(\.isInstance) == [true])
    #expect(host.inventory().candidates(for: GPUDemand(count: 1))?.count == 1)
    let half = GPUDemand(count: 1, milli: 500)
    #expect(host.inventory().candidates(for: half) == nil)
    #expect(host.inventory().refusal(of: half, subject: "a node")?.what == "a node asks for 0.5 of a GPU")
    #expect(try GPUHost.instances().inventory().gpus.contains(where: \.isInstance))
    #expect(try GPUHost.twoGPUs().inventory().gpus.allSatisfy { !$0.isInstance })
  }

  @Test("what a demand may get is the same where model, driver and memory are, and unknown where model or driver is")
  func identities() throws {
    let host = try GPUHost.twoGPUs()
    let numbers = [DeviceNumber(major: 195, minor: 0), DeviceNumber(major: 195, minor: 1)]
    func identity(_ models: [String], driver: String? = "550.54.15", count: Int = 1) throws -> JSONValue? {
      var host = host
      host.paths.models = Dictionary(uniqueKeysWithValues: zip(numbers, models))
      if let driver { host.paths.drivers = Dictionary(uniqueKeysWithValues: numbers.map { ($0, driver) }) }
      return host.inventory().identity(for: GPUDemand(count: count))
    }
    let first = try #require(try identity(["A100", "A100"]))
    #expect(try identity(["A100", "A100"], count: 2) == first)
    #expect(try identity(["A100", "H100"]) != first)
    #expect(try identity(["A100", "A100"], driver: "560.1") != first)
    #expect(try identity(["A100"]) == nil, "nobody knows the other")
    #expect(try identity([]) == nil)
    // The name of the library says it, where the driver doesn't.
    #expect(try identity(["A100", "A100"], driver: nil) != nil)
    #expect(host.inventory().gpus.map(\.driver) == ["550.54", "550.54"])
    #expect(try identity(["A100", "A100"], count: 3) == nil)
  }

  // MARK: NVIDIA's driver

  private static let devices = """
    Character devices:
      1 mem
    195 nvidia
    195 nvidiactl
    508 nvidia-caps
    511 nvidia-uvm

    Block devices:
    259 blkext
    """
  private static func information(_ minor: Int, excluded: String = "No") -> String {
    "Model: \t\t NVIDIA A100\nGPU UUID: \t GPU-0a\(minor)\nBus Location: \t 0000:0\(minor):00.0\nDevice Minor: \t \(minor)\nGPU Excluded:\t \(excluded)\n"
  }

  @Test("are found at NVIDIA's driver, too: the nodes and what controls them, and not the display")
  func driver() throws {
    let driver = NVIDIADriver(
      information: [
        "/proc/a": Self.information(1), "/proc/b": Self.information(0), "/proc/c": Self.information(2, excluded: "Yes"),
      ],
      devices: Self.devices)
    let (candidates, problems) = driver.gpus()
    #expect(problems.isEmpty)
    #expect(candidates.map(\.reference.description) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"])
    #expect(candidates.map { $0.aliases.map(\.text) } == [["GPU-0a0"], ["GPU-0a1"]])
    #expect(candidates[0].source == "/proc/b")
    let nodes = candidates[1].edits.deviceNodes.map { "\($0.path) \($0.major ?? 0):\($0.minor ?? 0)" }
    #expect(nodes == ["/dev/nvidia1 195:1", "/dev/nvidiactl 195:255", "/dev/nvidia-uvm 511:0"])
  }

  @Test("are the instances that exist, by the numbers that the driver names")
  func driverInstances() throws {
    let driver = NVIDIADriver(
      information: ["/proc/a": Self.information(0)], devices: Self.devices,
      instanceMinors:
        "config 1\nmonitor 2\ngpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\ngpu0/gi2/access 21\ngpu0/gi2/ci0/access 22\n",
      instances: ["gpu0/gi2/ci0", "gpu0/gi1/ci0"])
    let (candidates, problems) = driver.gpus()
    #expect(problems.isEmpty)
    #expect(candidates.map(\.reference.device.text) == ["0:1:0", "0:2:0"])
    let nodes = candidates[1].edits.deviceNodes
    #expect(
      nodes.map(\.path.text) == [
        "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap21", "/dev/nvidia-caps/nvidia-cap22", "/dev/nvidiactl",
        "/dev/nvidia-uvm",
      ])
    #expect(nodes[1].access == .read && nodes[1].major == 508)
  }

  @Test(
    "are refused where the driver is incomplete",
    arguments: [
      ("Character devices:\n195 nvidia\n", "", "nvidia-uvm has no device number"),
      ("Block devices:\n195 nvidia\n511 nvidia-uvm\n", "", "nvidia has no device number"),
      (devices, "gpu0/gi1/access 12", "names no device for gpu0/gi1/ci0/access"),
    ])
  func incompleteDriver(devices: String, minors: String, problem: String) {
    let driver = NVIDIADriver(
      information: ["/proc/a": Self.information(0)], devices: devices, instanceMinors: minors,
      instances: minors.isEmpty ? [] : ["gpu0/gi1/ci0"])
    let (candidates, problems) = driver.gpus()
    #expect(candidates.isEmpty)
    #expect(problems.count == 1 && problems[0].what.contains(problem), "\(problems)")
  }
}
