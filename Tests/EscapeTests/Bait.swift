import Foundation
import Glibc

/// What an escaped plugin would find on this host: a file, a socket of each kind, a process and a secret.
final class Bait: Sendable {
  static let marker = "orchestrator-secret-\(UUID().uuidString)"
  /// What the attempts are told. Every path, port and number is real and reachable for a process without a sandbox.
  let facts: String
  private let scratch: Scratch
  private let sockets: [Int32]
  private let process: Process

  init() throws {
    scratch = try Scratch()
    let listening = scratch.url.appendingPathComponent("s").path
    let abstract = "orchestrator-\(UUID().uuidString)"
    let (internet, port) = try Self.listenOnLoopback()
    sockets = [internet, try Self.listen(onPath: listening), try Self.listen(onAbstract: abstract)]
    guard chmod(listening, 0o666) == 0 else { throw Broken("chmod failed") }
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sleep")
    process.arguments = ["600"]
    // Or it would keep the test's own output open for ten minutes.
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let object: [String: Any] = [
      "file": try scratch.write("a file of the host", to: "secret.txt"),
      "writable_file": try scratch.write("", to: "writable.txt", mode: 0o666),
      "directory": Program.root.appendingPathComponent("Sources/Plugins/files").path,
      "pid": Int(process.processIdentifier), "marker": Self.marker, "port": port, "abstract": abstract,
      "socket": listening, "namespaces": try Self.namespaces(),
    ]
    facts = String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
  }

  /// The supervisor's, which are this process's.
  private static func namespaces() throws -> [String: String] {
    var links: [String: String] = [:]
    for name in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
      links[name] = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)")
    }
    return links
  }

  deinit {
    // It may have inherited a mask that blocks SIGTERM.
    kill(process.processIdentifier, SIGKILL)
    for socket in sockets { close(socket) }
  }

  /// As a JSON object, with what only some tests know added.
  func facts(adding more: [String: Any] = [:]) throws -> [String: Any] {
    guard var object = try JSONSerialization.jsonObject(with: Data(facts.utf8)) as? [String: Any] else {
      throw Broken("the facts are no object")
    }
    object.merge(more) { $1 }
    return object
  }

  private static func made(_ family: Int32) throws -> Int32 {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Broken("socket: \(errno)") }
    return descriptor
  }

  private static func listenOnLoopback() throws -> (descriptor: Int32, port: Int) {
    let descriptor = try made(AF_INET)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) | Glibc.listen(descriptor, 8) | getsockname(descriptor, $0, &length)
      }
    }
    guard result == 0 else { throw Broken("listen: \(errno)") }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  private static func listen(onPath path: String) throws -> Int32 { try listen(onName: Array(path.utf8) + [0]) }
  private static func listen(onAbstract name: String) throws -> Int32 { try listen(onName: [0] + Array(name.utf8)) }

  private static func listen(onName name: [UInt8]) throws -> Int32 {
    let descriptor = try made(AF_UNIX)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard name.count <= MemoryLayout.size(ofValue: address.sun_path) else { throw Broken("a name too long") }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) | Glibc.listen(descriptor, 8)
      }
    }
    guard result == 0 else { throw Broken("listen: \(errno)") }
    return descriptor
  }
}
