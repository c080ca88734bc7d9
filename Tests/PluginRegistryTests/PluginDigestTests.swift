import Foundation
import LinuxSystem
import PluginRegistry
import Testing

@Suite("The digest of a plugin's tree")
struct PluginDigestTests {
  private func digest(
    _ directory: TemporaryDirectory, limits: PluginDigest.Limits = PluginDigest.Limits()
  ) throws -> PluginDigest {
    try PluginDigest(of: Directory(opening: directory.path), limits: limits)
  }

  @Test("is the same for the same files in another place, whatever their times")
  func sameFiles() throws {
    let first = try TemporaryDirectory()
    let second = try TemporaryDirectory()
    for directory in [first, second] {
      try directory.write("b/c.py", "two")
      try directory.write("a.py", "one")
    }
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: second.path + "/a.py")
    #expect(try digest(first) == digest(second))
    #expect(try digest(first).hexadecimal.utf8.count == 64)
  }

  @Test(
    "changes with every byte, name, link, directory and executable bit",
    arguments: [
      "content", "name", "executable", "new file", "new directory", "link", "moved boundary between name and content",
    ])
  func changes(_ change: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("a", "bc")
    try directory.write("d", "e")
    let before = try digest(directory)
    switch change {
    case "content": try directory.write("a", "bd")
    case "name": try FileManager.default.moveItem(atPath: directory.path + "/a", toPath: directory.path + "/b")
    case "executable": try directory.write("a", "bc", executable: true)
    case "new file": try directory.write("f", "")
    case "new directory":
      try FileManager.default.createDirectory(atPath: directory.path + "/f", withIntermediateDirectories: false)
    case "link": try directory.link("f", to: "a")
    default:
      try FileManager.default.moveItem(atPath: directory.path + "/a", toPath: directory.path + "/ab")
      try directory.write("ab", "c")
    }
    #expect(try digest(directory) != before)
  }

  @Test("accepts a link that stays inside")
  func innerLink() throws {
    let directory = try TemporaryDirectory()
    try directory.write("a/b", "x")
    try directory.link("a/c", to: "../a/b")
    _ = try digest(directory)
  }

  @Test(
    "refuses links that leave the tree",
    arguments: ["/etc/passwd", "../outside", "..", "/proc/self/root", "nowhere", "loop"])
  func leavingLink(_ destination: String) throws {
    let parent = try TemporaryDirectory()
    try parent.write("outside", "x")
    try parent.write("tree/a", "x")
    try parent.link("tree/loop", to: destination)
    let error = #expect(throws: PluginTreeError.self) {
      try PluginDigest(of: Directory(opening: parent.path + "/tree"))
    }
    #expect(error == .link("loop", destination: destination))
  }

  @Test("refuses a link that leaves the tree through another link")
  func linkThroughLink() throws {
    let parent = try TemporaryDirectory()
    try parent.write("outside/secret", "x")
    try parent.write("tree/z/a", "x")
    // Lexically, a/../../outside/secret would climb; the kernel's own walk decides.
    try parent.link("tree/b", to: "z/../../outside/secret")
    #expect(throws: PluginTreeError.self) { try PluginDigest(of: Directory(opening: parent.path + "/tree")) }
  }

  @Test("refuses a FIFO without waiting for its writer", .timeLimit(.minutes(1)))
  func fifo() throws {
    let directory = try TemporaryDirectory()
    try directory.fifo("pipe")
    let error = #expect(throws: PluginTreeError.self) { try digest(directory) }
    #expect(error == .specialFile("pipe"))
  }

  @Test("bounds the number, depth and size of what it reads")
  func bounds() throws {
    let directory = try TemporaryDirectory()
    for number in 0..<8 { try directory.write("d/d/f\(number)", "12345678") }
    typealias Limits = PluginDigest.Limits
    _ = try digest(directory, limits: Limits(entries: 10, depth: 2, fileSize: 8, totalSize: 64))
    #expect(throws: PluginTreeError.tooManyEntries(limit: 9)) { try digest(directory, limits: Limits(entries: 9)) }
    #expect(throws: PluginTreeError.tooDeep("d/d", limit: 1)) { try digest(directory, limits: Limits(depth: 1)) }
    #expect(throws: PluginTreeError.tooLarge(limit: 63)) { try digest(directory, limits: Limits(totalSize: 63)) }
    #expect(throws: PluginTreeError.self) { try digest(directory, limits: Limits(fileSize: 7)) }
  }

  @Test("refuses a sparse file of a terabyte at once", .timeLimit(.minutes(1)))
  func sparse() throws {
    let directory = try TemporaryDirectory()
    try directory.write("huge", "")
    let handle = try #require(FileHandle(forWritingAtPath: directory.path + "/huge"))
    try handle.truncate(atOffset: 1 << 40)
    try handle.close()
    #expect(throws: PluginTreeError.self) { try digest(directory) }
  }
}
