import PluginModel
import Testing

@testable import SandboxPlanning

/// Hosts with GPUs, as files and what lies at their paths.
struct GPUHost {
  var files: [CDIRegistry.File]
  var paths = HostPaths()

  init(_ text: String, path: String = "/etc/cdi/gpu.yaml") throws {
    files = [try Self.file(text, path: path)]
  }

  static func file(_ text: String, path: String, rank: Int = 0) throws -> CDIRegistry.File {
    CDIRegistry.File(
      path: path, rank: rank,
      content: .success(try CDISpecification(bytes: Array(text.utf8), file: path, syntax: .yaml)))
  }

  /// A device at its own path.
  mutating func device(
    _ path: String, _ major: UInt32, _ minor: UInt32, access: DeviceAccess = [.read, .write], at other: String? = nil
  ) throws {
    paths.found[try SandboxPlanningTests.path(path)] = .characterDevice(
      at: try SandboxPlanningTests.path(other ?? path), major: major, minor: minor, access: access)
  }

  mutating func file(_ path: String, soname: String? = nil, at other: String? = nil) throws {
    paths.found[try SandboxPlanningTests.path(path)] = .file(
      at: try SandboxPlanningTests.path(other ?? path), soname: soname)
  }

  func inventory() -> GPUInventory {
    let (candidates, problems) = CDIRegistry(files).gpus()
    return GPUInventory(
      candidates, host: paths, problems: problems,
      hostLibraries: LoaderCache([
        LoaderCache.Entry(name: "libz.so.1", path: "/usr/lib/x86_64-linux-gnu/libz.so.1", flags: 0x303)
      ]))
  }

  /// As NVIDIA's tool writes it, with a driver that wasn't installed into the system's directories.
  static let nvidia = """
    cdiVersion: 0.5.0
    kind: nvidia.com/gpu
    containerEdits:
      env: [NVIDIA_VISIBLE_DEVICES=void]
      deviceNodes:
        - {path: /dev/nvidia-modeset, hostPath: /dev/nvidia-modeset}
        - {path: /dev/nvidia-uvm, hostPath: /dev/nvidia-uvm}
        - {path: /dev/nvidiactl, hostPath: /dev/nvidiactl}
      mounts:
        - {hostPath: /run/nvidia/driver/usr/lib/x86_64-linux-gnu/libcuda.so.550.54, containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.54, options: [ro, nosuid, nodev, bind]}
        - {hostPath: /run/nvidia/driver/usr/bin/nvidia-smi, containerPath: /usr/bin/nvidia-smi, options: [ro, nosuid, nodev, bind]}
        - {hostPath: /run/nvidia-persistenced/socket, containerPath: /run/nvidia-persistenced/socket, options: [ro, nosuid, nodev, bind, noexec]}
      hooks:
        - {hookName: createContainer, path: /usr/bin/nvidia-cdi-hook, args: [nvidia-cdi-hook, create-symlinks, --link, "libcuda.so.1::/usr/lib/x86_64-linux-gnu/libcuda.so"]}
        - {hookName: createContainer, path: /usr/bin/nvidia-cdi-hook, args: [nvidia-cdi-hook, enable-cuda-compat]}
        - {hookName: createContainer, path: /usr/bin/nvidia-cdi-hook, args: [nvidia-cdi-hook, update-ldcache, --folder, /usr/lib/x86_64-linux-gnu]}
    devices:
      - name: "0"
        containerEdits:
          deviceNodes:
            - {path: /dev/nvidia0, hostPath: /dev/nvidia0}
            - {path: /dev/dri/card1, hostPath: /dev/dri/card1}
            - {path: /dev/dri/renderD130, hostPath: /dev/dri/renderD130}
          hooks:
            - hookName: createContainer
              path: /usr/bin/nvidia-cdi-hook
              args: [nvidia-cdi-hook, create-symlinks, --link, "../card1::/dev/dri/by-path/pci-0000:01:00.0-card", --link, "../renderD130::/dev/dri/by-path/pci-0000:01:00.0-render"]
      - name: "1"
        containerEdits: {deviceNodes: [{path: /dev/nvidia1}, {path: /dev/dri/renderD131}]}
      - name: GPU-aaaa
        containerEdits: {deviceNodes: [{path: /dev/nvidia0}, {path: /dev/dri/card1}, {path: /dev/dri/renderD130}]}
      - name: GPU-bbbb
        containerEdits: {deviceNodes: [{path: /dev/nvidia1}, {path: /dev/dri/renderD131}]}
      - name: all
        containerEdits:
          deviceNodes: [{path: /dev/nvidia0}, {path: /dev/nvidia1}, {path: /dev/dri/card1}, {path: /dev/dri/renderD130}, {path: /dev/dri/renderD131}, {path: /dev/nvidia-caps-imex-channels/channel0}]
    """

