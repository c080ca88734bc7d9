import PluginModel

extension EgressPolicy {
  /// At most so many of a name's addresses are dialled; all that came are checked.
  package static let maximumAddresses = 16

  /// What may be dialled of the addresses that a host has just been resolved to, in the resolver's order.
  ///
  /// One address that may not be reached denies them all. A public service has no private address; a name that has both is
  /// a mistake, or rebinding, and dialling what is left would let its owner choose the moment. Called for every connection with fresh
  /// addresses: nothing is remembered from an earlier look.
  /// - Throws: which address may not be reached, and what would open it.
  package func dialable(_ addresses: [NetworkAddress], of host: Host, port: UInt16) throws(EgressDenial)
    -> [NetworkAddress]
  {
    guard route(to: host, port: port) != nil else { throw .notGranted(host, port: port) }
    var checked: [NetworkAddress] = []
    for address in addresses where !checked.contains(address) {
      guard permits(address, of: host, port: port) else {
        throw .privateAddress(address, of: host, port: port)
      }
      if checked.count < Self.maximumAddresses { checked.append(address) }
    }
    return checked
  }

  private func permits(_ address: NetworkAddress, of host: Host, port: UInt16) -> Bool {
    let addressClass = address.addressClass
    return addressClass == .global
      || privateNetworks.contains { $0.opens(address, addressClass, of: host, port: port) }
  }
}

extension PrivateNetwork {
  /// Metadata services hand out the host's own credentials: only an entry that names the one address opens them. A name
  /// opens private networks, and the host itself only where it says so (`localhost`): who owns a name chooses where it leads.
  fileprivate func opens(
    _ address: NetworkAddress, _ addressClass: AddressClass, of host: Host, port: UInt16
  ) -> Bool {
    guard addressClass.canBeOpened else { return false }
    switch self {
    case .network(let prefix):
      return prefix.contains(address) && (addressClass != .metadata || prefix.isSingleAddress)
    case .host(let pattern, let ownPort):
      guard ownPort == port, pattern.covers(host) else { return false }
      switch host {
      case .address(let named): return named == address
      case .name(let name): return addressClass.isPrivateNetwork || (addressClass == .loopback && name.isLocalhost)
      }
    }
  }
}
