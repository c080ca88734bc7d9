import LinuxSystem
import PluginModel
import PluginRegistry
import SandboxPlanning
import SandboxRuntime
import WorkerHost

/// What all sandboxes of one command share. From it and a plugin comes a plan: a pure step.
struct SandboxSetup: Sendable {
  var installation: Installation
  var host: HostFacts
  var profile: SecurityProfile
  var interpreter: Interpreter
  var identities: IdentityAllocator
  /// Paths outside of which no scoped filesystem permission reaches.
  var filesystemRoots: [AbsolutePath]
  /// Which of the granted paths are regular files.
  var grantedFiles: Set<AbsolutePath>

  /// - Parameter granted: what the plugin may do; nothing for a worker that only describes its node types.
  func plan(
    for plugin: DiscoveredPlugin, granted: [Permission], workspace: AbsolutePath?
  ) throws(Diagnostics) -> SandboxPlan {
    let name = plugin.manifest.name
    let identity = identities.identity(for: name)
    let request = SandboxRequest(
      plugin: name, pluginDirectory: plugin.directory, sdkDirectory: installation.sdk, interpreter: interpreter,
      granted: granted, workspace: workspace, filesystemRoots: filesystemRoots, profile: profile,
      hostUser: identity.user, hostGroup: identity.group, grantedFiles: grantedFiles)
    return try SandboxPlanner.plan(request, host: host)
  }

  func configuration(
    for plugin: DiscoveredPlugin, granted: [Permission], workspace: AbsolutePath?
  ) throws(Diagnostics) -> WorkerConfiguration {
    let showsWorkspace = granted.contains(.filesystemRead(nil)) || granted.contains(.filesystemWrite(nil))
    return WorkerConfiguration(
      plan: try plan(for: plugin, granted: granted, workspace: workspace), digest: plugin.digest.description,
      engineVersion: engineVersion.description, manifest: plugin.manifest.jsonValue,
      availableCPU: Double(ProcessEnvironment.processorCount), availableMemoryMB: ProcessEnvironment.memoryMebibytes,
      pluginDirectory: Inside.plugin, workspace: showsWorkspace ? Inside.workspace : nil, scratch: Inside.scratch)
  }
}
