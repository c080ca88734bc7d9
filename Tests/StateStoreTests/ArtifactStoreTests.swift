import Crypto
import Foundation
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("The store of values")
struct ArtifactStoreTests {
  private let place: ArtifactPlace
  init() throws { place = try ArtifactPlace() }

  private static let short = StoredValue.longestInline

  /// What something fails with.
  private func failure(_ body: () async throws(ArtifactError) -> Void) async -> ArtifactError? {
    do {
      try await body()
      return nil
    } catch {
      #expect(!error.hint.isEmpty && !error.description.isEmpty)
      return error
    }
  }

  @Test(
    "gives back what was stored, however long, in memory or not",
    arguments: [0, 1, short, short + 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 9 << 20], [true, false])
  func roundTrip(count: Int, isUnnamed: Bool) async throws {
    let store = try await place.store(.init(hasUnnamedFiles: isUnnamed))
    let bytes = made(count)
    for isShared in [true, false] {
      let stored = try await store.store(value(bytes, shared: isShared))
      #expect(stored.codec == .bytes && stored.label == "a label" && stored.byteCount == count)
      #expect(stored.digest == ContentDigest(bytes: Array(SHA256.hash(data: bytes))))
      #expect((stored.content == .object) == (count > Self.short))
      // Another process.
      #expect(try await place.store().load(stored).bytes() == bytes)
    }
    #expect(try place.names().count == (count > Self.short ? 1 : 0), "equal values are one object")
  }

  @Test("is its owner's alone, and what it holds is for nobody to write")
  func modes() async throws {
    let stored = try await place.store().store(value(made(100_000)))
    for path in [
      place.state, place.objects, place.objects + "/tmp", (place.file(stored) as NSString).deletingLastPathComponent,
    ] {
      #expect(try ArtifactPlace.mode(path) == 0o700, "\(path)")
    }
    #expect(try ArtifactPlace.mode(place.file(stored)) == 0o400)
  }

  @Test("gives memory that nobody can change")
  func sealed() async throws {
    let store = try await place.store()
    guard case .shared(let memory) = try await store.load(store.store(value(made(100_000)))) else {
      Issue.record("not in memory")
      return
    }
    #expect(pwrite(memory.descriptor.number, [1], 1, 0) < 0 && errno == EPERM)
    #expect(ftruncate(memory.descriptor.number, 1) < 0 && ftruncate(memory.descriptor.number, 200_000) < 0)
  }

  @Test("tells what is larger than it takes, and keeps nothing of it")
  func limit() async throws {
    let store = try await place.store(limit: 100_000)
    let expected = ArtifactError.tooLarge(byteCount: 100_001, limit: 100_000)
    #expect(await failure { () throws(ArtifactError) in _ = try await store.store(value(made(100_001))) } == expected)
    #expect(expected.description.contains("100001") && expected.description.contains("100000"))
    let path = place.path + "/file"
    try Data(made(100_001)).write(to: URL(fileURLWithPath: path))
    let file = try opened(path)
    #expect(await failure { () throws(ArtifactError) in _ = try await store.add(file, label: "f") } == expected)
    #expect(try place.names().isEmpty)
    _ = try await store.store(value(made(100_000)))
  }

  @Test("stores nothing of memory that has fewer bytes than it says", arguments: [100, 20_000, 3 << 20])
  func lyingMemory(count: Int) async throws {
    let store = try await place.store()
    let odd = NodeValue(codec: .bytes, content: .shared(OddMemory(made(count), claiming: count + 1)))
    guard case .memory = await failure({ () throws(ArtifactError) in _ = try await store.store(odd) }) else {
      Issue.record("it was stored")
      return
    }
    #expect(try place.names().isEmpty)
  }

  // MARK: Damage

  enum Harm: CaseIterable { case flipped, shorter, empty, longer, missing, link, fifo, directory }

