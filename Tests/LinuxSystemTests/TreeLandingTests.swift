import Foundation
import Testing

@testable import LinuxSystem

/// Two directories: what a worker wrote, as overlayfs keeps it, and the workspace it is for. Beside them lies a file that
/// nothing may reach.
private final class Place: Sendable {
  let path: String
  var upper: String { path + "/upper" }
  var workspace: String { path + "/workspace" }
  var secret: String { path + "/outside/secret" }

  init() throws {
    path = "/var/tmp/landing-test-" + UUID().uuidString
    for name in ["upper", "workspace", "outside"] {
      try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }
    try write("outside/secret", "secret")
  }

  deinit {
    let parent = try? Tree(opening: "/var/tmp")
    try? parent?.remove(EntryName(String(path.dropFirst("/var/tmp/".count))))
  }

  func write(_ name: String, _ text: String) throws {
    let target = "\(path)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: target))
  }

  func directory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  func read(_ name: String) -> String? { try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

  func mode(_ name: String) -> mode_t? {
    var status = stat()
    return lstat("\(path)/\(name)", &status) == 0 ? status.st_mode : nil
  }

  /// What overlayfs writes for a name that was removed.
  func whiteout(_ name: String) { #expect(mknod("\(path)/\(name)", S_IFCHR, 0) == 0) }

  /// What overlayfs writes for a directory that was made where another had been removed.
  func makeOpaque(_ name: String) throws {
    typealias SetAttribute =
      @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32)
      -> Int32
    // The Glibc module doesn't have it.
    let setAttribute = unsafeBitCast(try #require(dlsym(nil, "setxattr")), to: SetAttribute.self)
    #expect(setAttribute("\(path)/\(name)", "user.overlay.opaque", "y", 1, 0) == 0)
  }

  func land(limits: TreeLanding.Limits = TreeLanding.Limits()) throws(LandingError) {
    let trees: (Tree, Tree)
    do throws(SystemError) { trees = (try Tree(opening: upper), try Tree(opening: workspace)) } catch {
      throw .system(error)
    }
    try TreeLanding(owner: nil, limits: limits).land(trees.0, onto: trees.1)
  }

  func refusal(limits: TreeLanding.Limits = TreeLanding.Limits()) -> String? {
    do throws(LandingError) {
      try land(limits: limits)
      return nil
    } catch {
      return error.description
    }
  }

  func names(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)")) ?? []).sorted()
  }
}

@Suite("What a node wrote lands in the workspace")
struct TreeLandingTests {
  @Test("and is on the disk before anything is said of it: all of it, at once; what can't be isn't said to have landed")
  func synchronised() throws {
    let place = try Place()
    let workspace = try Tree(opening: place.workspace)
    let seen = Lock<[[String]]>([])
    func landing(_ failure: SystemError?) -> TreeLanding {
      TreeLanding(owner: nil) { (tree) throws(SystemError) in
        seen.withLock { $0.append(place.names("workspace")) }
        try tree.synchronise()
        if let failure { throw failure }
      }
    }
    try landing(nil).land(try Tree(opening: place.upper), onto: workspace)
    #expect(seen.withLock { $0 }.isEmpty, "it wrote nothing")
    try place.write("upper/one", "1")
    try place.write("upper/two/three", "3")
    try landing(nil).land(try Tree(opening: place.upper), onto: workspace)
    #expect(seen.withLock { $0 } == [["one", "two"]])
    let full = SystemError("syncfs", place.workspace, .noSpace)
    #expect(throws: LandingError.system(full)) {
      try landing(full).land(try Tree(opening: place.upper), onto: workspace)
    }
  }

