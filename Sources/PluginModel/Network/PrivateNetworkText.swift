extension PrivateNetwork {
  /// Why a text is no item of `private_networks`: what, why and hint of a diagnostic.
  package struct Problem: Error, Hashable, Sendable {
    package var what: String
    package var why: String?
    package var hint: String?
  }

  private static let forms = "write a network, for example '10.1.0.0/16', or HOST:PORT, for example 'db.internal:5432'"

  /// `10.1.0.0/16`, `fd12::/16`, `127.0.0.1`, `db.internal:5432`, `*.corp.example:443`, `[fd12::7]:443`.
  package init(_ text: String) throws(Problem) {
    if let prefix = NetworkPrefix(text) {
      try Self.check(prefix, text)
      self = .network(prefix)
      return
    }
    if text.contains("/") {
      throw Problem(
        what: "\(text.quoted) is not a network",
        why: "a network is an address, '/' and the number of its leading bits; the bits behind are 0",
        hint: Self.forms)
    }
    guard let (host, port) = HostEndpoint.split(text) else {
      throw Problem(what: "\(text.quoted) is neither a network nor a host with a port", hint: Self.forms)
    }
    let pattern: HostPattern
    do throws(HostPattern.Problem) {
      pattern = try HostPattern(host)
    } catch {
      throw Problem(what: "\(text.quoted) is neither a network nor a host", why: error.words, hint: error.hint)
    }
    if case .exact(.address(let address)) = pattern { try Self.check(NetworkPrefix(address), text) }
    self = .host(pattern, port: port)
  }

  /// What is public needs no leave, and what is too wide was not meant: `0.0.0.0/0` would open the host itself.
  private static func check(_ prefix: NetworkPrefix, _ text: String) throws(Problem) {
    let addressClass = prefix.address.addressClass
    guard addressClass.canBeOpened else {
      throw Problem(
        what: "\(text.quoted) can't be opened to plugins", why: "\(prefix.address) \(addressClass.words)",
        hint: addressClass == .global
          ? "leave it out: public hosts are reached by granting them"
          : "name a private network, for example '10.1.0.0/16'")
    }
    guard prefix.lastAddress.addressClass == addressClass || addressClass == .metadata else {
      throw Problem(
        what: "\(text.quoted) is more than a private network", why: "it would cover addresses of other kinds",
        hint: "name the networks that plugins need, for example '10.1.0.0/16'")
    }
  }
}
