import PluginModel

/// Decides about one connection of a worker, from its opening until bytes may flow without being looked at.
///
/// Everything is checked before it has an effect: the name before it is resolved, each address before it is dialled, and
/// what the connection says about its host before it is passed on. Only then do bytes of the worker leave.
/// Memory is bounded: at most ``HTTPRequestReader/maximumBytes`` and one piece that the executor read.
package struct RelayMachine: Sendable {
  private struct Target {
    var host: Host
    var port: UInt16
    var route: EgressRoute
  }

  /// How refusals and failures are told to the program inside.
  private enum Voice {
    /// By a reset alone.
    case none
    case http
    case tls
  }

  private enum State {
    case new
    case readingProxyRequest
    case looking(Target)
    case resolving(Target)
    case connecting(Target)
    case copying
    case closed
  }

  private let policy: EgressPolicy
  private var state: State = .new
  private var voice: Voice = .none
  // Not of the state, so that they grow in place.
  private var request = HTTPRequestReader()
  private var inspector: Inspector?
  /// From the worker, not yet passed on.
  private var pending: [UInt8] = []
  /// CONNECT: it is answered once there is a connection, and looked at after that.
  private var isTunnel = false

  package init(policy: EgressPolicy) { self.policy = policy }

  /// While false, the executor reads nothing from the worker: the kernel's buffer is the bound.
  package var wantsInput: Bool {
    switch state {
    case .readingProxyRequest, .looking: true
    case .new, .resolving, .connecting, .copying, .closed: false
    }
  }

  /// Where a connection is being made to, once that is known and checked.
  package var destination: (host: String, port: UInt16)? {
    if case .connecting(let target) = state { (target.host.description, target.port) } else { nil }
  }

  package var isClosed: Bool { if case .closed = state { true } else { false } }

  package mutating func handle(_ event: RelayEvent) -> [RelayAction] {
    switch (event, state) {
    case (_, .closed): []
    case (.opened(let opening), .new): open(opening)
    case (.received(let bytes), .readingProxyRequest): readRequest(bytes)
    case (.received(let bytes), .looking(let target)): look(bytes, target)
    // Nobody asked for them; they wait with the rest.
    case (.received(let bytes), .resolving), (.received(let bytes), .connecting): wait(bytes)
    case (.endOfInput, .readingProxyRequest), (.endOfInput, .looking): close(.reset)
    // The end is met again when the copying begins.
    case (.endOfInput, .resolving), (.endOfInput, .connecting), (.endOfInput, .copying): []
    case (.resolved(let addresses), .resolving(let target)): dial(addresses, target)
    case (.resolutionFailed, .resolving(let target)): fail(target, .notResolved)
    case (.connected, .connecting(let target)): connected(target)
    case (.connectFailed(let code), .connecting(let target)): fail(target, .notConnected(code: code))
    case (.upstreamClosed, .copying): close(.afterAnswer)
    case (.upstreamClosed, _): close(.reset)
    case (.timerFired, .readingProxyRequest): fail(nil, .timedOut(.request))
    case (.timerFired, .looking(let target)): fail(target, .timedOut(.request))
    case (.timerFired, .resolving(let target)): fail(target, .timedOut(.resolution))
    case (.timerFired, .connecting(let target)): fail(target, .timedOut(.connection))
    case (.capReached(let cap), _): reachCap(cap)
    case (.opened, _), (.received, .new), (.received, .copying), (.endOfInput, .new), (.resolved, _),
      (.resolutionFailed, _), (.connected, _), (.connectFailed, _), (.timerFired, .new), (.timerFired, .copying):
      []
    }
  }

  // MARK: Opening

  private mutating func open(_ opening: RelayOpening) -> [RelayAction] {
    switch opening {
    case .proxy:
      voice = .http
      state = .readingProxyRequest
      return [.startTimer(.request)]
    case .direct(nil, let destination, let port):
      return deny(EgressDenial(host: Host.address(destination).description, port: port, reason: .unknownDestination))
    case .direct(.some(let host), _, let port):
      guard let route = policy.route(to: host, port: port) else { return deny(.notGranted(host, port: port)) }
      let target = Target(host: host, port: port, route: route)
      inspector = Inspector(route)
      guard inspector != nil else { return resolve(target) }
      voice = route == .http ? .http : .none
      state = .looking(target)
      return [.startTimer(.request)]
    }
  }

  private mutating func readRequest(_ bytes: [UInt8]) -> [RelayAction] {
    pending += bytes
    let result = request.append(bytes)
    switch result {
    case .needMore:
      return []
    case .http2, .malformed:
      return refuseRequest(result)
    case .head(let head):
      pending.removeFirst(min(head.byteCount, pending.count))
      switch head.target {
      case .authority(let authority):
        isTunnel = true
        return resolve(authority, port: authority.port ?? EgressPolicy.tlsPort)
      case .absolute("http", let authority, let path):
        pending = head.originForm(for: authority, path: path) + pending
        return resolve(authority, port: authority.port ?? EgressPolicy.httpPort)
      case .absolute(_, let authority, _):
        return deny(
          EgressDenial(host: authority.host.description, port: authority.port, reason: .unsuitableProxyRequest))
      case .origin:
        return deny(EgressDenial(host: "the proxy", port: nil, reason: .unsuitableProxyRequest))
      }
    }
  }

  private mutating func refuseRequest(_ result: HTTPRequestReader.Result) -> [RelayAction] {
    let reason: EgressDenial.Reason
    switch result {
    case .malformed(.invalidHost(let problem)): reason = .invalidHost(problem)
    case .malformed(let problem): reason = .malformedHTTP(problem)
    case .http2, .needMore, .head: reason = .unsuitableProxyRequest
    }
    let denial = EgressDenial(host: "the proxy", port: nil, reason: reason)
    if case .malformed(let problem) = result {
      return finish([.deny(denial), .answerWorker(ProxyAnswer.malformed(problem))], .afterAnswer)
    }
    return deny(denial)
  }

  // MARK: Names and addresses

  private mutating func resolve(_ authority: HTTPAuthority, port: UInt16) -> [RelayAction] {
    guard let route = policy.route(to: authority.host, port: port) else {
      return deny(.notGranted(authority.host, port: port))
    }
    return resolve(Target(host: authority.host, port: port, route: route))
  }

  private mutating func resolve(_ target: Target) -> [RelayAction] {
    switch target.host {
    case .name(let name):
      state = .resolving(target)
      return [.resolve(name), .startTimer(.resolution)]
    case .address(let address):
      return dial([address], target)
    }
  }

  private mutating func dial(_ addresses: [NetworkAddress], _ target: Target) -> [RelayAction] {
    do throws(EgressDenial) {
      let checked = try policy.dialable(addresses, of: target.host, port: target.port)
      guard !checked.isEmpty else { return fail(target, .noAddress) }
      state = .connecting(target)
      return [.dial(checked, port: target.port), .startTimer(.connection)]
    } catch {
      return deny(error)
    }
  }

  private mutating func connected(_ target: Target) -> [RelayAction] {
    guard isTunnel else { return copy() }
    let answer = RelayAction.answerWorker(ProxyAnswer.established)
    inspector = Inspector(target.route)
    guard inspector != nil else { return [answer] + copy() }
    // What comes now is the tunnel's own: HTTP again, or TLS.
    voice = target.route == .http ? .http : .none
    state = .looking(target)
    let early = pending
    pending = []
    return [answer, .startTimer(.request)] + (early.isEmpty ? [] : look(early, target))
  }

  private mutating func copy() -> [RelayAction] {
    let first: [RelayAction] = pending.isEmpty ? [] : [.forwardToUpstream(pending)]
    pending = []
    state = .copying
    return [.stopTimer] + first + [.startCopying]
  }

  // MARK: Looking

  private mutating func look(_ bytes: [UInt8], _ target: Target) -> [RelayAction] {
    pending += bytes
    if target.route == .tls { voice = .tls }
    switch inspector?.append(bytes, host: target.host, port: target.port) {
    case .needMore: return []
    case .agrees: return isTunnel ? copy() : resolve(target)
    case .refused(let denial): return deny(denial)
    // Only what is looked at comes here.
    case nil: return close(.reset)
    }
  }

  /// Bounded even where the executor doesn't heed ``wantsInput``.
  private mutating func wait(_ bytes: [UInt8]) -> [RelayAction] {
    guard pending.count + bytes.count <= 2 * HTTPRequestReader.maximumBytes else { return close(.reset) }
    pending += bytes
    return []
  }

  // MARK: Ends

  private mutating func deny(_ denial: EgressDenial) -> [RelayAction] {
    switch voice {
    case .none: finish([.deny(denial)], .reset)
    case .http: finish([.deny(denial), .answerWorker(ProxyAnswer.refused(denial))], .afterAnswer)
    case .tls: finish([.deny(denial), .answerWorker(ProxyAnswer.tlsAccessDenied)], .afterAnswer)
    }
  }

  private mutating func fail(_ target: Target?, _ reason: EgressFailure.Reason) -> [RelayAction] {
    let failure = EgressFailure(host: target?.host, port: target?.port, reason: reason)
    guard case .http = voice else { return finish([.fail(failure)], .reset) }
    return finish([.fail(failure), .answerWorker(ProxyAnswer.failed(failure))], .afterAnswer)
  }

  private mutating func reachCap(_ cap: EgressCap) -> [RelayAction] {
    let denial: EgressDenial
    switch state {
    case .looking(let target), .resolving(let target), .connecting(let target):
      denial = EgressDenial(host: target.host.description, port: target.port, reason: .capReached(cap))
    case .new, .readingProxyRequest, .copying, .closed:
      denial = EgressDenial(host: "the network", port: nil, reason: .capReached(cap))
    }
    // Bytes of the other side may have gone before.
    if case .copying = state { voice = .none }
    return deny(denial)
  }

  private mutating func close(_ how: RelayClose) -> [RelayAction] { finish([], how) }

  private mutating func finish(_ actions: [RelayAction], _ how: RelayClose) -> [RelayAction] {
    state = .closed
    pending = []
    return actions + [.stopTimer, .close(how)]
  }
}
