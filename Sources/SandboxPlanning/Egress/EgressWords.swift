import PluginModel

extension EgressPolicy {
  /// The whole policy for a person who reviews it; empty where nothing can be reached.
  var lines: [String] {
    guard !allowsNothing else { return [] }
    var lines: [String] = []
    if allowsEverything { return [] }
    if allowsAnyPublicHost { lines.append("any public host: ports 80 and 443, by Host and by TLS server name") }
    lines += hosts.map { "\($0): ports 80 and 443, by Host and by TLS server name" }
    lines += endpoints.map { "\($0): TCP, not looked at" }
    lines += privateNetworks.map { "not public, opened by the operator: \($0)" }
    return lines + caps.lines
  }

  var jsonValue: JSONValue {
    [
      "everything": .bool(allowsEverything),
      "anyPublicHost": .bool(allowsAnyPublicHost),
      "hosts": .strings(hosts.map(\.description)),
      "endpoints": .strings(endpoints.map(\.description)),
      "privateNetworks": .strings(privateNetworks.map(\.description)),
      "caps": caps.jsonValue,
    ]
  }

  /// What this policy allows and `other` doesn't, one line each. Errs on the side of naming what makes no difference.
  package func widenings(over other: EgressPolicy) -> [String] {
    guard !allowsNothing else { return [] }
    var found: [String] = []
    if allowsEverything, !other.allowsEverything { found.append("everything that is public") }
    if allowsAnyPublicHost, !other.allowsAnyPublicHost { found.append("any public host") }
    found += hosts.filter { own in !other.hosts.contains { $0.covers(own) } }.map(\.description)
    found += Set(endpoints).subtracting(other.endpoints).sorted().map(\.description)
    found += Set(privateNetworks).subtracting(other.privateNetworks).sorted().map(\.description)
    if caps.isWider(than: other.caps) { found.append("caps") }
    return found.map { "network: \($0)" }
  }
}

extension EgressCaps {
  fileprivate var lines: [String] {
    [
      "at most \(connectionsAtOnce) connections at once",
      connectionsInTotal.map { "at most \($0) connections in total" },
      bytesUp.map { "at most \($0) bytes sent" }, bytesDown.map { "at most \($0) bytes received" },
    ].compactMap(\.self)
  }

  fileprivate var jsonValue: JSONValue {
    func number(_ value: (some BinaryInteger)?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }
    return [
      "connectionsAtOnce": .integer(Int64(connectionsAtOnce)), "connectionsInTotal": number(connectionsInTotal),
      "bytesUp": number(bytesUp), "bytesDown": number(bytesDown),
    ]
  }

  fileprivate func isWider(than other: EgressCaps) -> Bool {
    func isAbove<Amount: Comparable>(_ mine: Amount?, _ theirs: Amount?) -> Bool {
      guard let theirs else { return false }
      return mine.map { $0 > theirs } ?? true
    }
    return connectionsAtOnce > other.connectionsAtOnce || isAbove(connectionsInTotal, other.connectionsInTotal)
      || isAbove(bytesUp, other.bytesUp) || isAbove(bytesDown, other.bytesDown)
  }
}
