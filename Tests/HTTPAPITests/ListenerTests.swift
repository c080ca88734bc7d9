import Foundation
import Hummingbird
import LinuxSystem
import NIOCore
import Testing

@testable import HTTPAPI

@Suite("Connections to the server", .serialized)
struct ListenerTests {
  /// A listener that answers with the size of what was sent, while `body` runs.
  private func serving(
    _ change: (inout HTTPListener.Limits) -> Void, _ body: @escaping @Sendable (UInt16) throws -> Void
  ) async throws {
    var limits = HTTPListener.Limits()
    change(&limits)
    try await listening(
      limits,
      respond: { request, _ in
        var count = 0
        do {
          for try await piece in request.body { count += piece.readableBytes }
        } catch {
          return Response(status: .badRequest)
        }
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "\(count)")))
      }, body)
  }

  /// Sends it again and again while `body` runs, and not a moment longer: the number of a connection that was closed is soon another's.
  private func dripping(_ text: String, on connection: RawConnection, _ body: () -> Void) {
    let (isOver, ended) = (OnceFlag(), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      while !isOver.isSet {
        connection.send(text)
        usleep(100_000)
      }
      ended.signal()
    }
    body()
    isOver.set()
    ended.wait()
  }

  @Test("who sends a request byte by byte is cut off when its time is over")
  func drips() async throws {
    try await serving({ $0.request = .seconds(1) }) { port in
      let connection = try RawConnection.open(port)
      defer { connection.close() }
      connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
      let start = Date()
      dripping("a", on: connection) { _ = connection.receive(seconds: 15) }
      #expect(Date().timeIntervalSince(start) < 10)
    }
  }

  @Test("who sends the head of a request byte by byte is cut off too")
  func slowHeads() async throws {
    try await serving({ $0.idle = .seconds(1) }) { port in
      let connection = try RawConnection.open(port)
      defer { connection.close() }
      let start = Date()
      connection.send("GET / HTTP/1.1\r\n")
      dripping("X-A: b\r\n", on: connection) { _ = connection.receive(seconds: 15) }
      #expect(Date().timeIntervalSince(start) < 10)
    }
  }

  @Test("connections beyond the bound wait, and are answered when others have gone")
  func bounded() async throws {
    try await serving({ $0.connections = 4 }) { port in
      let head = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
      let held = try (0..<4).map { _ in try RawConnection.open(port) }
      for connection in held {
        connection.send(head)
        #expect(connection.receive { $0.hasSuffix("0") }.contains("200"))
      }
      let waiting = try RawConnection.open(port)
      waiting.send(head)
      #expect(waiting.receive(seconds: 1) { $0.hasSuffix("0") } == "")
      for connection in held { connection.close() }
      #expect(waiting.receive(seconds: 10) { $0.hasSuffix("0") }.contains("200"))
      waiting.close()
    }
  }

  @Test("every response says when it was made, as RFC 9110 has it")
  func dates() {
    #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(HTTPDate.text(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
  }
}
