import Foundation
import LinuxSystem
import PluginModel
import Testing

@testable import orchestrator

@Suite("The service manager")
struct ServiceManagerTests {
  /// Where notices come to.
  private final class Listener: Sendable {
    let address: ServiceNoticeAddress
    private let number: Int32

    init() throws {
      let name = "orchestrator-test-\(UUID().uuidString)"
      address = try ServiceNoticeAddress("@" + name)
      number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      var place = sockaddr_un()
      place.sun_family = sa_family_t(AF_UNIX)
      let bytes = [0] + Array(name.utf8)
      withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: bytes) }
      let number = number
      let isBound = withUnsafePointer(to: &place) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, socklen_t(2 + bytes.count)) == 0 }
      }
      try #require(isBound)
    }

    deinit { close(number) }

    /// What has come until now.
    var notices: [String] {
      var found: [String] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = recv(number, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        guard count >= 0 else { return found }
        found.append(String(decoding: buffer.prefix(count), as: UTF8.self))
      }
    }
  }

  private func manager(_ listener: Listener) -> ServiceManager {
    ServiceManager(listener.address) { Issue.record("\($0)") }
  }

  @Test("hears of a reload before and after it, also where nothing came of it")
  func reload() async throws {
    let listener = try Listener()
    let manager = manager(listener)
    await manager.tell(.listening("at x"))
    #expect(listener.notices == ["READY=1\nSTATUS=at x\n"])
    let during = try await manager.reloading { () async throws(CommandFailure) in listener.notices }
    #expect(during.count == 1 && during[0].hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
    #expect(listener.notices == ["READY=1\n"])
    await #expect(throws: CommandFailure.self) {
      try await manager.reloading { () async throws(CommandFailure) in throw CommandFailure(.invalidInput, "wrong") }
    }
    #expect(listener.notices.last == "READY=1\n")
  }

  @Test("hears that the server lives as long as it answers")
  func alive() async throws {
    let listener = try Listener()
    let manager = manager(listener)
    await manager.tell(.listening(""))
    let watching = Task { await manager.watch(within: .milliseconds(100)) {} }
    var seen: [String] = []
    for _ in 0..<3000 where seen.count < 4 {
      try await Task.sleep(for: .milliseconds(20))
      seen += listener.notices
    }
    watching.cancel()
    await watching.value
    #expect(Array(seen.prefix(4)) == ["READY=1\nSTATUS=\n"] + Array(repeating: "WATCHDOG=1\n", count: 3))
  }

  @Test("hears nothing of a server that doesn't answer")
  func hangs() async throws {
    let listener = try Listener()
    let manager = manager(listener)
    await manager.tell(.listening(""))
    let watching = Task {
      await manager.watch(within: .milliseconds(20)) { try await Task.sleep(for: .seconds(3600)) }
    }
    try await Task.sleep(for: .milliseconds(500))
    #expect(!listener.notices.contains("WATCHDOG=1\n"))
    watching.cancel()
  }

  @Test("hears nothing of a server one part of which fails, and the log says once why")
  func fails() async throws {
    let listener = try Listener()
    let (reports, sender) = AsyncStream.makeStream(of: String.self)
    let manager = ServiceManager(listener.address) { sender.yield($0) }
    await manager.tell(.listening(""))
    let watching = Task {
      await manager.watch(within: .milliseconds(20)) { throw CommandFailure(.invalidInput, "no database") }
    }
    var iterator = reports.makeAsyncIterator()
    // However long that takes beside others.
    #expect(await iterator.next()?.contains("no database") == true)
    try await Task.sleep(for: .milliseconds(500))
    watching.cancel()
    await watching.value
    sender.finish()
    #expect(await iterator.next() == nil, "it is told once")
    #expect(!listener.notices.contains("WATCHDOG=1\n"))
  }

  @Test("that takes nothing for a while misses nothing, and the order stays")
  func full() async throws {
    let listener = try Listener()
    let manager = manager(listener)
    await manager.tell(.listening(""))
    // As many as its queue holds, and some more.
    let telling = Task { for number in 0..<60 { await manager.tell(.status("\(number)")) } }
    try await Task.sleep(for: .milliseconds(200))
    var seen = listener.notices
    for _ in 0..<1200 where seen.count < 61 {
      try await Task.sleep(for: .milliseconds(50))
      seen += listener.notices
    }
    await telling.value
    #expect(seen == ["READY=1\nSTATUS=\n"] + (0..<60).map { "STATUS=\($0)\n" })
  }
}
