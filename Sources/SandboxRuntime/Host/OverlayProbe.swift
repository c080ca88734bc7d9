import LinuxSystem
import PluginModel
import SandboxPlanning

/// Tries whether overlays can be mounted with their upper layer in a directory.
package enum OverlayProbe {
  /// What of a workspace keeps writes to it from being staged, on a host that could; nil: nothing. Blocks.
  package static func obstacle(in workspace: AbsolutePath, kernel: any SandboxKernel = LinuxKernel()) -> String? {
    if let mount = mounts(beneath: workspace, in: readSmallFile("/proc/self/mountinfo", limit: 4 << 20) ?? "").first {
      return "another filesystem is mounted on \(mount)"
    }
    // An ordinary user maps one group, and overlayfs can't keep another when it copies a file: EOVERFLOW.
    guard effectiveUserIdentifier() != 0 else { return nil }
    do throws(SystemError) {
      let owner = try kernel.owner(of: workspace.text)
      return owner.group == effectiveGroupIdentifier()
        ? nil : "it belongs to the group \(owner.group), not to the user's own"
    } catch {
      // One that isn't there yet will be the user's own.
      return error.code == .notFound ? nil : "\(error)"
    }
  }

  /// An overlay shows of its lower layer one filesystem only. From proc_pid_mountinfo(5).
  static func mounts(beneath workspace: AbsolutePath, in mountInformation: String) -> [AbsolutePath] {
    mountInformation.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 4, let target = AbsolutePath(String(fields[4])), target != workspace,
        target.isEqualToOrBeneath(workspace)
      else { return nil }
      return target
    }
  }

  /// Blocks. Makes a directory of its own beneath `place`, and removes it.
  static func support(beneath place: AbsolutePath, _ kernel: any SandboxKernel)
    -> HostFacts.OverlaySupport
  {
    let probe = "\(place)/orchestrator-probe-\(currentProcessIdentifier())"
    do throws(SystemError) {
      try kernel.removeTree(probe)
      let result = Result { () throws(SystemError) in
        _ = try kernel.makeStaging(probe, like: kernel.openPlace(place.text), owner: nil)
        try kernel.makeDirectory("\(probe)/lower")
        return HostProbes.overlay(in: probe)
      }
      try kernel.removeTree(probe)
      guard let code = try result.get() else { return .available }
      return .unavailable(why: "an overlay on \(place) can't be mounted: \(code)")
    } catch {
      return .unavailable(why: "\(error)")
    }
  }
}
