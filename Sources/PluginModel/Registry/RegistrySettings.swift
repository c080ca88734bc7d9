/// `plugins.registry` of `plugin_system.yaml`: where plugins can be had.
package struct RegistrySettings: Hashable, Sendable {
  /// Nil: there is none, or it is turned off.
  package var address: RegistryAddress?
  /// Of certificates in PEM that are trusted beside the system's.
  package var certificates: AbsolutePath?
  package var token: AbsolutePath?

  package static let tokenVariable = "ORCHESTRATOR_REGISTRY_TOKEN"

  package init(address: RegistryAddress? = nil, certificates: AbsolutePath? = nil, token: AbsolutePath? = nil) {
    self.address = address
    self.certificates = certificates
    self.token = token
  }

  init(_ section: MappingReader<SystemConfiguration.RegistryKey>) {
    let isEnabled = section.optional(.enable).map { $0.bool() ?? false }
    let address = section.optional(.url).flatMap { $0.registryAddress() }
    certificates = section.optional(.certificates)?.absoluteFile()
    token = section.optional(.token)?.absoluteFile()
    let allowsPlain = section.optional(.allowsPlain)?.bool() ?? false
    if isEnabled == true, section.optional(.url) == nil {
      section.optional(.enable)?.error(
        "the registry is enabled and has no address", hint: "add 'url: https://…', or write 'enable: false'")
    }
    if let address, address.origin.scheme == .http, !address.origin.isLoopback, !allowsPlain {
      section.optional(.url)?.error(
        "the registry \(address) is not reached by https", why: "others on the way could read and change what is sent",
        hint: "use https, or write 'allow_http: true' if everybody on the way is trusted")
    }
    self.address = isEnabled ?? true ? address : nil
  }
}

extension ValueReader {
  fileprivate func registryAddress() -> RegistryAddress? {
    guard let text = string() else { return nil }
    do throws(RegistryAddress.Problem) {
      return try RegistryAddress(text)
    } catch {
      self.error(
        "\(text.quoted) is not the address of a registry", why: error.words,
        hint: "write one such as 'https://plugins.example.org/api/registry'")
      return nil
    }
  }

  fileprivate func absoluteFile() -> AbsolutePath? { absoluteDirectory() }
}
