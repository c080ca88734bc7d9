import PluginModel
import PluginRegistry

/// What the program runs in a sandbox for itself: a plugin like any other, but that it lies with the program and is listed nowhere.
enum ProgramService: String, Sendable {
  case unpacker
  case lint
  case environments

  /// No plugin of anybody else can have it.
  var name: PluginName { PluginName(unchecked: PluginDiscovery.reservedPrefix + rawValue) }
}

extension Bootstrap {
  func service(_ service: ProgramService) async throws(CommandFailure) -> DiscoveredPlugin {
    let discovery = PluginDiscovery(engineVersion: engineVersion, findsOwn: true)
    let place = "\(installation.services)/\(service.rawValue)"
    do throws(Diagnostics) {
      return try await files.run { () throws(Diagnostics) in try discovery.plugin(in: place) }
    } catch {
      throw CommandFailure(
        .sandboxUnavailable, "what the program runs for itself is missing: \(service.name)",
        why: error.items.first?.what, hint: "install the program again")
    }
  }
}
