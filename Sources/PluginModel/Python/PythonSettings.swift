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
  static let usualIndex = PackageIndexURL("https://pypi.org/simple")
  /// Where that one has its files.
  private static let usualFileHosts = [try? HostPattern("files.pythonhosted.org")].compactMap(\.self)

  package init() {}
}

/// The address of a package index: `https://pypi.org/simple`.
package struct PackageIndexURL: Hashable, Sendable, CustomStringConvertible {
  package let isEncrypted: Bool
  package let endpoint: HostEndpoint
  /// As it was written, without a `/` at its end.
  package let description: String

  package static let grammar = "an address like https://pypi.org/simple, without a user, a query or a fragment"

  package init?(_ text: String) {
    guard text.utf8.count <= 1024, text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }),
      !text.contains(where: { "@?#\\\"<>^`{|}".contains($0) })
    else { return nil }
    let rest: Substring
    if text.hasPrefix("https://") {
      (isEncrypted, rest) = (true, text.dropFirst(8))
    } else if text.hasPrefix("http://") {
      (isEncrypted, rest) = (false, text.dropFirst(7))
    } else {
      return nil
    }
    let authority = rest.prefix { $0 != "/" }
    if let endpoint = try? HostEndpoint(authority) {
      self.endpoint = endpoint
    } else if let host = try? Host(authority) {
      endpoint = HostEndpoint(host: host, port: isEncrypted ? 443 : 80)
    } else {
      return nil
    }
    var text = text
    while text.hasSuffix("/") { text.removeLast() }
    description = text
  }

  /// By an address that leads nowhere else.
  package var isOfThisHost: Bool {
    if case .address(let address) = endpoint.host { address.addressClass == .loopback } else { false }
  }

  /// What a worker needs to reach it.
  package var permission: Permission {
    switch endpoint.port {
    case 80, 443: .networkHTTP(hosts: [endpoint.host.description])
    default: .networkSocket(endpoints: [endpoint.description])
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
    guard let index = PackageIndexURL(text) else {
      reader.error(
        "\(text.quoted) is not the address of a package index",
        hint: "write \(PackageIndexURL.grammar); or \(noIndex), for wheels of this host alone")
      return nil
    }
    return index
  }

  /// Where a worker may go that fetches packages.
  package var permissions: [Permission] {
    guard let index else { return [] }
    let hosts = fileHosts.map(\.description)
    return [index.permission] + (hosts.isEmpty ? [] : [.networkHTTP(hosts: hosts)])
  }
}
