import PluginModel

// How a plan's egress is shown, and how two of them compare.

extension EgressPlan {
  /// For a person who reviews the plan: what may be reached, then how.
  var lines: [String] {
    var lines = policy.permissions.flatMap(\.reachable)
    if !policy.privateNetworks.isEmpty {
      lines.append("private networks among them: \(policy.privateNetworks.map(\.description).joined(separator: ", "))")
    }
    lines += policy.caps.words.map { "at most \($0)" }
    lines.append("nothing else: no other address, no UDP, no IPv6, no network interface but lo")
    lines.append("leads to lo: \(routes.map(\.description).joined(separator: ", "))")
    lines.append("answered by the relay: \(listeners.map(\.description).joined(separator: ", "))")
    return lines
  }

  /// For programs.
  var jsonValue: JSONValue {
    [
      "permissions": .strings(policy.permissions.map(\.description)),
      "privateNetworks": .strings(policy.privateNetworks.map(\.description)),
      "limits": .object(
        [
          ("connectionsAtOnce", Int64(policy.caps.connectionsAtOnce)),
          ("connectionsInTotal", policy.caps.connectionsInTotal.map { Int64($0) }),
          ("bytesUp", policy.caps.bytesUp), ("bytesDown", policy.caps.bytesDown),
        ].map { JSONValue.Member($0, $1.map(JSONValue.integer) ?? .null) }),
      "routes": .strings(routes.map(\.description)), "listeners": .strings(listeners.map(\.description)),
    ]
  }
}

extension Permission {
  /// One line for each host or endpoint of a network permission.
  fileprivate var reachable: [String] {
    switch self {
    case .networkHTTP([]): ["ports 80 and 443 of every public host"]
    case .networkHTTP(let hosts): hosts.map { "ports 80 and 443 of \($0)" }
    case .networkSocket(let endpoints): endpoints.map { "tcp \($0)" }
    case .filesystemRead, .filesystemWrite, .systemExec, .gpuAccess, .memoryUnlimited: []
    }
  }
}

extension EgressCaps {
  fileprivate var words: [String] {
    [
      "\(connectionsAtOnce) connections at once", connectionsInTotal.map { "\($0) connections in total" },
      bytesUp.map { "\(ByteCount(UInt64(clamping: $0))) sent" },
      bytesDown.map { "\(ByteCount(UInt64(clamping: $0))) received" },
    ].compactMap(\.self)
  }
}

extension SandboxPlan {
  /// Errs on the side of naming what makes no difference: a host that a wider pattern of the other plan covers isn't named.
  func egressWidenings(over other: SandboxPlan) -> [String] {
    guard let mine = egress?.policy else { return [] }
    guard let theirs = other.egress?.policy else { return ["network: \(mine.permissions.map(\.description).joined(separator: " "))"] }
    var found = mine.web.widenings(over: theirs.web)
    found += Set(mine.endpoints).subtracting(theirs.endpoints).map { "network: tcp \($0)" }.sorted()
    found += Set(mine.privateNetworks).subtracting(theirs.privateNetworks).map { "network: private \($0)" }.sorted()
    func isAbove<Amount: Comparable>(_ mine: Amount?, _ theirs: Amount?) -> Bool {
      guard let theirs else { return false }
      return mine.map { $0 > theirs } ?? true
    }
    let caps: [(String, Bool)] = [
      ("connections at once", mine.caps.connectionsAtOnce > theirs.caps.connectionsAtOnce),
      ("connections in total", isAbove(mine.caps.connectionsInTotal, theirs.caps.connectionsInTotal)),
      ("bytes sent", isAbove(mine.caps.bytesUp, theirs.caps.bytesUp)),
      ("bytes received", isAbove(mine.caps.bytesDown, theirs.caps.bytesDown)),
    ]
    return found + caps.filter(\.1).map { "network: \($0.0)" }
  }
}

extension EgressPolicy.Web {
  fileprivate func widenings(over other: EgressPolicy.Web) -> [String] {
    switch (self, other) {
    case (.anyPublicHost, .anyPublicHost): []
    case (.anyPublicHost, .listed): ["network: every public host"]
    case (.listed(let mine), .listed(let theirs)):
      mine.filter { pattern in !theirs.contains { $0.covers(pattern) } }.map { "network: \($0)" }
    case (.listed(let mine), .anyPublicHost):
      mine.filter { !$0.isPublic }.map { "network: \($0)" }
    }
  }
}

extension HostPattern {
  /// Bare `network.http` covers it.
  fileprivate var isPublic: Bool {
    switch self {
    case .exact(.name(let name)): name.isOfPublicDNS
    case .exact(.address(let address)): address.isPublic
    case .beneath(let name): name.isOfPublicDNS
    }
  }
}
