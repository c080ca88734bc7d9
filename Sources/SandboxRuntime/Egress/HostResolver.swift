import LinuxSystem
import PluginModel

/// Tells the addresses of host names. The host's own resolver, but for tests.
package protocol HostResolver: Sendable {
  /// In the order in which they are to be tried. Blocks for as long as it takes.
  func addresses(of name: HostName) throws(SystemError) -> [NetworkAddress]
}

/// getaddrinfo(3): `/etc/hosts`, DNS and whatever else the host's nsswitch.conf names.
package struct SystemResolver: HostResolver {
  package init() {}

  package func addresses(of name: HostName) throws(SystemError) -> [NetworkAddress] {
    try InternetSocket.resolve(name.text).map(NetworkAddress.init)
  }
}

/// The lookups of one worker, each on a thread of its own, since getaddrinfo(3) can't be told to stop. A worker whose names are
/// slow waits for its own lookups and for nobody else's.
final class NameLookups: Sendable {
  typealias Result = Swift.Result<[NetworkAddress], SystemError>
  private typealias Lookup = (name: HostName, then: @Sendable (Result) -> Void)
  /// Threads at one time, those among them that nobody waits for any more.
  static let width = 4
  /// Beyond this, a lookup fails at once.
  static let queueLimit = 256

  private struct State: Sendable {
    var running = 0
    var queue: [Lookup] = []
    var isClosed = false
  }
  private let resolver: any HostResolver
  private let state = Lock(State())

  init(_ resolver: any HostResolver) { self.resolver = resolver }

  /// `then` is called once, on a thread of the lookups' or on this one, unless ``close()`` comes first.
  func look(up name: HostName, then: @escaping @Sendable (Result) -> Void) {
    enum Decision { case start, queued, refused }
    let decision = state.withLock { state -> Decision in
      guard !state.isClosed, state.queue.count < Self.queueLimit else { return .refused }
      state.queue.append((name, then))
      guard state.running < Self.width else { return .queued }
      state.running += 1
      return .start
    }
    switch decision {
    case .queued: return
    case .refused: then(.failure(SystemError("getaddrinfo", name.text, .busy)))
    case .start:
      do throws(SystemError) {
        try runOnOwnThread(named: "resolve") { [self] in work() }
      } catch {
        // One that runs already takes what is queued; without any, nobody would.
        let orphans = state.withLock { state -> [Lookup] in
          state.running -= 1
          guard state.running == 0 else { return [] }
          defer { state.queue = [] }
          return state.queue
        }
        for orphan in orphans { orphan.then(.failure(error)) }
      }
    }
  }

  /// What is queued is dropped, and what runs tells nobody.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.queue = []
    }
  }

  private func work() {
    while let lookup = next() {
      let result = Result { () throws(SystemError) in try resolver.addresses(of: lookup.name) }
      if !state.withLock({ $0.isClosed }) { lookup.then(result) }
    }
  }

  private func next() -> Lookup? {
    state.withLock { state in
      if state.queue.isEmpty {
        state.running -= 1
        return nil
      }
      return state.queue.removeFirst()
    }
  }
}

extension NetworkAddress {
  /// As a socket has it.
  init(_ address: SocketAddress) {
    let groups = stride(from: 0, to: address.bytes.count, by: 2).map {
      UInt16(address.bytes[$0]) << 8 | UInt16(address.bytes[$0 + 1])
    }
    self =
      groups.count == 2
      ? .v4(IPv4Address(bits: UInt32(groups[0]) << 16 | UInt32(groups[1]))) : .v6(IPv6Address(groups: groups))
  }

  func socketAddress(port: UInt16) -> SocketAddress? {
    let bytes: [UInt8] =
      switch self {
      case .v4(let address): withUnsafeBytes(of: address.bits.bigEndian) { Array($0) }
      case .v6(let address):
        withUnsafeBytes(of: address.high.bigEndian) { Array($0) }
          + withUnsafeBytes(of: address.low.bigEndian) { Array($0) }
      }
    return SocketAddress(bytes: bytes, port: port)
  }
}
