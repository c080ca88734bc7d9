import CFuzzer
import PluginModel
import SandboxPlanning

/// `plugin.yaml`, security profiles and the answer to `describe`: what is read from a plugin before anything is granted.
///
/// Whatever the bytes, a reader gives a value or diagnostics that have words, and both the same when asked again.
@main
enum FuzzManifest {
  static func main() {
    _ = run_fuzzer(CommandLine.argc, CommandLine.unsafeArgv) { data, size in
      FuzzManifest.one(Array(UnsafeBufferPointer(start: data, count: size)))
      return 0
    }
  }

  static func one(_ bytes: [UInt8]) {
    let version = SemanticVersion(1, 0, 0)
    do throws(Diagnostics) {
      let manifest = try PluginManifest(yaml: bytes, file: "plugin.yaml", engineVersion: version)
      let again = try? PluginManifest(yaml: bytes, file: "plugin.yaml", engineVersion: version)
      guard again == manifest else { fatalError("the same bytes gave another manifest") }
      guard !manifest.name.text.contains("/"), !manifest.entryPoint.hasPrefix("/"),
        !manifest.entryPoint.split(separator: "/").contains("..")
      else { fatalError("a name that leads out of its directory") }
    } catch {
      guard error.hasErrors, error.items.allSatisfy({ !$0.what.isEmpty }) else { fatalError("refused without a word") }
    }
    _ = try? SecurityProfile(yaml: bytes, file: "profile.yaml")
    if let value = try? JSONValue(json: bytes) {
      _ = try? NodeSpecification.read(description: value, source: "a plugin")
    }
  }
}
