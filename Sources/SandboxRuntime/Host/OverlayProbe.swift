import LinuxSystem
import PluginModel
import SandboxPlanning

/// Tries whether overlays can be mounted with their upper layer in a directory.
enum OverlayProbe {
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
