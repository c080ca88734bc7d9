import Glibc
import LinuxSystem
import PluginModel
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// What a benchmark takes from the repository: plans, and a plugin's worker.
struct BenchmarkSetup {
  var root: String

  func sandboxInit() throws -> AbsolutePath {
    guard let executable = ProcessEnvironment.executable.flatMap({ AbsolutePath($0) }),
      let path = executable.parent?.appending("sandbox-init")
    else { throw BenchmarkFailure("sandbox-init can't be found") }
    return path
  }

  func launcher(_ cgroups: CgroupManager, _ loop: EventLoop) throws -> SandboxLauncher {
    try SandboxLauncher(initProgram: try sandboxInit(), cgroups: cgroups, loop: loop)
  }

  /// - Parameters:
  ///   - plugin: its directory, relative to the repository.
  ///   - command: in place of the worker.
  func plan(
    plugin: String, command: [String]?, granting granted: [Permission] = [],
    network: OperatorNetwork = OperatorNetwork()
  ) throws -> SandboxPlan {
    guard let name = PluginName("bench"), let directory = AbsolutePath("\(root)/\(plugin)"),
      let sdk = AbsolutePath(root + "/Sources/PythonSDK"),
      let python = ProcessEnvironment.resolve("/usr/bin/python3").flatMap({ AbsolutePath($0) })
    else { throw BenchmarkFailure("the repository isn't at \(root), or there is no /usr/bin/python3") }
    let file = root + "/profiles/default.yaml"
    let isRoot = ProcessEnvironment.effectiveUser == 0
    let request = SandboxRequest(
      plugin: name, pluginDirectory: directory, sdkDirectory: sdk,
      interpreter: Interpreter(executable: python, prefix: nil),
      granted: granted, workspace: nil, filesystemRoots: [],
      profile: try SecurityProfile(yaml: try System.read(file), file: file), command: command,
      hostUser: isRoot ? 1_900_000_000 : geteuid(), hostGroup: isRoot ? 1_900_000_000 : getegid(), network: network)
    return try SandboxPlanner.plan(request, host: HostInspector.facts())
  }

  /// A worker of the bundled plugin `text`.
  func textWorker() throws -> WorkerConfiguration {
    let plugin = "Sources/Plugins/text"
    let version = SemanticVersion(1, 0, 0)
    let file = "\(root)/\(plugin)/plugin.yaml"
    let manifest = try PluginManifest(yaml: try System.read(file), file: file, engineVersion: version)
    return WorkerConfiguration(
      plan: try plan(plugin: plugin, command: nil), digest: "", engineVersion: version.description,
      manifest: manifest.jsonValue, availableCPU: 1, availableMemoryMB: 512, pluginDirectory: Inside.plugin,
      workspace: nil, scratch: Inside.scratch)
  }
}
