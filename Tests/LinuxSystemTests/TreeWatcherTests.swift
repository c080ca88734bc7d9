import Foundation
import LinuxSystem
import Testing

@Suite("Tree watcher")
struct TreeWatcherTests {
  private final class Tree {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "orchestrator-watch-" + UUID().uuidString
      try make("")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func make(_ name: String) throws {
      try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }
    func write(_ name: String, _ text: String = "x") throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    func move(_ name: String, _ other: String) throws {
      #expect(rename("\(path)/\(name)", "\(path)/\(other)") == 0)
    }
    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
  }

  @Test("tells of what is written, moved over and removed, deep down too")
  func changes() throws {
    let tree = try Tree()
    try tree.make("a/b")
    try tree.write("a/b/file")
    let watcher = try TreeWatcher(tree.path)
    #expect(watcher.count == 3)
    #expect(try watcher.changes().isEmpty)
    try tree.write("a/b/file", "other")
    #expect(try Set(watcher.changes()) == [.entry("a/b/file")])
    try tree.write("new")
    try tree.move("new", "a/b/file")
    #expect(try Set(watcher.changes()) == [.entry("new"), .entry("a/b/file")])
    try tree.remove("a/b/file")
    #expect(try watcher.changes() == [.entry("a/b/file")])
  }

  @Test("watches directories that come, with what is in them, and none that went")
  func directories() throws {
    let tree = try Tree()
    let watcher = try TreeWatcher(tree.path)
    try tree.make("a/b/c")
    #expect(try watcher.changes().contains(.entry("a")))
    try tree.write("a/b/c/file")
    #expect(try watcher.changes().contains(.entry("a/b/c/file")))
    let other = try Tree()
    #expect(rename("\(tree.path)/a", "\(other.path)/a") == 0)
    #expect(try watcher.changes() == [.entry("a")])
    #expect(watcher.count == 1)
    try other.write("a/b/c/file")
    #expect(try watcher.changes().isEmpty)
  }

  @Test("tells nothing of what is ignored, and watches none of it")
  func ignored() throws {
    let tree = try Tree()
    try tree.make(".git/objects")
    let watcher = try TreeWatcher(tree.path) { $0.hasPrefix(".") }
    #expect(watcher.count == 1)
    try tree.write(".git/objects/x")
    try tree.write(".file.swp")
    #expect(try watcher.changes().isEmpty)
  }

  @Test("follows no link out of the tree, and holds no more directories than it may")
  func bounded() throws {
    let tree = try Tree()
    let other = try Tree()
    try tree.make("a/b/c")
    try FileManager.default.createSymbolicLink(atPath: tree.path + "/link", withDestinationPath: other.path)
    let watcher = try TreeWatcher(tree.path)
    #expect(watcher.count == 4)
    try other.write("x")
    #expect(try watcher.changes().isEmpty)
    #expect(throws: SystemError.self) { try TreeWatcher(tree.path, limit: 3) }
  }

  @Test("says when changes were lost, and goes on with the whole tree")
  func overflow() throws {
    let tree = try Tree()
    let watcher = try TreeWatcher(tree.path)
    let most = try #require(
      Int(String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8).dropLast()))
    for number in 0...(most / 2) {
      let name = "\(tree.path)/\(number % 2)"
      let file = open(name, O_CREAT | O_WRONLY, 0o644)
      close(file)
      unlink(name)
    }
    mkdir("\(tree.path)/unseen", 0o755)
    #expect(try watcher.changes().contains(.overflow))
    #expect(watcher.count == 2)
    try tree.write("unseen/file")
    #expect(try watcher.changes().contains(.entry("unseen/file")))
  }

  @Test("says when the top itself has gone")
  func gone() throws {
    let tree = try Tree()
    let watcher = try TreeWatcher(tree.path)
    try tree.remove("")
    #expect(try watcher.changes().contains(.gone))
    #expect(throws: SystemError.self) { try TreeWatcher(tree.path) }
  }
}
