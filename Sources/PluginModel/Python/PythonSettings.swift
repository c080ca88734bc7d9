/// `plugins.python` of `plugin_system.yaml`: where the Python packages come from that plugins depend on.
package struct PythonSettings: Hashable, Sendable {
  /// Where packages are looked for (PEP 503). Nil: nowhere but in ``wheels``.
  package var index = Self.usualIndex
  /// Hosts beside the index's own from which it lets files be fetched.
  package var fileHosts = Self.usualFileHosts
  /// A directory of wheels, looked into as well.
  package var wheels: AbsolutePath?
  /// Packages without a wheel are refused: building one runs its code.
  package var takesWheelsOnly = true
  /// The program uv, or nil: the first in PATH, and where there is none pip of the Python that runs plugins.
  package var uv: AbsolutePath?
  /// The most that one environment may hold, in MiB.
  package var maximumMebibytes = 10 * 1024

  /// In place of an address.
  package static let noIndex = "none"
  static let usualIndex = try? PackageIndexURL("https://pypi.org/simple")
  /// Where that one has its files.
  private static let usualFileHosts = [try? HostPattern("files.pythonhosted.org")].compactMap(\.self)

  package init() {}
}

/// The address of a package index: `https://packages.example.org/simple`, by the rules of a registry's.
package struct PackageIndexURL: Hashable, Sendable, CustomStringConvertible {
  private let address: RegistryAddress
  package var description: String { address.description }

  package static let grammar =
    "an address like https://packages.example.org/simple, without a user, a query or a fragment"

  package init(_ text: String) throws(RegistryAddress.Problem) { address = try RegistryAddress(text) }

  package var isEncrypted: Bool { address.origin.scheme == .https }

  /// By an address that leads nowhere else. Not `localhost`: to a worker that is itself.
  package var isOfThisHost: Bool {
    if case .address = address.origin.host { address.origin.isLoopback } else { false }
  }

  /// What a worker needs to reach it.
  package var permission: Permission {
    let endpoint = HostEndpoint(host: address.origin.host, port: address.origin.port)
    switch endpoint.port {
    case 80, 443: return .networkHTTP(hosts: [endpoint.host.description])
    default: return .networkSocket(endpoints: [endpoint.description])
    }
  }
}

extension PythonSettings {
  package enum SectionKey: String, CaseIterable {
    case index = "index_url"
    case fileHosts = "file_hosts"
    case wheels
    case wheelsOnly = "wheels_only"
    case uv
    case maximumSize = "max_size_mb"
    case allowsPlain = "allow_http"
  }

  init(_ section: MappingReader<SectionKey>) {
    self.init()
    if let item = section.optional(.index) {
      index = Self.index(item)
      if index != Self.usualIndex { fileHosts = [] }
      let allowsPlain = section.optional(.allowsPlain)?.bool() ?? false
      if let index, !index.isEncrypted, !index.isOfThisHost, !allowsPlain {
        item.error(
          "\(index.description.quoted) is not encrypted",
          why: "whoever is on the way could put in packages of their own",
          hint: "write https://, or allow it: allow_http: true")
      }
    }
    if let hosts = section.optional(.fileHosts) {
      fileHosts = hosts.list(maximumCount: 64)?.compactMap(OperatorNetwork.hostPattern) ?? []
    }
    wheels = section.optional(.wheels)?.absoluteDirectory()
    takesWheelsOnly = section.optional(.wheelsOnly)?.bool() ?? true
    uv = section.optional(.uv)?.absoluteDirectory()
    maximumMebibytes = section.optional(.maximumSize)?.integer(in: 1...1 << 20) ?? maximumMebibytes
    if let item = section.optional(.index), item.node.jsonValue == .string(Self.noIndex), wheels == nil {
      item.error(
        "there is nowhere to get Python packages from", why: "there is no index and no 'wheels'",
        hint: "name a directory of wheels: wheels: /srv/wheels")
    }
  }

  private static func index(_ reader: ValueReader) -> PackageIndexURL? {
    guard let text = reader.string(), text != noIndex else { return nil }
    do throws(RegistryAddress.Problem) {
      return try PackageIndexURL(text)
    } catch {
      reader.error(
        "\(text.quoted) is not the address of a package index", why: error.words,
        hint: "write \(PackageIndexURL.grammar); or \(noIndex), for wheels of this host alone")
      return nil
    }
  }

  /// Where a worker may go that fetches packages.
  package var permissions: [Permission] {
    guard let index else { return [] }
    let hosts = fileHosts.map(\.description)
    return [index.permission] + (hosts.isEmpty ? [] : [.networkHTTP(hosts: hosts)])
  }
}
