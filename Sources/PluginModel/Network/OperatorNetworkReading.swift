extension SystemConfiguration {
  package enum NetworkKey: String, CaseIterable {
    case allowedHosts = "allowed_hosts"
    case privateNetworks = "private_networks"
    case maximumConnections = "max_connections"
    case maximumBytes = "max_bytes"
  }
  package enum MaximumConnectionsKey: String, CaseIterable {
    case atOnce = "at_once"
    case inTotal = "in_total"
  }
  package enum MaximumBytesKey: String, CaseIterable { case up, down }
}

extension OperatorNetwork {
  /// Reads `plugins.security.network`. Every key may be left out; an empty `allowed_hosts` allows nothing.
  init(_ reader: ValueReader) {
    self.init()
    guard let section = reader.mapping(SystemConfiguration.NetworkKey.self) else { return }
    // The key without a value is a list that nobody finished, and is refused as one: no ceiling is what it doesn't mean.
    if let hosts = section.value(.allowedHosts) {
      let items = hosts.list(maximumCount: 4096) ?? []
      allowedHosts = Located(items.compactMap(Self.hostPattern), at: hosts.location)
    }
    privateNetworks =
      section.optional(.privateNetworks)?.list(maximumCount: 1024)?.compactMap { item in
        Self.privateNetwork(item).map { Located($0, at: item.location) }
      } ?? []
    if let connections = section.optional(.maximumConnections) { caps.readConnections(connections) }
    if let bytes = section.optional(.maximumBytes) { caps.readBytes(bytes) }
  }

  static func hostPattern(_ reader: ValueReader) -> HostPattern? {
    guard let text = reader.string() else { return nil }
    do throws(HostPattern.Problem) {
      return try HostPattern(text)
    } catch {
      reader.error("\(text.quoted) is not a host that can be allowed", why: error.words, hint: error.hint)
      return nil
    }
  }

  private static func privateNetwork(_ reader: ValueReader) -> PrivateNetwork? {
    guard let text = reader.string() else { return nil }
    do throws(PrivateNetwork.Problem) {
      return try PrivateNetwork(text)
    } catch {
      reader.error(error.what, why: error.why, hint: error.hint)
      return nil
    }
  }
}

extension EgressCaps {
  /// A number is for connections at once; a mapping has one for each.
  fileprivate mutating func readConnections(_ reader: ValueReader) {
    guard case .mapping = reader.node.content else {
      connectionsAtOnce = reader.integer(in: 1...65_536) ?? connectionsAtOnce
      return
    }
    let section = reader.mapping(SystemConfiguration.MaximumConnectionsKey.self)
    connectionsAtOnce = section?.optional(.atOnce)?.integer(in: 1...65_536) ?? connectionsAtOnce
    connectionsInTotal = section?.optional(.inTotal)?.integer(in: 1...1_000_000_000)
  }

  /// An amount is for each direction; a mapping has one for each.
  fileprivate mutating func readBytes(_ reader: ValueReader) {
    guard case .mapping = reader.node.content else {
      bytesUp = reader.memory()
      bytesDown = bytesUp
      return
    }
    let section = reader.mapping(SystemConfiguration.MaximumBytesKey.self)
    bytesUp = section?.optional(.up)?.memory()
    bytesDown = section?.optional(.down)?.memory()
  }
}
