import LinuxSystem
import PluginModel
import PluginRegistry
import RegistryClient

extension Bootstrap {
  /// Asks the operator's registry.
  /// - Parameter changes: it is to be changed, which takes a token. Otherwise one is read only where the registry asks for it.
  func withRegistry<Success: Sendable>(
    _ system: SystemConfiguration, changes: Bool = false,
    _ body: (RegistryClient) async throws(CommandFailure) -> Success
  ) async throws(CommandFailure) -> Success {
    guard let address = system.registry.address else {
      throw CommandFailure(
        .invalidInput, "no registry of plugins is configured",
        why: "plugins.registry.url says nothing, or enable is false",
        hint: "write plugins: {registry: {enable: true, url: https://…}} into \(Places.systemConfiguration)")
    }
    let token = changes ? try await registryToken(system.registry) : nil
    if let certificates = system.registry.certificates { _ = try await contents(certificates.text, limit: 4 << 20) }
    return try await RegistryClient.use(
      address, changes: changes,
      token: { () async throws(Diagnostic) in
        if changes { return token }
        do throws(CommandFailure) { return try await registryToken(system.registry) } catch {
          throw error.diagnostics.first ?? Diagnostic("the token of the registry can't be read")
        }
      }, certificates: system.registry.certificates?.text, body)
  }

  /// The variable's, or else the file's; nil where neither is there.
  private func registryToken(_ settings: RegistrySettings) async throws(CommandFailure) -> BearerToken? {
    let hint = "a token is \(BearerToken.grammar)"
    if let text = ProcessEnvironment.variable(RegistrySettings.tokenVariable) {
      guard let token = BearerToken(text) else {
        throw CommandFailure(.invalidInput, "\(RegistrySettings.tokenVariable) is not a token", hint: hint)
      }
      return token
    }
    guard let path = settings.token, let parent = path.parent else { return nil }
    let file: (bytes: [UInt8], status: FileStatus)
    do throws(FileError) {
      file = try await files.run { () throws(FileError) in
        try Directory(opening: parent.text).contents(path.lastComponent, limit: 4096)
      }
    } catch {
      throw CommandFailure(
        .invalidInput, "the token of the registry can't be read", why: error.description,
        hint: "look at plugins.registry.token_file")
    }
    guard file.status.permissions & 0o077 == 0 else {
      throw CommandFailure(
        .invalidInput, "others may read the token in \(path)", why: "whoever has it publishes in your name",
        hint: "chmod 600 \(path), and have the token exchanged if others had it")
    }
    guard let token = BearerToken(String(decoding: file.bytes, as: UTF8.self)) else {
      throw CommandFailure(.invalidInput, "\(path) doesn't hold a token", hint: hint)
    }
    return token
  }
}

/// What the registry refuses ends the command.
func asking<Success>(
  _ body: () async throws(Diagnostic) -> Success
) async throws(CommandFailure) -> Success {
  do throws(Diagnostic) { return try await body() } catch { throw CommandFailure(.invalidInput, [error]) }
}
