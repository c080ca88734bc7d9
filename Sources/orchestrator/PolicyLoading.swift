import PluginModel
import PluginRegistry
import StateStore

extension Bootstrap {
  /// plugin_system.yaml, with what `--policy` adds.
  func systemConfiguration(
    _ options: SystemOptions, _ policy: PolicyOptions
  ) async throws(CommandFailure) -> SystemConfiguration {
    let system = try await systemConfiguration(options)
    guard let path = policy.policy else { return system }
    let bytes = try await contents(path, limit: DocumentLimits.file.maximumBytes)
    do throws(Diagnostics) {
      return system.adding(try SystemConfiguration(policy: bytes, file: path))
    } catch {
      throw CommandFailure(.invalidInput, error.items, sources: [(path, bytes)])
    }
  }

  /// The same, with what was set of plugins' configuration at run time; a server's has that.
  func systemConfiguration(
    _ options: SystemOptions, _ policy: PolicyOptions, state: String
  ) async throws(CommandFailure) -> SystemConfiguration {
    let system = try await systemConfiguration(options, policy)
    guard standing == nil else { return system }
    return system.adding(try await storedSettings(state: state))
  }

  /// What was set of plugins' configuration at run time.
  func storedSettings(state: String) async throws(CommandFailure) -> [StoredPluginSetting] {
    do throws(StateStoreError) {
      return try await StateDatabase(existing: state, on: files)?.pluginSettings() ?? []
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Everything that grants or forbids something: the options, the operator's files, and what was granted before.
  func grantPolicy(
    _ system: SystemConfiguration, _ options: GrantOptions? = nil, state: String
  ) async throws(CommandFailure) -> GrantPolicy {
    try await grantPolicy(system, granting: try options?.permissions() ?? [:], state: state)
  }

  func grantPolicy(
    _ system: SystemConfiguration, granting grants: [PluginName: [Permission]], state: String
  ) async throws(CommandFailure) -> GrantPolicy {
    GrantPolicy(
      defaults: system.defaultPermissions ?? GrantPolicy.defaultPermissions,
      grants: grants, policies: system.policies, stored: try await storedGrants(state: state)
    )
  }
}

extension PluginOptions {
  /// As they would be typed, a blank before each.
  var text: String { directories.map { " --plugins " + ShellText.word($0) }.joined() }
}

extension StateOptions {
  /// As it would be typed, a blank before it.
  var text: String { stateDir.map { " --state-dir " + ShellText.word($0) } ?? "" }
}
