import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// The plugin that somebody is working on.
struct PluginDirectoryOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The plugin's directory, in which its plugin.yaml lies.", valueName: "directory"))
  var directory: String
}

extension Bootstrap {
  /// - Parameter shown: how diagnostics call the directory, where it is a copy.
  /// - Throws: everything that is wrong with it, with excerpts of its manifest.
  func plugin(in directory: String, shown: String? = nil) async throws(CommandFailure) -> DiscoveredPlugin {
    let discovery = PluginDiscovery(engineVersion: engineVersion)
    do throws(Diagnostics) {
      return try await files.run { () throws(Diagnostics) in try discovery.plugin(in: directory, shown: shown) }
    } catch {
      throw CommandFailure(.invalidInput, error.items, sources: await manifestSource(directory, shown: shown))
    }
  }

  private func manifestSource(_ directory: String, shown: String?) async -> [(file: String, bytes: [UInt8])] {
    let bytes = try? await bytes(
      of: "\(directory)/\(PluginDiscovery.manifestName)", limit: PluginDiscovery.manifestLimit)
    return bytes.map { [("\(shown ?? directory)/\(PluginDiscovery.manifestName)", $0)] } ?? []
  }
}
