import Foundation
import HTTPAPI
import Hummingbird
import Logging
import NIOCore
import Testing

/// Runs what blocks on a thread of its own: the server that it waits for runs on Swift's.
func blocking<Success: Sendable>(_ body: @escaping @Sendable () throws -> Success) async throws -> Success {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}

/// A listener that answers with what `respond` makes of each request, while `body` runs with its port.
func listening(
  _ limits: HTTPListener.Limits = HTTPListener.Limits(),
  respond: @escaping @Sendable (Request, any Channel) async -> Response,
  _ body: @escaping @Sendable (UInt16) throws -> Void
) async throws {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let (ports, sender) = AsyncStream.makeStream(of: Int.self)
  let listener = HTTPListener([.address(host: "127.0.0.1", port: 0)], limits: limits, logger: logger) { bound in
    sender.yield((bound.first ?? nil) ?? 0)
  } respond: {
    await respond($0, $1)
  }
  let running = Task { try await listener.run() }
  defer { running.cancel() }
  var iterator = ports.makeAsyncIterator()
  let port = UInt16(try #require(await iterator.next()))
  try await blocking { try body(port) }
}

/// One connection, byte by byte.
struct RawConnection: Sendable {
  let number: Int32

  func send(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.send(number, $0.baseAddress?.advanced(by: offset), $0.count - offset, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      offset += count
    }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Until the other side ends, or `isEnough` says so, or nothing came for `seconds`.
  func receive(seconds: Int = 20, until isEnough: @Sendable (String) -> Bool = { _ in false }) -> String {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(number, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
      if isEnough(String(decoding: bytes, as: UTF8.self)) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func close() { Foundation.close(number) }

  static func open(_ port: UInt16) throws -> RawConnection {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    return RawConnection(number: number)
  }

  fileprivate static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return address
  }
}

/// A server that answers whatever a test wants, until it goes.
final class HostileServer: @unchecked Sendable {
  private let number: Int32
  let port: UInt16
  private let lock = NSLock()
  private var heads: [String] = []

  /// The heads of the requests that came.
  var requests: [String] { lock.withLock { heads } }

  /// - Parameter answer: gets the head of each request; the connection is closed behind it.
  /// - Parameter waits: for the head of a request.
  init(waits: Bool = true, _ answer: @escaping @Sendable (String, RawConnection) -> Void) throws {
    number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = RawConnection.loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = number
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(number, address, size) == 0 && listen(number, 64) == 0 && getsockname(number, address, &size) == 0
      }
    }
    try #require(result)
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      // Closed by who accepts on it alone: its number may be that of another server's socket a moment later.
      defer { Foundation.close(number) }
      while true {
        let connection = RawConnection(number: accept(number, nil, nil))
        guard connection.number >= 0 else { return }
        Thread.detachNewThread { [weak self] in
          defer { connection.close() }
          let head = connection.receive { !waits || $0.contains("\r\n\r\n") }
          if let self { self.lock.withLock { self.heads.append(head) } }
          answer(head, connection)
        }
      }
    }
  }

  convenience init(_ response: String) throws { try self.init { _, connection in connection.send(response) } }

  convenience init(body: [UInt8], type: String = "application/json", length: Int? = nil) throws {
    try self.init { _, connection in
      connection.send(
        "HTTP/1.1 200 OK\r\ncontent-type: \(type)\r\ncontent-length: \(length ?? body.count)\r\nconnection: close\r\n\r\n"
      )
      connection.send(body)
    }
  }

  deinit { shutdown(number, Int32(SHUT_RDWR)) }
}
