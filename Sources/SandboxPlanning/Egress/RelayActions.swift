import PluginModel

/// How a connection came to the relay.
package enum RelayOpening: Hashable, Sendable {
  /// To a listener of a granted port. `host` is what the accepted socket's own address stands for
  /// (``NameTable/host(at:port:policy:)``), nil where it stands for nothing.
  case direct(host: Host?, destination: NetworkAddress, port: UInt16)
  /// To the HTTP proxy.
  case proxy
}

/// What happened to one connection.
package enum RelayEvent: Hashable, Sendable {
  /// First, and once.
  case opened(RelayOpening)
  /// From the worker; only before ``RelayAction/startCopying``.
  case received([UInt8])
  /// The worker will send no more; only before ``RelayAction/startCopying``.
  case endOfInput
  /// To the last ``RelayAction/resolve(_:)``.
  case resolved([NetworkAddress])
  case resolutionFailed
  /// To the last ``RelayAction/dial(_:port:)``: one of the addresses answered.
  case connected
  /// None of them did. The last errno(3).
  case connectFailed(code: Int32)
  /// The other side has gone before the copying, or the copying has ended.
  case upstreamClosed
  /// The timer that was started last.
  case timerFired
  case capReached(EgressCap)
}

/// What the relay shall do next, in this order.
package enum RelayAction: Hashable, Sendable {
  /// Ask the host's resolver, for both families, as an absolute name: no search list may make another of it.
  case resolve(HostName)
  /// Connect to these addresses and no others, the first that answers.
  case dial([NetworkAddress], port: UInt16)
  case forwardToUpstream([UInt8])
  /// These bytes are the relay's own.
  case answerWorker([UInt8])
  /// Both ways until both have ended, without looking; then ``RelayEvent/upstreamClosed``. An end of one side's data is passed
  /// on as such (shutdown(2)).
  case startCopying
  /// In place of the one before.
  case startTimer(RelayTimer)
  case stopTimer
  /// Of both sockets. Nothing more is asked for.
  case close(RelayClose)
  /// To be told with the node.
  case deny(EgressDenial)
  /// Nothing was forbidden; the network or the other side failed.
  case fail(EgressFailure)
}

package enum RelayClose: Hashable, Sendable {
  /// With RST (SO_LINGER of 0): the program inside sees a refusal at once, not an empty answer.
  case reset
  /// What was answered is sent first.
  case afterAnswer
}

/// What is waited for, and how long at most.
package enum RelayTimer: String, CaseIterable, Sendable {
  /// The worker says what it wants.
  case request
  case resolution
  case connection

  package var milliseconds: Int64 {
    switch self {
    case .request: 30_000
    case .resolution: 15_000
    case .connection: 30_000
    }
  }
}

/// Why a connection that is allowed came to nothing.
package struct EgressFailure: Hashable, Sendable {
  package enum Reason: Hashable, Sendable {
    case notResolved
    case noAddress
    /// errno(3).
    case notConnected(code: Int32)
    case timedOut(RelayTimer)
  }

  /// Nil: the worker hasn't said.
  package let host: Host?
  package let port: UInt16?
  package let reason: Reason

  package var words: String {
    let destination = host.map { host in port.map { "\(host):\($0)" } ?? host.description } ?? "the proxy"
    return switch reason {
    case .notResolved: "the name of \(destination) was not found"
    case .noAddress: "the name of \(destination) has no address"
    case .notConnected(let code): "\(destination) could not be connected to (errno \(code))"
    case .timedOut(.request): "nothing was asked of \(destination) for too long"
    case .timedOut(.resolution): "the name of \(destination) was looked up for too long"
    case .timedOut(.connection): "\(destination) did not answer for too long"
    }
  }
}