  static func twoGPUs() throws -> GPUHost {
    var host = try GPUHost(nvidia, path: "/etc/cdi/nvidia.yaml")
    for (name, minor) in [("nvidia0", 0), ("nvidia1", 1), ("nvidiactl", 255), ("nvidia-modeset", 254)] {
      try host.device("/dev/\(name)", 195, UInt32(minor))
    }
    try host.device("/dev/nvidia-uvm", 511, 0)
    try host.device("/dev/dri/card1", 226, 1)
    try host.device("/dev/dri/renderD130", 226, 130)
    try host.device("/dev/dri/renderD131", 226, 131)
    let driver = "/run/nvidia/driver/usr"
    try host.file("\(driver)/lib/x86_64-linux-gnu/libcuda.so.550.54", soname: "libcuda.so.1")
    try host.file("\(driver)/bin/nvidia-smi")
    host.paths.found[try path("/run/nvidia-persistenced/socket")] = .other
    return host
  }

  /// One GPU, divided into two instances.
  static func instances() throws -> GPUHost {
    func device(_ name: String, _ minors: [Int]) -> String {
      let caps = minors.map { "{path: /dev/nvidia-caps/nvidia-cap\($0)}" }.joined(separator: ", ")
      return "  - {name: \"\(name)\", containerEdits: {deviceNodes: [{path: /dev/nvidia0}, \(caps)]}}"
    }
    var host = try GPUHost(
      """
      cdiVersion: 0.5.0
      kind: nvidia.com/gpu
      containerEdits: {deviceNodes: [{path: /dev/nvidiactl}, {path: /dev/nvidia-uvm}]}
      devices:
      \(device("0:0", [66, 67]))
      \(device("0:1", [75, 76]))
      \(device("MIG-aaaa", [66, 67]))
      \(device("all", [66, 67, 75, 76]))
        - {name: "0", containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}}
      """, path: "/var/run/cdi/nvidia.yaml")
    try host.device("/dev/nvidia0", 195, 0)
    try host.device("/dev/nvidiactl", 195, 255)
    try host.device("/dev/nvidia-uvm", 511, 0)
    for minor in [66, 67, 75, 76] {
      try host.device("/dev/nvidia-caps/nvidia-cap\(minor)", 508, UInt32(minor), access: .read)
    }
    return host
  }

  /// Two of AMD's, which share a node.
  static func amd() throws -> GPUHost {
    var host = try GPUHost(
      """
      cdiVersion: 0.6.0
      kind: amd.com/gpu
      devices:
        - {name: "0", containerEdits: {deviceNodes: [{path: /dev/kfd, permissions: rw}, {path: /dev/dri/card0}, {path: /dev/dri/renderD128}]}}
        - {name: "1", containerEdits: {deviceNodes: [{path: /dev/kfd, permissions: rw}, {path: /dev/dri/card1}, {path: /dev/dri/renderD129}]}}
        - {name: all, containerEdits: {deviceNodes: [{path: /dev/kfd}, {path: /dev/dri/card0}, {path: /dev/dri/renderD128}, {path: /dev/dri/card1}, {path: /dev/dri/renderD129}]}}
      """, path: "/etc/cdi/amd.yaml")
    try host.device("/dev/kfd", 234, 0)
    for index in [UInt32(0), 1] {
      try host.device("/dev/dri/card\(index)", 226, index)
      try host.device("/dev/dri/renderD\(128 + index)", 226, 128 + index)
    }
    host.paths.memoryMB = [DeviceNumber(major: 226, minor: 128): 16_384, DeviceNumber(major: 226, minor: 129): 8192]
    return host
  }
}

/// The plan of a worker that was assigned these.
func plan(
  with gpus: [GPU], granted: [Permission] = [.gpuAccess(count: nil)], host: HostFacts? = nil,
  hostLibraries: LoaderCache? = LoaderCache([
    LoaderCache.Entry(name: "libz.so.1", path: "/usr/lib/x86_64-linux-gnu/libz.so.1", flags: 0x303)
  ])
) throws -> SandboxPlan {
  var asked = try request(granted)
  asked.gpus = GPUAssignment(gpus, hostLibraries: hostLibraries)
  return try SandboxPlanner.plan(asked, host: try host ?? debianHost())
}
