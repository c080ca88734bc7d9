import Foundation
import LinuxSystem
import Testing

@Suite("Sockets with a path")
struct UnixListenerTests {
  private let place: String
  private var path: String { place + "/s" }

  init() throws {
    // Below 108 bytes, with its name.
    place = "/var/tmp/orchestrator-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
  }

  private func cleaned(_ body: () throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: place) }
    try body()
  }

  private func names() throws -> [String] { try Directory(opening: place).names(limit: 10) }

  private func connects() -> Bool {
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(probe) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }

  @Test("have the mode that was asked for, whatever the umask", arguments: [UInt32(0o660), 0o600, 0o666])
  func permissions(_ mode: UInt32) throws {
    try cleaned {
      let listener = try UnixListener.listen(at: path, permissions: mode)
      #expect(try Directory(opening: place).status("s").permissions == mode)
      #expect(try names() == ["s"])
      #expect(connects())
      listener.close()
      #expect(!connects())
    }
  }

  @Test("take the place of one that nobody serves, and never that of one that somebody does")
  func replaced() throws {
    try cleaned {
      let first = try UnixListener.listen(at: path, permissions: 0o660)
      #expect(throws: UnixListener.Refusal.isServed(path: path)) {
        try UnixListener.listen(at: path, permissions: 0o660)
      }
      #expect(connects())
      first.close()
      let second = try UnixListener.listen(at: path, permissions: 0o660)
      #expect(connects())
      #expect(try names() == ["s"])
      second.close()
    }
  }

  @Test("are served even where so many wait that no more may")
  func full() throws {
    try cleaned {
      let first = try UnixListener.listen(at: path, permissions: 0o660, backlog: 0)
      #expect(connects())
      #expect(throws: UnixListener.Refusal.isServed(path: path)) {
        try UnixListener.listen(at: path, permissions: 0o660)
      }
      first.close()
    }
  }

  @Test("take the place of no file, directory or link")
  func others() throws {
    try cleaned {
      let directory = try Directory(opening: place)
      try directory.create("file", [1])
      _ = try directory.makeDirectory("directory")
      try directory.makeLink("link", to: "file")
      for name in ["file", "directory", "link"] {
        let path = "\(place)/\(name)"
        #expect(throws: UnixListener.Refusal.notASocket(path: path)) {
          try UnixListener.listen(at: path, permissions: 0o660)
        }
      }
      #expect(try directory.contents("file", limit: 1).bytes == [1])
      #expect(try directory.names(limit: 10) == ["directory", "file", "link"])
    }
  }

  @Test("belong to one of many who begin at one time")
  func race() throws {
    defer { try? FileManager.default.removeItem(atPath: place) }
    do {
      for _ in 0..<20 {
        // Left by one that died.
        try? UnixListener.listen(at: path, permissions: 0o660).close()
        let (path, won) = (path, Lock([FileDescriptor]()))
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
          if let listener = try? UnixListener.listen(at: path, permissions: 0o660) {
            won.withLock { $0.append(listener) }
          }
        }
        #expect(won.withLock { $0.count } == 1)
        #expect(connects())
        for listener in won.withLock({ $0 }) { listener.close() }
        #expect(try names() == ["s"])
      }
    }
  }
}