  @Test(
    "tells of a damaged object and never gives it, and has it again when it is stored again", arguments: Harm.allCases)
  func damage(harm: Harm) async throws {
    let store = try await place.store()
    let bytes = made(3 << 20)
    let stored = try await store.store(value(bytes))
    let path = place.file(stored)
    let manager = FileManager.default
    let expected: ArtifactError.Damage
    switch harm {
    case .flipped:
      try place.change(stored) { file, count in
        fseek(file, count - 1, SEEK_SET)
        fputc(Int32(bytes[count - 1] ^ 1), file)
      }
      expected = .changed
    case .shorter:
      try place.change(stored) { file, count in #expect(ftruncate(fileno(file), count - 1) == 0) }
      expected = .wrongSize(actual: UInt64(bytes.count - 1), expected: bytes.count)
    case .empty:
      try place.change(stored) { file, _ in #expect(ftruncate(fileno(file), 0) == 0) }
      expected = .wrongSize(actual: 0, expected: bytes.count)
    case .longer:
      try place.change(stored) { file, count in #expect(ftruncate(fileno(file), count + 1) == 0) }
      expected = .wrongSize(actual: UInt64(bytes.count + 1), expected: bytes.count)
    case .missing:
      try manager.removeItem(atPath: path)
      expected = .missing
    case .link:
      // To the very bytes.
      try manager.moveItem(atPath: path, toPath: place.path + "/moved")
      try manager.createSymbolicLink(atPath: path, withDestinationPath: place.path + "/moved")
      expected = .notRegular
    case .fifo:
      try manager.removeItem(atPath: path)
      #expect(mkfifo(path, 0o600) == 0)
      expected = .notRegular
    case .directory:
      try manager.removeItem(atPath: path)
      try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
      expected = .notRegular
    }
    let error = ArtifactError.damaged(stored.digest, expected)
    let out = try Directory(opening: place.path)
    #expect(
      await failure { () throws(ArtifactError) in try await store.write(stored, to: out, name: "out") } == error)
    #expect(!manager.fileExists(atPath: place.path + "/out"))
    #expect(await failure { () throws(ArtifactError) in _ = try await store.load(stored) } == error)
    // It is taken for missing from then on, so that whoever can makes it again.
    #expect(try await store.holds(stored) == false)
    guard harm != .directory else {
      #expect(await failure { () throws(ArtifactError) in _ = try await store.store(value(bytes)) } != nil)
      return
    }
    #expect(try await store.store(value(bytes)) == stored)
    #expect(try await store.load(stored).bytes() == bytes)
    if harm == .link { #expect(manager.contents(atPath: place.path + "/moved") == Data(bytes)) }
  }

  @Test("gives no inline value that isn't the one that was stored")
  func inlineDamage() async throws {
    let store = try await place.store()
    var stored = try await store.store(value([1, 2, 3]))
    stored.content = .inline([1, 2, 4])
    #expect(
      await failure { () throws(ArtifactError) in _ = try await store.load(stored) }
        == .damaged(stored.digest, .changed))
  }

  // MARK: Trust

  @Test("is refused where a link leads elsewhere", arguments: ["objects", "objects/tmp"])
  func plantedDirectory(name: String) async throws {
    _ = try await place.store()
    let path = "\(place.state)/\(name)"
    try FileManager.default.moveItem(atPath: path, toPath: place.path + "/elsewhere")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: place.path + "/elsewhere")
    let state = place.state
    #expect(
      await failure { () throws(ArtifactError) in _ = try await ArtifactStore(making: state) }
        == .notDirectory(path: path))
  }

  @Test("follows no link that stands for a directory of objects")
  func plantedShard() async throws {
    let store = try await place.store()
    let stored = try await store.store(value(made(100_000)))
    let path = (place.file(stored) as NSString).deletingLastPathComponent
    try FileManager.default.moveItem(atPath: path, toPath: place.path + "/elsewhere")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: place.path + "/elsewhere")
    #expect(await failure { () throws(ArtifactError) in _ = try await store.load(stored) } != nil)
    let elsewhere = try FileManager.default.contentsOfDirectory(atPath: place.path + "/elsewhere")
    try FileManager.default.removeItem(atPath: place.path + "/elsewhere/" + elsewhere[0])
    #expect(
      await failure { () throws(ArtifactError) in _ = try await store.store(value(made(100_000))) }
        == .notDirectory(path: path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/elsewhere").isEmpty)
  }

