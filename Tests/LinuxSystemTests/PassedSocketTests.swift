import Foundation
import Testing

@testable import LinuxSystem

@Suite("Sockets that came from elsewhere")
struct PassedSocketTests {
  /// A socket of that family at that address, whose number is whoever takes it.
  private func bound(_ family: Int32, _ type: __socket_type, listens: Bool = false) throws -> Int32 {
    let number = socket(family, Int32(type.rawValue), 0)
    try #require(number >= 0)
    let isBound: Bool
    if family == AF_INET6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_addr = in6addr_loopback
      isBound = bind(number, &address)
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      isBound = bind(number, &address)
    }
    try #require(isBound)
    if listens { try #require(listen(number, 8) == 0) }
    return number
  }

  private func bind<Address>(_ number: Int32, _ address: inout Address, size: Int = MemoryLayout<Address>.size) -> Bool
  {
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.bind(number, $0, socklen_t(size)) == 0 }
    }
  }

  private func local(_ type: __socket_type, _ name: [UInt8]) throws -> Int32 {
    let number = socket(AF_UNIX, Int32(type.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    try #require(bind(number, &address, size: 2 + name.count))
    return number
  }

  @Test("are known by family, kind and place, and aren't handed on")
  func kinds() throws {
    let listening = try bound(AF_INET, SOCK_STREAM, listens: true)
    #expect(fcntl(listening, F_GETFD) & FD_CLOEXEC == 0)
    let taken = try PassedSocket(taking: listening)
    #expect(fcntl(listening, F_GETFD) & FD_CLOEXEC != 0)
    guard case .internet(let address) = taken.kind else {
      Issue.record("\(taken.kind)")
      return
    }
    #expect(address.bytes == [127, 0, 0, 1] && address.port > 0 && taken.isStream && taken.isListening)

    let idle = try PassedSocket(taking: bound(AF_INET6, SOCK_STREAM))
    guard case .internet(let loopback) = idle.kind else {
      Issue.record("\(idle.kind)")
      return
    }
    #expect(loopback.bytes == [UInt8](repeating: 0, count: 15) + [1] && !idle.isListening)
    #expect(try !PassedSocket(taking: bound(AF_INET, SOCK_DGRAM)).isStream)
  }

  @Test("of the file system and of the abstract space are told apart", arguments: [true, false])
  func local(isPath: Bool) throws {
    let path = NSTemporaryDirectory() + "passed-\(UUID().uuidString.prefix(8))"
    defer { unlink(path) }
    let name = isPath ? Array(path.utf8) : [0] + Array(path.utf8)
    #expect(try PassedSocket(taking: local(SOCK_STREAM, name)).kind == .unix(name))
  }

  @Test("that are none are refused", arguments: [false, true])
  func none(isOpen: Bool) throws {
    let number = isOpen ? open("/dev/null", O_RDONLY) : Int32(999_999)
    defer { if isOpen { close(number) } }
    #expect(throws: SystemError.self) { try PassedSocket(taking: number) }
    if isOpen { #expect(fcntl(number, F_GETFD) >= 0) }
  }

  @Test("get datagrams by path and by abstract name", arguments: [true, false])
  func datagrams(isPath: Bool) throws {
    let path = NSTemporaryDirectory() + "notices-\(UUID().uuidString.prefix(8))"
    defer { unlink(path) }
    let name = isPath ? Array(path.utf8) : [0] + Array(path.utf8)
    let number = try local(SOCK_DGRAM, name)
    defer { close(number) }
    try DatagramSocket.send("READY=1\n", to: name)
    var buffer = [UInt8](repeating: 0, count: 100)
    let count = recv(number, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1\n")
  }

  @Test("that are full make nobody wait")
  func full() throws {
    let name = [0] + Array("full-\(UUID().uuidString)".utf8)
    let number = try local(SOCK_DGRAM, name)
    defer { close(number) }
    let start = Date()
    #expect(throws: SystemError("sendto", nil, .tryAgain)) {
      for _ in 0..<100_000 { try DatagramSocket.send("WATCHDOG=1\n", to: name) }
    }
    #expect(Date().timeIntervalSince(start) < 10)
    #expect(throws: SystemError.self) { try DatagramSocket.send("READY=1\n", to: [0] + Array("nobody".utf8)) }
  }
}
