import LinuxSystem

/// One direction of a relayed connection: what is read from one socket is written to another as soon as that takes it.
///
/// It holds bytes only while the receiver is slower than the sender, and then at most ``limit``: until they are gone, nothing
/// more is read, and the sender is held up by TCP itself.
struct RelayFlow {
  /// Bytes that may wait, of each direction of each connection.
  static let limit = 64 << 10
  /// Reads in a row, so that a connection that always has more doesn't keep the others waiting.
  private static let turns = 8

  enum Progress {
    /// It waits for the sender or the receiver.
    case waiting
    /// The sender's end of the stream was passed on.
    case finished
    /// One of the two is broken.
    case broken
  }

  private var waiting: [UInt8]
  private var sent = 0
  private var isFinished = false

  /// - Parameter first: what goes before all that is read.
  init(first: [UInt8] = []) { waiting = first }

  /// What the sender is to be asked for.
  var isReading: Bool { waiting.isEmpty && !isFinished }
  var isWriting: Bool { !waiting.isEmpty }

  /// Moves what can be moved. `buffer` is scratch space of at most ``limit`` bytes; `moved` is told of bytes that were written, and
  /// answers whether more may be.
  mutating func move(
    from source: FileDescriptor, to target: FileDescriptor, through buffer: UnsafeMutableRawBufferPointer,
    moved: (Int) -> Bool
  ) -> Progress {
    if isFinished { return .finished }
    do throws(SystemError) {
      for _ in 0..<Self.turns {
        guard try flush(to: target, moved) else { return .waiting }
        guard let count = try InternetSocket.read(source, into: buffer) else { return .waiting }
        if count == 0 {
          // At once, whichever turn it is: the poller will tell of no end a second time to who doesn't ask.
          InternetSocket.endWriting(target)
          isFinished = true
          return .finished
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
        let taken = try InternetSocket.write(target, bytes) ?? 0
        if taken > 0, !moved(taken) { return .broken }
        if taken < count {
          waiting = Array(bytes[taken...])
          return .waiting
        }
      }
      return .waiting
    } catch {
      return .broken
    }
  }

  /// False while something waits.
  private mutating func flush(to target: FileDescriptor, _ moved: (Int) -> Bool) throws(SystemError) -> Bool {
    while sent < waiting.count {
      guard let taken = try InternetSocket.write(target, waiting, from: sent) else { return false }
      sent += taken
      if taken > 0, !moved(taken) { throw SystemError("send", nil, .brokenPipe) }
    }
    waiting = []
    sent = 0
    return true
  }
}
