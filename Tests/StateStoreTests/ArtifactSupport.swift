import Foundation
import LinuxSystem
import PluginModel
import StateStore
import Testing

/// A state directory that lives as long as a test, and looks at the files of a store from outside.
final class ArtifactPlace: Sendable {
  let path: String
  var state: String { path + "/state" }
  var objects: String { state + "/objects" }

  init() throws {
    path = NSTemporaryDirectory() + "orchestrator-artifacts-" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func store(
    limit: Int = ArtifactStore.defaultLimit, _ options: ArtifactStore.Options = .init()
  ) async throws -> ArtifactStore {
    try await ArtifactStore(making: state, limit: limit, options: options)
  }

  func file(_ stored: StoredValue) -> String { Self.file(stored, objects) }

  static func file(_ stored: StoredValue, _ objects: String) -> String {
    let digits = stored.digest.hexadecimal
    return "\(objects)/\(digits.prefix(2))/\(digits.dropFirst(2))"
  }

  /// Paths beneath `objects`, of what is no directory and not the lock.
  func names() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: objects).filter { name in
      var isDirectory: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: "\(objects)/\(name)", isDirectory: &isDirectory)
      return name != "lock" && !(isThere && isDirectory.boolValue)
    }.sorted()
  }

  static func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  /// As a user who may write to it, and another who has done so.
  func change(_ stored: StoredValue, _ body: (UnsafeMutablePointer<FILE>, Int) throws -> Void) throws {
    let path = file(stored)
    #expect(chmod(path, 0o600) == 0)
    let file = try #require(fopen(path, "r+"))
    defer { fclose(file) }
    try body(file, stored.byteCount)
  }

  func age(_ path: String, by seconds: Int) {
    var times = [timespec](repeating: timespec(tv_sec: time(nil) - seconds, tv_nsec: 0), count: 2)
    #expect(utimensat(AT_FDCWD, path, &times, AT_SYMLINK_NOFOLLOW) == 0)
  }
}

/// Memory that says it has so many bytes, and has others.
final class OddMemory: SharedBytes {
  let byteCount: Int
  private let actual: [UInt8]

  init(_ bytes: [UInt8], claiming count: Int? = nil) {
    actual = bytes
    byteCount = count ?? bytes.count
  }

  func prefix(_ limit: Int) -> [UInt8] { bytes(at: 0, count: limit) }
  func bytes(at offset: Int, count: Int) -> [UInt8] { Array(actual.dropFirst(offset).prefix(count)) }
}

/// `count` bytes that differ from those of another seed. No two chunks are alike: what repeats does so at a prime.
func made(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  let tile = (0..<4099).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state >> 24)
  }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + tile.count)
  while bytes.count < count { bytes += tile }
  bytes.removeLast(bytes.count - count)
  return bytes
}

func value(_ bytes: [UInt8], shared: Bool = true) -> NodeValue {
  NodeValue(codec: .bytes, content: shared ? .shared(OddMemory(bytes)) : .inline(bytes), label: "a label")
}

extension LoadedValue {
  func bytes() throws -> [UInt8] {
    switch self {
    case .inline(let bytes): bytes
    case .shared(let memory): try memory.bytes(at: 0, count: memory.byteCount)
    }
  }
}

/// A file of the test's, open for reading.
func opened(_ path: String) throws -> FileDescriptor {
  let number = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
  try #require(number >= 0, "\(path): \(errno)")
  return FileDescriptor(owning: number)
}
