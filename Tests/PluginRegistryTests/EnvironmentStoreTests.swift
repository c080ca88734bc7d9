import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

@Suite("The environments of plugins")
struct EnvironmentStoreTests {
  private let directory: TemporaryDirectory
  private let store: EnvironmentStore
  private static let hash = String(repeating: "a", count: 64)

  init() throws {
    directory = try TemporaryDirectory()
    store = EnvironmentStore(state: directory.path + "/state")
  }

  private func request(
    _ requirement: String, python: String = "/usr/bin/python3.11", settings: PythonSettings = PythonSettings()
  ) throws -> EnvironmentRequest {
    let identity = PythonIdentity(
      program: try #require(AbsolutePath(python)), architecture: "x86_64", fact: "1 2")
    return EnvironmentRequest(.open([try PythonRequirement(requirement)]), python: identity, settings: settings)
  }

  private func lock(_ version: String = "1") throws -> PythonLock {
    try PythonLock(text: Array("a==\(version) --hash=sha256:\(Self.hash)\n".utf8), file: "x")
  }

  /// As a sandbox leaves it.
  private func built(_ files: [String: Int16] = ["a/__init__.py": 0o644]) throws -> AbsolutePath {
    let place = "\(store.building)/one/packages"
    for (file, permissions) in files {
      let path = "\(place)/\(file)"
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data("x".utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
    }
    return try #require(ProcessEnvironment.resolve(place).flatMap { AbsolutePath($0) })
  }

  private func permissions(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test("is known by its lock, its Python and whether anything of it was built, and by nothing else")
  func identity() throws {
    let plain = try request("a>=1")
    #expect(try plain.environment(lock()) == request("a").environment(lock()))
    var mirror = PythonSettings()
    mirror.index = try PackageIndexURL("https://mirror.example/simple")
    #expect(try plain.environment(lock()) == request("a>=1", settings: mirror).environment(lock()))
    #expect(try plain.digest != request("a>=1", settings: mirror).digest)
    var building = PythonSettings()
    building.takesWheelsOnly = false
    let others = try [
      plain.environment(lock("2")), request("a>=1", python: "/usr/bin/python3.12").environment(lock()),
      request("a>=1", python: "/opt/x/bin/python").environment(lock()),
      request("a>=1", settings: building).environment(lock()),
    ]
    #expect(try Set(others + [plain.environment(lock())]).count == 5)
    #expect(try plain.environment(lock()) == request("a>=1", python: "/opt/x/bin/python3.11").environment(lock()))
  }

  @Test("every worker can read what was built, and nobody but its owner write to it")
  func sealed() throws {
    let packages = try built([
      "a/__init__.py": 0o600, "a/b/run.so": 0o6777, "a/c.py": 0o666, "d.py": 0o444,
    ])
    let request = try request("a")
    let environment = try store.publish(packages, as: request.environment(lock()), limit: 1 << 20)
    #expect(environment.directory.text.hasSuffix("/environments/\(try request.environment(lock()).hexadecimal)"))
    let place = environment.directory.text
    #expect(try permissions(place + "/a/__init__.py") == 0o644 && permissions(place + "/a/b/run.so") == 0o755)
    #expect(try permissions(place + "/a/c.py") == 0o644 && permissions(place + "/a/b") == 0o755)
    #expect(try permissions(place) == 0o755 && permissions(place + "/d.py") == 0o644)
    #expect(try store.environment(request.environment(lock())) == environment)
  }

  @Test("what is no file and no directory makes it none", arguments: ["link", "fifo", "socket"])
  func unfit(_ kind: String) throws {
    let packages = try built()
    let path = packages.text + "/a/x"
    switch kind {
    case "link": try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
    case "fifo": try #require(mkfifo(path, 0o600) == 0)
    default: try #require(mknod(path, S_IFSOCK | 0o600, 0) == 0)
    }
    let digest = try request("a").environment(lock())
    #expect(throws: EnvironmentTreeError.unfit(path)) { try store.publish(packages, as: digest, limit: 1 << 20) }
    #expect(store.environment(digest) == nil)
  }

  @Test("more than is allowed makes it none")
  func large() throws {
    let packages = try built(["a": 0o644, "b": 0o644, "c/d": 0o644])
    let digest = try request("a").environment(lock())
    #expect(
      EnvironmentTree.excess(in: packages, limit: 2) == .tooLarge(limit: 2)
        && EnvironmentTree.excess(in: packages, limit: 3) == nil)
    #expect(throws: EnvironmentTreeError.tooLarge(limit: 2)) { try store.publish(packages, as: digest, limit: 2) }
    #expect(store.environment(digest) == nil)
    var deep = packages.text
    for _ in 0..<70 { deep += "/x" }
    try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
    #expect(throws: EnvironmentTreeError.self) { try store.publish(packages, as: digest, limit: 1 << 20) }
  }

  @Test("what is there stays, when somebody else has built the same")
  func twice() throws {
    let digest = try request("a").environment(lock())
    let first = try store.publish(try built(["a": 0o644]), as: digest, limit: 100)
    let second = try store.publish(try built(["b": 0o644]), as: digest, limit: 100)
    #expect(first == second && FileManager.default.fileExists(atPath: first.directory.text + "/a"))
    #expect(!FileManager.default.fileExists(atPath: first.directory.text + "/b"))
  }

  @Test("a request's lock is remembered; what is written there and is no such thing counts for nothing")
  func remembered() throws {
    let request = try request("a>=1")
    #expect(store.lock(of: request) == nil)
    try store.remember(lock(), of: request)
    #expect(try store.lock(of: request) == lock() && store.lock(of: self.request("a")) == nil)
    let path = "\(store.directory)/locks/\(request.digest.hexadecimal)"
    for text in ["", "{", "{\"needs\": \"a>=1\\n\", \"lock\": \"a\", \"environment\": \"\(Self.hash)\"}", "[]"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      #expect(store.lock(of: request) == nil, "\(text)")
    }
  }

  @Test("only what nobody needs is removed, and nothing while one is used")
  func sweep() throws {
    let (kept, other) = (try request("a"), try request("b"))
    for (request, version) in [(kept, "1"), (other, "2")] {
      _ = try store.publish(built(), as: request.environment(lock(version)), limit: 100)
      try store.remember(lock(version), of: request)
    }
    do {
      let use = try store.use()
      #expect(try use != nil && store.alone() == nil)
      withExtendedLifetime(use) {}
    }
    let alone = try #require(try store.alone())
    #expect(try store.use() == nil)
    #expect(try store.sweep(keeping: [kept.requirements.needs], alone) == 1)
    #expect(try store.environment(kept.environment(lock("1"))) != nil)
    #expect(try store.environment(other.environment(lock("2"))) == nil)
    // Who has these needs again gets the same versions.
    #expect(try store.lock(of: kept) == lock("1") && store.lock(of: other) == lock("2"))
  }

  @Test(
    "a removal that is cut off leaves no half of an environment under its name, and what a killed build has left goes")
  func cut() throws {
    struct Cut: Error {}
    let request = try request("a")
    let digest = try request.environment(lock())
    _ = try store.publish(built(), as: digest, limit: 100)
    try store.remember(lock(), of: request)
    let alone = try #require(try store.alone())
    #expect(throws: FileError.self) {
      try store.sweep(keeping: [], alone) { () throws(FileError) in throw .system(SystemError("cut", nil, .badMessage))
      }
    }
    #expect(store.environment(digest) == nil && store.environment(of: request) == nil)
    #expect(try !FileManager.default.contentsOfDirectory(atPath: store.building).isEmpty)
    _ = try store.sweep(keeping: [], alone)
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.building).isEmpty)
  }
}
