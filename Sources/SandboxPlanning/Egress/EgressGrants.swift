import PluginModel

extension EgressPolicy {
  /// - Parameter granted: all permissions of one plugin; those that have nothing to do with the network are passed over.
  /// - Throws: every grant that can't be honoured. A plugin gets all that it was granted, or isn't started.
  package init(granted: [Permission], operator network: OperatorNetwork) throws(Diagnostics) {
    var reading = GrantReading(network: network)
    for permission in Set(granted).sorted() { reading.add(permission) }
    guard reading.problems.isEmpty else { throw Diagnostics(reading.problems) }
    self.init(
      hosts: reading.patterns, allowsAnyPublicHost: reading.isAnyPublicHost, endpoints: reading.endpoints,
      privateNetworks: network.privateNetworks.map(\.value), caps: network.caps,
      allowsEverything: reading.isEverything)
  }
}

/// The grants of one plugin as they are read.
private struct GrantReading {
  let network: OperatorNetwork
  var isAnyPublicHost = false
  var isEverything = false
  var patterns: [HostPattern] = []
  var endpoints: [HostEndpoint] = []
  var problems: [Diagnostic] = []

  init(network: OperatorNetwork) { self.network = network }

  mutating func add(_ permission: Permission) {
    switch permission {
    case .networkHTTP([]): addEveryHost(permission)
    case .networkHTTP(let hosts): for host in hosts { addHost(host, of: permission) }
    case .networkSocket([]): addEverything(permission)
    case .networkSocket(let endpoints): for endpoint in endpoints { addEndpoint(endpoint, of: permission) }
    case .filesystemRead, .filesystemWrite, .systemExec, .gpuAccess, .memoryUnlimited: break
    }
  }

  /// What no list of hosts covers.
  /// - Parameter hint: what to grant instead, by the list.
  private mutating func isUnbounded(_ permission: Permission, hint: ([HostPattern]) -> String) -> Bool {
    guard let ceiling = network.allowedHosts else { return true }
    problems.append(
      Diagnostic(
        "\(permission) is more than this host allows", why: "'allowed_hosts' names what may be granted",
        hint: hint(ceiling.value), at: ceiling.location))
    return false
  }

  private mutating func addEveryHost(_ permission: Permission) {
    isAnyPublicHost = isUnbounded(permission) { allowed in
      allowed.isEmpty
        ? "revoke the grant: 'allowed_hosts' is empty and allows nothing"
        : "grant \(permission):\(allowed.map(\.description).joined(separator: ",")), or less"
    }
  }

  private mutating func addEverything(_ permission: Permission) {
    isEverything = isUnbounded(permission) { _ in
      "grant the endpoints that the plugin needs: network.socket:HOST:PORT,…"
    }
  }

  private mutating func addHost(_ text: String, of permission: Permission) {
    do throws(HostPattern.Problem) {
      let pattern = try HostPattern(text)
      if isAllowed(pattern, of: permission) { patterns.append(pattern) }
    } catch {
      problems.append(
        Diagnostic("\(text.quoted) can't be a scope of 'network.http'", why: error.words, hint: error.hint))
    }
  }

  private mutating func addEndpoint(_ text: String, of permission: Permission) {
    do throws(HostEndpoint.Problem) {
      let endpoint = try HostEndpoint(text)
      if isAllowed(.exact(endpoint.host), of: permission) { endpoints.append(endpoint) }
    } catch {
      problems.append(
        Diagnostic("\(text.quoted) can't be a scope of 'network.socket'", why: error.words, hint: error.hint))
    }
  }

  private mutating func isAllowed(_ pattern: HostPattern, of permission: Permission) -> Bool {
    guard let ceiling = network.allowedHosts, !ceiling.value.contains(where: { $0.covers(pattern) }) else {
      return true
    }
    problems.append(
      Diagnostic(
        "\(pattern) may not be granted on this host", why: "'allowed_hosts' doesn't cover it",
        hint: "revoke \(permission.name.rawValue) for it, or have the operator add it to 'allowed_hosts'",
        at: ceiling.location))
    return false
  }
}
