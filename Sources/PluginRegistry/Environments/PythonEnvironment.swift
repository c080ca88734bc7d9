import Crypto
import LinuxSystem
import PluginModel

/// The Python packages of a plugin, installed. Plugins with the same lock share one.
package struct PythonEnvironment: Hashable, Sendable {
  package let digest: ContentDigest
  /// On the host; never changed once it is there.
  package let directory: AbsolutePath
}

/// The Python that packages are installed for: another's compiled extensions are of no use to it.
package struct PythonIdentity: Hashable, Sendable {
  package let text: String

  /// - Parameters:
  ///   - program: without links.
  ///   - fact: of its file: its size and time, say. Counts where the name doesn't tell the version.
  package init(program: AbsolutePath, architecture: String, fact: String) {
    let name = program.lastComponent
    let version = name.hasPrefix("python3.") ? name.dropFirst(8) : ""
    // Releases of one minor version run the same extensions; python3.13t has others than python3.13.
    let isTelling = version.first?.isNumber == true && version.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "t") }
    text = "\(isTelling ? name : "\(program) \(fact)") \(architecture)"
  }
}

/// What an environment is asked for, and by whom it may be shared.
package struct EnvironmentRequest: Hashable, Sendable {
  package let requirements: PythonRequirements
  package let python: PythonIdentity
  package let settings: PythonSettings

  package init(_ requirements: PythonRequirements, python: PythonIdentity, settings: PythonSettings) {
    self.requirements = requirements
    self.python = python
    self.settings = settings
  }

  /// Under which a resolved lock is remembered: other places to look may have other versions.
  package var digest: ContentDigest {
    Self.digest([
      "orchestrator environment request 1", python.text, settings.index?.description ?? PythonSettings.noIndex,
      settings.wheels?.text ?? "", "wheels only: \(settings.takesWheelsOnly)", requirements.needs,
    ])
  }

  /// Of the environment that a lock makes. Where the packages come from doesn't count: they have the lock's hashes.
  package func environment(_ lock: PythonLock) -> ContentDigest {
    Self.digest([
      "orchestrator environment 1", python.text, "wheels only: \(settings.takesWheelsOnly)", lock.text,
    ])
  }

  /// No part but the last holds a line break.
  private static func digest(_ parts: [String]) -> ContentDigest {
    ContentDigest(SHA256.hash(data: Array(parts.joined(separator: "\n").utf8)))
  }
}