  @Test(
    "is refused where others could have written to it", arguments: ["", "/objects", "/objects/tmp"], [0o720, 0o702])
  func writable(name: String, permissions: Int) async throws {
    _ = try await place.store()
    let path = place.state + name
    #expect(chmod(path, mode_t(permissions)) == 0)
    let state = place.state
    #expect(
      await failure { () throws(ArtifactError) in _ = try await ArtifactStore(making: state) }
        == .writableByOthers(path: path))
  }

  @Test("stores nothing in a directory of objects that others may write to")
  func writableShard() async throws {
    let store = try await place.store()
    let stored = try await store.store(value(made(100_000)))
    let path = (place.file(stored) as NSString).deletingLastPathComponent
    #expect(chmod(path, 0o777) == 0)
    #expect(
      await failure { () throws(ArtifactError) in _ = try await store.store(value(made(100_000))) }
        == .writableByOthers(path: path))
  }

  @Test("is refused where it is another user's", .enabled(if: geteuid() == 0))
  func owner() async throws {
    _ = try await place.store()
    #expect(chown(place.objects, 54_321, 0) == 0)
    let (state, objects) = (place.state, place.objects)
    #expect(
      await failure { () throws(ArtifactError) in _ = try await ArtifactStore(making: state) }
        == .foreignOwner(path: objects, user: 54_321))
  }

  // MARK: Files

  @Test(
    "keeps a file and writes it elsewhere, with its holes", arguments: [0, 100, short, short + 1, 5 << 20],
    [true, false])
  func files(count: Int, isUnnamed: Bool) async throws {
    let store = try await place.store(.init(hasUnnamedFiles: isUnnamed))
    var bytes = made(count)
    let path = place.path + "/in"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    if count > 1 << 20 {
      #expect(truncate(path, off_t(count + (8 << 20))) == 0)
      bytes += [UInt8](repeating: 0, count: 8 << 20)
    }
    let stored = try await store.add(opened(path), label: "in")
    #expect(stored.codec == .file && stored.label == "in" && stored.byteCount == bytes.count)
    #expect(stored.digest == ContentDigest(bytes: Array(SHA256.hash(data: bytes))))
    #expect(try await store.load(stored).bytes() == bytes)
    // In the place of a link, which isn't followed.
    try FileManager.default.createSymbolicLink(atPath: place.path + "/out", withDestinationPath: path)
    try await store.write(stored, to: Directory(opening: place.path), name: "out", permissions: 0o640)
    #expect(FileManager.default.contents(atPath: place.path + "/out") == Data(bytes))
    #expect(try ArtifactPlace.mode(place.path + "/out") == 0o640)
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: place.path)) == ["in", "out", "state"])
    // What is done to either file is nothing to the object.
    for name in ["in", "out"] {
      try #require(FileHandle(forWritingAtPath: "\(place.path)/\(name)")).write(contentsOf: Data("changed".utf8))
    }
    #expect(try await store.load(stored).bytes() == bytes)
  }

  @Test("names a file that changes meanwhile by what was kept of it")
  func changing() async throws {
    let path = place.path + "/in"
    try Data(made(2 << 20)).write(to: URL(fileURLWithPath: path))
    let store = try await place.store(
      .init(before: { step in
        // After its size was asked for.
        if step == .write { truncate(path, 100_000) }
        if step == .synchronise { try? Data(made(2 << 20, seed: 9)).write(to: URL(fileURLWithPath: path)) }
      }))
    let stored = try await store.add(opened(path), label: "in")
    let bytes = try await store.load(stored).bytes()
    #expect(stored.digest == ContentDigest(bytes: Array(SHA256.hash(data: bytes))) && bytes.count == stored.byteCount)
    #expect(Array(bytes.prefix(100_000)) == Array(made(2 << 20).prefix(100_000)))
  }

  @Test("keeps only regular files")
  func special() async throws {
    let store = try await place.store()
    #expect(mkfifo(place.path + "/fifo", 0o600) == 0)
    for path in [place.path, place.path + "/fifo", "/dev/zero"] {
      let file = try opened(path)
      #expect(await failure { () throws(ArtifactError) in _ = try await store.add(file, label: "") } == .notRegular)
    }
  }
}