  @Test("file by file: new, changed and removed ones, links as they are, directories with what was in them")
  func changes() throws {
    let place = try Place()
    try place.write("workspace/kept", "kept")
    try place.write("workspace/old", "old")
    try place.write("workspace/gone", "gone")
    try place.write("workspace/tree/deep/file", "file")
    try place.write("workspace/merged/there", "there")
    try place.write("workspace/renewed/stale", "stale")
    try place.write("workspace/becomes-file/x", "x")
    try place.write("workspace/becomes-directory", "x")
    try place.write("upper/old", "changed")
    try place.write("upper/new/file", "new")
    place.whiteout("upper/gone")
    place.whiteout("upper/tree")
    place.whiteout("upper/never-there")
    try place.write("upper/merged/new", "new")
    try place.write("upper/renewed/fresh", "fresh")
    try place.makeOpaque("upper/renewed")
    try place.write("upper/becomes-file", "now a file")
    try place.directory("upper/becomes-directory")
    #expect(symlink("/etc/shadow", "\(place.upper)/link") == 0)
    try place.land()
    #expect(place.read("workspace/kept") == "kept")
    #expect(place.read("workspace/old") == "changed")
    #expect(place.read("workspace/new/file") == "new")
    #expect(place.names("workspace/merged") == ["new", "there"])
    #expect(place.names("workspace/renewed") == ["fresh"])
    #expect(place.read("workspace/becomes-file") == "now a file")
    #expect(place.names("workspace/becomes-directory") == [])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: place.workspace + "/link") == "/etc/shadow")
    #expect(
      place.names("workspace") == [
        "becomes-directory", "becomes-file", "kept", "link", "merged", "new", "old", "renewed",
      ])
  }

  @Test("without set-id and sticky bits, as new files that no descriptor of the worker's leads to")
  func modes() throws {
    let place = try Place()
    try place.write("upper/program", "#!/bin/sh")
    try place.directory("upper/directory")
    try place.directory("upper/shared")
    try place.directory("workspace/shared")
    #expect(chmod(place.upper + "/program", 0o6755) == 0)
    #expect(chmod(place.upper + "/directory", 0o7750) == 0)
    #expect(chmod(place.upper + "/shared", 0o0755) == 0)
    #expect(chmod(place.workspace + "/shared", 0o2775) == 0)
    let writing = try #require(FileHandle(forWritingAtPath: place.upper + "/program"))
    try place.land()
    #expect(place.mode("workspace/program") == S_IFREG | 0o755)
    #expect(place.mode("workspace/directory") == S_IFDIR | 0o750)
    // What the operator set on his own directory stays.
    #expect(place.mode("workspace/shared") == S_IFDIR | 0o2755)
    writing.write(Data("changed".utf8))
    #expect(place.read("workspace/program") == "#!/bin/sh")
  }

  @Test(
    "nothing of it where there is a FIFO, a socket, a device or a hard link, and says which",
    arguments: ["FIFO", "socket", "device", "hard link"])
  func refused(kind: String) throws {
    let place = try Place()
    try place.write("upper/a", "a")
    try place.directory("upper/z")
    let bad = place.upper + "/z/bad\nname"
    switch kind {
    case "FIFO": #expect(mkfifo(bad, 0o600) == 0)
    case "socket":
      #expect(mknod(bad, S_IFSOCK | 0o600, 0) == 0)
    case "device":
      // The null device: only root makes it, and no other way is there for a worker either.
      guard geteuid() == 0 else { return }
      #expect(mknod(bad, S_IFCHR | 0o600, 0x103) == 0)
    default: #expect(link(place.upper + "/a", bad) == 0)
    }
    let refusal = try #require(place.refusal())
    #expect(refusal.contains(kind), "\(refusal)")
    // With two names, either may be the one that is found first.
    #expect(kind == "hard link" || refusal.contains("z/bad\\x0aname"), "\(refusal)")
    #expect(place.names("workspace") == [])
  }

  @Test("never through a link, not one that lay there and not one that is put there meanwhile")
  func links() throws {
    let place = try Place()
    #expect(symlink("../outside", place.workspace + "/d") == 0)
    #expect(symlink("../outside/secret", place.workspace + "/f") == 0)
    try place.write("upper/d/secret", "overwritten")
    try place.write("upper/f", "overwritten")
    place.whiteout("upper/d/other")
    try place.land()
    #expect(place.read("outside/secret") == "secret")
    #expect(place.read("workspace/d/secret") == "overwritten")
    #expect(place.mode("workspace/d").map { $0 & S_IFMT } == S_IFDIR)
    #expect(place.read("workspace/f") == "overwritten")

    // Not even an open of what the check has just seen as a directory or a file.
    let workspace = try Tree(opening: place.workspace)
    #expect(symlink("../outside", place.workspace + "/planted") == 0)
    #expect(throws: SystemError.self) { try workspace.directory(EntryName("planted")) }
    let upper = try Tree(opening: place.upper)
    #expect(symlink("../outside/secret", place.upper + "/swapped") == 0)
    let file = try #require(try upper.entry(EntryName("f")))
    #expect(throws: SystemError.self) {
      try workspace.copy(
        EntryName("swapped"), of: upper, as: file, to: EntryName("copy"), owner: nil, permissions: 0o644)
    }
    #expect(place.read("workspace/copy") == nil)

    // Someone exchanges the directory for a link to the outside and back, as fast as that goes.
    let done = Lock(false)
    let place2 = try Place()
    try place2.directory("workspace/d")
    #expect(symlink("../outside", place2.workspace + "/l") == 0)
    for number in 0..<20 { try place2.write("upper/d/new-\(number)", "new") }
    place2.whiteout("upper/d/secret")
    let swapper = Thread {
      while !done.withLock({ $0 }) {
        for (from, to) in [("d", "kept"), ("l", "d"), ("d", "l"), ("kept", "d")] {
          _ = rename("\(place2.workspace)/\(from)", "\(place2.workspace)/\(to)")
        }
      }
    }
    swapper.start()
    defer { done.withLock { $0 = true } }
    for _ in 0..<60 {
      _ = place2.refusal()
      #expect(place2.names("outside") == ["secret"])
    }
  }

  @Test("whatever the names are made of")
  func names() throws {
    let place = try Place()
    let names: [[UInt8]] = [
      Array("line\nbreak".utf8), Array("-rf *".utf8), [0xFF, 0xFE], [0x1B, 0x5B, 0x32, 0x4A], Array("..a".utf8),
      Array("\\".utf8), [UInt8](repeating: 0x61, count: 255),
    ]
    for name in names {
      let path = Array(place.upper.utf8CString.dropLast()) + [0x2F] + name.map { CChar(bitPattern: $0) } + [0]
      let file = open(path, O_CREAT | O_WRONLY, 0o644)
      #expect(file >= 0)
      close(file)
    }
    try place.land()
    let landed = try Tree(opening: place.workspace).names(limit: 100).map { $0.dropLast().map(UInt8.init(bitPattern:)) }
    #expect(Set(landed) == Set(names))
    #expect(try Tree(opening: "/").text(EntryName("a\u{1B}\n\\é")) == "//a\\x1b\\x0a\\x5c\\xc3\\xa9")
  }

  @Test("within bounds: too deep or too many is refused before anything is taken, and a huge hole stays a hole")
  func bounds() throws {
    let deep = try Place()
    try deep.write("upper/" + String(repeating: "d/", count: 70) + "f", "deep")
    #expect(deep.refusal()?.contains("more than 64 directories deep") == true)
    #expect(deep.names("workspace") == [])

    let many = try Place()
    for number in 0..<30 { try many.write("upper/\(number)", "") }
    #expect(many.refusal(limits: TreeLanding.Limits(entries: 20))?.contains("more than 20") == true)
    #expect(many.names("workspace") == [])

    let sparse = try Place()
    try sparse.write("upper/file", "start")
    #expect(truncate(sparse.upper + "/file", 1 << 36) == 0)
    try sparse.land()
    var status = stat()
    #expect(stat(sparse.workspace + "/file", &status) == 0)
    #expect(status.st_size == 1 << 36 && status.st_blocks < 1000)
  }

  @Test("not at all when that is cancelled in time, and no further when it is given up")
  func interruption() throws {
    let place = try Place()
    for number in 0..<30 { try place.write("upper/\(number)", "new") }
    let changes = try Tree(opening: place.upper)
    let workspace = try Tree(opening: place.workspace)
    #expect(throws: LandingError.interrupted) {
      try TreeLanding(owner: nil).land(changes, onto: workspace, isCancelled: { true })
    }
    #expect(place.names("workspace") == [])
    var asked = 0
    #expect(throws: LandingError.interrupted) {
      try TreeLanding(owner: nil).land(
        changes, onto: workspace,
        isAbandoned: {
          asked += 1
          return asked > 10
        })
    }
    #expect(place.names("workspace").count == 10)
  }

  @Test("and the rest of it goes, however deep it is and whatever its modes are")
  func removal() throws {
    let place = try Place()
    // Deeper than a path can say and than descriptors or a stack would reach.
    var parent = open(place.upper, O_RDONLY | O_DIRECTORY)
    for _ in 0..<3000 {
      #expect(mkdirat(parent, "d", 0o700) == 0)
      let child = openat(parent, "d", O_RDONLY | O_DIRECTORY)
      close(parent)
      parent = child
    }
    close(parent)
    try place.write("upper/locked/file", "x")
    #expect(chmod(place.upper + "/locked", 0) == 0)
    #expect(symlink("../outside", place.upper + "/link") == 0)
    try Tree(opening: place.path).remove(EntryName("upper"))
    #expect(place.names("") == ["outside", "workspace"])
    #expect(place.read("outside/secret") == "secret")
    try Tree(opening: place.path).remove(EntryName("upper"))
  }

  @Test("for the workspace's owner, and not into a directory of anybody else's", .enabled(if: geteuid() == 0))
  func owners() throws {
    let place = try Place()
    try place.write("upper/a/file", "x")
    #expect(symlink("x", place.upper + "/link") == 0)
    try place.write("upper/theirs/file", "x")
    try place.directory("workspace/theirs")
    let owner = FileOwner(user: 12_321, group: 12_322)
    let landing = TreeLanding(owner: owner)
    let (upper, workspace) = (try Tree(opening: place.upper), try Tree(opening: place.workspace))
    #expect(
      throws: LandingError.refused(path: place.workspace + "/theirs", .foreignDirectory(owner: 0))
    ) { try landing.land(upper, onto: workspace) }
    #expect(place.names("workspace/theirs") == [])
    #expect(chown(place.workspace + "/theirs", 12_321, 12_322) == 0)
    try landing.land(upper, onto: workspace)
    for name in ["a", "a/file", "link", "theirs/file"] {
      var status = stat()
      #expect(lstat("\(place.workspace)/\(name)", &status) == 0)
      #expect(status.st_uid == 12_321 && status.st_gid == 12_322, "\(name)")
    }
  }
}
