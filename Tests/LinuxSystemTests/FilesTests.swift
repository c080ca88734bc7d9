import Foundation
import LinuxSystem
import Testing

@Suite("Files")
struct FilesTests {
  private let path: String

  init() throws {
    path = NSTemporaryDirectory() + "orchestrator-files-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  private func cleaned(_ body: (Directory) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(Directory(opening: path))
  }

  @Test("are read whole up to the limit and refused above it")
  func limit() throws {
    try cleaned { directory in
      let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
      try directory.create("a", bytes)
      #expect(try directory.contents("a", limit: 100_000).bytes == bytes)
      #expect(throws: FileError.tooLarge(path: path + "/a", limit: 99_999)) {
        try directory.contents("a", limit: 99_999)
      }
    }
  }

  @Test("whose size lies, as in /proc, are read to their end")
  func procfs() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let directory = try Directory(opening: "/proc/self")
    #expect(try directory.contents("status", limit: 1 << 20).bytes.count > 100)
    #expect(throws: FileError.self) { try directory.contents("status", limit: 10) }
  }

  @Test("that are links are not read", arguments: ["target", "/etc/passwd"])
  func links(_ destination: String) throws {
    try cleaned { directory in
      try directory.create("target", [1])
      try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: destination)
      #expect(throws: FileError.notRegular(path: path + "/link")) { try directory.contents("link", limit: 10) }
    }
  }

  @Test(
    "are not reached through a linked directory or above the directory", arguments: ["link/a", "../a", "/etc/passwd"])
  func beneath(_ name: String) throws {
    try cleaned { directory in
      _ = try directory.makeDirectory("real")
      try directory.directory("real").create("a", [1])
      try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: "real")
      #expect(throws: FileError.self) { try directory.contents(name, limit: 1 << 20) }
      #expect(try directory.contents("real/a", limit: 10).bytes == [1])
    }
  }

  @Test("are replaced whole, and nothing else is left in the directory")
  func replace() throws {
    try cleaned { directory in
      try directory.replace("a", with: [1, 2])
      try directory.replace("a", with: [3])
      #expect(try directory.contents("a", limit: 10).bytes == [3])
      #expect(try directory.names(limit: 10) == ["a"])
    }
  }

  @Test("that can't be put in place leave no temporary file")
  func failedReplace() throws {
    try cleaned { directory in
      _ = try directory.makeDirectory("a")
      #expect(throws: FileError.self) { try directory.replace("a", with: [1]) }
      #expect(try directory.names(limit: 10) == ["a"])
    }
  }

  @Test("are never overwritten by making one")
  func create() throws {
    try cleaned { directory in
      try directory.create("a", [1])
      #expect(throws: FileError.self) { try directory.create("a", [2]) }
      #expect(try directory.contents("a", limit: 10).bytes == [1])
    }
  }

  @Test("are listed sorted and bounded")
  func names() throws {
    try cleaned { directory in
      for number in (0..<1000).reversed() { try directory.create("f\(1000 + number)", []) }
      let names = try directory.names(limit: 1000)
      #expect(names.count == 1000)
      #expect(try directory.names(limit: 1000) == names, "a second listing is as long as the first")
      #expect(names == names.sorted())
      #expect(throws: FileError.tooManyEntries(path: path, limit: 999)) {
        try Directory(opening: path).names(limit: 999)
      }
    }
  }

  @Test("lie in directories that are made with what is missing above them")
  func making() throws {
    try cleaned { _ in
      let deep = try Directory(making: path + "/a/b/c")
      try deep.create("f", [1])
      #expect(try Directory(making: path + "/a/b/c").names(limit: 10) == ["f"])
      #expect(throws: FileError.self) { try Directory(making: path + "/a/b/c/f") }
    }
  }
}
