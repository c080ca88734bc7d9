import LinuxSystem
import PluginModel
import SandboxPlanning

/// One connection of a worker. Of the relay's thread alone.
final class RelayConnection {
  /// What it is doing.
  enum Phase {
    /// The machine decides; nothing is copied yet.
    case deciding
    /// A connection to the resolver.
    case asking
    case copying
    /// The relay's last words go out; what still comes is thrown away, so that these are not lost to a reset.
    case leaving
  }

  /// The sockets of a connection are told apart by the low bits of their tokens.
  static let slotBits: UInt64 = 6
  static let workerSlot: UInt64 = 0

  let identifier: UInt64
  let worker: FileDescriptor
  var phase: Phase
  // Beside the phase, not in it: what they have collected grows in place, instead of being copied with every piece.
  var machine: RelayMachine
  var questions = DNSStream()
  var up = RelayFlow()
  var down = RelayFlow()
  /// To the worker, from the relay itself.
  var answer: [UInt8] = []
  /// From the worker, for the other side, before anything is copied.
  var first: [UInt8] = []
  var upstream: RelaySocket?
  var dialling: RelayDialling?
  /// Milliseconds of the loop's clock.
  var deadline: Int64?
  var workerInterest: SocketPoller.Interest?
  /// The poller has reported the worker's end, and doesn't watch it any more.
  var isWorkerOver = false

  init(identifier: UInt64, worker: FileDescriptor, phase: Phase, policy: EgressPolicy) {
    self.identifier = identifier
    self.worker = worker
    self.phase = phase
    machine = RelayMachine(policy: policy)
  }

  func token(_ slot: UInt64) -> UInt64 { identifier << Self.slotBits | slot }
}

/// A socket to the other side.
struct RelaySocket {
  var descriptor: FileDescriptor
  var slot: UInt64
  /// Nil: the poller doesn't have it any more.
  var interest: SocketPoller.Interest?
}

/// Connections under way to the addresses of one host: the next is tried when one has failed, or hasn't answered for a moment
/// (RFC 8305), and the first that is there is taken.
struct RelayDialling {
  /// "Connection Attempt Delay", RFC 8305 §8. Milliseconds.
  static let delay: Int64 = 250
  static let atOnce = 4

  let port: UInt16
  private(set) var left: ArraySlice<NetworkAddress>
  var attempts: [RelaySocket] = []
  /// Of the last that failed.
  var error: ErrorCode = .hostUnreachable
  var nextAt: Int64 = 0
  private var slot: UInt64 = 0

  init(_ addresses: [NetworkAddress], port: UInt16) {
    self.port = port
    left = Self.interleaved(addresses)[...]
  }

  var isOver: Bool { attempts.isEmpty && left.isEmpty }
  /// When another is to be tried if none has answered; nil: there is no other.
  var next: Int64? { left.isEmpty || attempts.count >= Self.atOnce ? nil : nextAt }

  mutating func take() -> (address: NetworkAddress, slot: UInt64)? {
    guard let address = left.popFirst() else { return nil }
    slot += 1
    return (address, slot)
  }

  /// The families in turn, beginning with that of the first address; else as they came: RFC 8305 §4.
  static func interleaved(_ addresses: [NetworkAddress]) -> [NetworkAddress] {
    let isFirst = { (address: NetworkAddress) in address.bitWidth == addresses.first?.bitWidth }
    let (own, other) = (addresses.filter(isFirst), addresses.filter { !isFirst($0) })
    return (0..<max(own.count, other.count)).flatMap { index in
      [own, other].compactMap { $0.indices.contains(index) ? $0[index] : nil }
    }
  }
}
