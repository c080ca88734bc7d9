import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("A worker with GPUs")
struct GPUPlanTests {
  /// What lies in `/dev`, beside what every sandbox has.
  private func devices(_ plan: SandboxPlan) throws -> [String] {
    let usual = try Set(SandboxPlanningTests.plan().binds.map(\.target))
    return plan.binds.map(\.target).filter { $0.isEqualToOrBeneath(Inside.devices) && !usual.contains($0) }.map(\.text)
  }

  @Test("sees its own and what controls them, and nothing of another")
  func own() throws {
    let gpus = try GPUHost.twoGPUs().inventory().gpus
    let plan = try plan(with: [gpus[1]])
    #expect(try devices(plan) == ["/dev/dri/renderD131", "/dev/nvidia-uvm", "/dev/nvidia1", "/dev/nvidiactl"])
    #expect(plan.bind(at: "/dev/nvidia1")?.kind == .characterDevice(major: 195, minor: 1))
    #expect(plan.rights(at: "/dev/nvidia1").isSuperset(of: [.readFile, .writeFile, .deviceControl]))
    #expect(!plan.rights(at: "/dev/nvidia0").contains(.readFile))
    #expect(plan.devices.map(\.reference.description) == ["nvidia.com/gpu=1"])
  }

  @Test("may read and not write what stands for an instance's share")
  func instance() throws {
    let plan = try plan(with: [try #require(try GPUHost.instances().inventory().gpus.first)])
    #expect(plan.bind(at: "/dev/nvidia-caps/nvidia-cap66")?.access == .readOnly)
    #expect(!plan.rights(at: "/dev/nvidia-caps/nvidia-cap66").contains(.writeFile))
    let resources = plan.ociConfiguration()["linux"]?["resources"]?["devices"]?.arrayValue
    #expect(resources?.contains { $0["minor"] == 66 && $0["access"] == "r" } == true)
  }

  @Test("has to be granted them, and as many")
  func permission() throws {
    let gpus = try GPUHost.twoGPUs().inventory().gpus
    for (granted, problem) in [([Permission](), "isn't granted"), ([.gpuAccess(count: 1)], "allows it 1")] {
      do throws(PlanRefusal) {
        var asked = try? request(granted)
        asked?.gpus = GPUAssignment(gpus, hostLibraries: LoaderCache())
        guard let asked, let host = try? debianHost() else { return }
        _ = try SandboxPlanner.plan(asked, host: host)
        Issue.record("two GPUs were given for \(granted)")
      } catch {
        #expect(error.description.contains(problem) && error.host.isEmpty, "\(error)")
      }
    }
    #expect(try devices(SandboxPlanningTests.plan([.gpuAccess(count: nil)])).isEmpty)
    #expect(try plan(with: gpus, granted: [.gpuAccess(count: 2)]).devices.count == 2)
  }

  @Test("finds the libraries that can't lie where their description wants them")
  func libraries() throws {
    let plan = try plan(with: [try #require(try GPUHost.twoGPUs().inventory().gpus.first)])
    let library = try #require(plan.bind(at: "/gpu/lib/libcuda.so.550.54"))
    #expect(library.source.text == "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libcuda.so.550.54")
    #expect(library.access == .readOnly && library.executable)
    #expect(!plan.rights(at: "/gpu/lib/libcuda.so.550.54").contains(.execute))
    for name in ["libcuda.so", "libcuda.so.1"] {
      #expect(
        plan.filesystem.contains(.symbolicLink(try path("/gpu/lib/\(name)"), destination: "libcuda.so.550.54")),
        "\(name)")
    }
    let caches = plan.filesystem.compactMap { if case .loaderCache(let cache) = $0 { cache } else { nil } }
    #expect(caches.first?.added.map(\.name) == ["libcuda.so", "libcuda.so.1", "libcuda.so.550.54"])
    #expect(caches.first?.hostEntries.map(\.name) == ["libz.so.1"])
    #expect(plan.bind(at: "/etc/ld.so.cache") == nil)
    // Its own directory of programs is not shown without system.exec: there is room.
    #expect(plan.bind(at: "/usr/bin/nvidia-smi") != nil)
    #expect(
      plan.filesystem.contains(
        .symbolicLink(
          try path("/dev/dri/by-path/pci-0000:01:00.0-render"), destination: "../renderD130")))
    #expect(!plan.filesystem.contains { $0.target.text.hasSuffix("-card") })
  }

  @Test("uses the host's own driver as it is, where it was installed in the usual way")
  func hostDriver() throws {
    var host = try GPUHost.twoGPUs()
    for path in [
      "/run/nvidia/driver/usr/lib/x86_64-linux-gnu/libcuda.so.550.54", "/run/nvidia/driver/usr/bin/nvidia-smi",
    ] {
      let installed = String(path.dropFirst("/run/nvidia/driver".count))
      try host.file(path, soname: "libcuda.so.1", at: installed)
      try host.file(installed, soname: "libcuda.so.1")
    }
    let granted: [Permission] = [.gpuAccess(count: nil), .systemExec(programs: [])]
    let plan = try plan(with: [try #require(host.inventory().gpus.first)], granted: granted)
    #expect(plan.bind(at: "/etc/ld.so.cache") != nil)
    #expect(!plan.filesystem.contains { $0.target.text.hasPrefix("/gpu") || $0.target.text.contains("libcuda") })
    #expect(plan.bind(at: "/usr/bin/nvidia-smi") == nil)
  }

  @Test("is told which by the variables that CUDA and its tools look at")
  func environment() throws {
    func variables(_ gpus: [GPU]) throws -> [String] {
      try plan(with: gpus).environment.filter { $0.name.hasSuffix("_DEVICES") }.map { "\($0.name)=\($0.value)" }
    }
    let gpus = try GPUHost.twoGPUs().inventory().gpus
    #expect(try variables([gpus[1]]) == ["CUDA_VISIBLE_DEVICES=0", "NVIDIA_VISIBLE_DEVICES=1"])
    #expect(try variables(gpus) == ["CUDA_VISIBLE_DEVICES=0,1", "NVIDIA_VISIBLE_DEVICES=0,1"])
    let instances = try GPUHost.instances().inventory().gpus
    #expect(try variables([instances[0]]) == ["CUDA_VISIBLE_DEVICES=MIG-aaaa", "NVIDIA_VISIBLE_DEVICES=0:0"])
    #expect(try variables([instances[1]]) == ["NVIDIA_VISIBLE_DEVICES=0:1"])
    #expect(try variables([try GPUHost.amd().inventory().gpus[0]]) == [])
  }

  /// A GPU with one more mount, or other edits.
  private func refusal(_ change: (inout GPU) throws -> Void, granted: [Permission] = []) throws -> PlanRefusal? {
    var gpu = try #require(try GPUHost.amd().inventory().gpus.first)
    try change(&gpu)
    var asked = try request(granted + [.gpuAccess(count: nil)])
    asked.gpus = GPUAssignment([gpu], hostLibraries: LoaderCache())
    return try SandboxPlanningTests.refusal(of: asked)
  }

  @Test(
    "is never shown a driver's file in the place of what its sandbox is made of",
    arguments: [
      "/", "/plugin", "/plugin/plugin.yaml", "/sdk/pipeline/__init__.py", "/workspace", "/workspace/x", "/tmp/x",
      "/proc",
      "/proc/driver/nvidia", "/dev/shm", "/etc", "/etc/passwd", "/etc/ld.so.cache", "/etc/ld.so.preload", "/usr",
      "/usr/lib",
      "/usr/lib/python3", "/lib/x86_64-linux-gnu/x.conf", "/usr/bin/python3.11", "/bin/python3.11", "/lib64",
      "/gpu/lib/x",
      "/run/docker.sock", "/srv/data/x", "/srv",
    ])
  func reserved(target: String) throws {
    let granted: [Permission] = [.filesystemRead(nil), .filesystemRead(try path("/srv/data"))]
    for kind in [GPU.Mount.Kind.file, .directory] {
      let refused = try refusal(
        { $0.mounts = [GPU.Mount(source: try path("/opt/driver"), target: try path(target), kind: kind)] },
        granted: granted)
      #expect(
        refused?.host.first?.what.contains("/opt/driver can't be shown as") == true, "\(target): \(refused as Any)")
    }
  }

  @Test(
    "makes no link in the place of what its sandbox is made of",
    arguments: ["/plugin/x", "/etc/passwd", "/etc/ld.so.preload", "/proc/x", "/tmp/x", "/gpu"])
  func reservedLinks(path link: String) throws {
    let refused = try refusal { $0.links = [GPU.Link(path: try path(link), destination: "/opt/x")] }
    #expect(refused?.host.first?.what.contains("the link \(link) can't be made") == true)
  }

  @Test("has no node in the place of another device", arguments: ["/dev/null", "/dev/shm/x", "/dev/fd", "/dev/kfd/x"])
  func reservedNodes(target: String) throws {
    let refused = try refusal {
      $0.nodes.append(GPU.Node(source: try path("/dev/x"), target: try path(target), major: 9, minor: 9))
    }
    #expect(refused?.host.first?.why == "another device is there")
  }

  @Test("keeps the variables that every worker has")
  func reservedVariables() throws {
    let refused = try refusal { $0.environment = [EnvironmentVariable("PATH", "/opt/evil")] }
    #expect(refused?.description.contains("can't set PATH") == true)
  }

  @Test("isn't started where its libraries can't be made known to the loader")
  func unreadableCache() throws {
    var gpu = try #require(try GPUHost.amd().inventory().gpus.first)
    let library = GPU.Library(path: try path("/opt/amd/libhip.so.6"), soname: "libhip.so.6")
    gpu.mounts = [GPU.Mount(source: library.path, target: library.path, libraries: [library])]
    var asked = try request([.gpuAccess(count: nil)])
    asked.gpus = GPUAssignment([gpu])
    #expect(try SandboxPlanningTests.refusal(of: asked)?.description.contains("ldconfig") == true)
  }

  @Test("loses it with the permission, and gains nothing", arguments: [false, true])
  func narrowing(withPrograms: Bool) throws {
    let others: [Permission] = withPrograms ? [.filesystemWrite(nil)] : [.systemExec(programs: ["git"])]
    let gpus = try GPUHost.twoGPUs().inventory().gpus
    let whole = try plan(with: gpus, granted: others + [.gpuAccess(count: nil)])
    let without = try SandboxPlanningTests.plan(others)
    #expect(without.widenings(over: whole) == [])
    #expect(!whole.widenings(over: without).isEmpty)
    let one = try plan(with: [gpus[0]], granted: others + [.gpuAccess(count: nil)])
    #expect(
      one.widenings(over: try plan(with: [gpus[1]], granted: others + [.gpuAccess(count: nil)])).contains(
        "filesystem: /dev/nvidia0"))
  }

  @Test("may make the system calls that CUDA makes, under every profile", arguments: ["default", "strict"])
  func systemCalls(profile: String) throws {
    var asked = try request([.gpuAccess(count: nil)], profile: shippedProfile(profile, capped: false))
    asked.gpus = GPUAssignment(try GPUHost.amd().inventory().gpus)
    let allowed = Set(try SandboxPlanner.plan(asked, host: debianHost()).seccomp.allowed)
    let needed: Set = [
      "openat", "ioctl", "mmap", "munmap", "mprotect", "madvise", "mlock", "poll", "eventfd2", "sched_getaffinity",
      "get_mempolicy", "memfd_create", "clone", "futex", "readlink", "fcntl", "pipe2", "sysinfo",
    ]
    #expect(needed.isSubset(of: allowed), "\(needed.subtracting(allowed))")
  }

  @Test("its directory of libraries can't be granted as data")
  func scopedGrant() throws {
    let refused = try SandboxPlanningTests.refusal(of: request([.filesystemRead(try path("/gpu/lib"))], roots: ["/"]))
    #expect(refused?.description.contains("lies beneath /gpu") == true)
  }
}
