import Foundation
import LinuxSystem
import PluginModel
import Testing

@testable import StateStore

@Suite("The collection of stored values")
struct ArtifactCollectionTests {
  private let place: ArtifactPlace
  init() throws { place = try ArtifactPlace() }

  private static let day = 86_400
  private var now: Int64 { Int64(time(nil)) }

  /// Stored so long ago.
  private func stored(_ store: ArtifactStore, seed: UInt64, age: Int = day, count: Int = 100_000) async throws
    -> StoredValue
  {
    let stored = try await store.store(value(made(count, seed: seed)))
    if age > 0 { place.age(place.file(stored), by: age) }
    return stored
  }

  // MARK: The decision

  private struct Case {
    var objects: [ArtifactCollection.Object]
    var references: Set<ContentDigest>
    var now: Int64
    var grace: Int64
    var cap: UInt64?

    init(using random: inout some RandomNumberGenerator) {
      let now: Int64 = 1_000_000
      self.now = now
      grace = Int64.random(in: 0...100, using: &random)
      let objects: [ArtifactCollection.Object] = (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        return ContentDigest(bytes: bytes).map { digest in
          .init(
            digest: digest, byteCount: UInt64.random(in: 0...50, using: &random),
            lastUsed: FileTime(seconds: now - Int64.random(in: -50...200, using: &random)))
        }
      }
      self.objects = objects
      references = Set(objects.map(\.digest).filter { _ in Bool.random(using: &random) })
      cap = Bool.random(using: &random) ? nil : UInt64.random(in: 0...500, using: &random)
    }

    func plan(_ objects: [ArtifactCollection.Object]) -> [ContentDigest] {
      ArtifactCollection.plan(objects: objects, references: references, now: now, grace: grace, cap: cap)
    }
  }

  @Test(
    "never takes what is referred to or recent, takes the least recently used first and no more than it must",
    arguments: 1...500)
  func plan(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let test = Case(using: &random)
    let plan = test.plan(test.objects)
    let known = Dictionary(uniqueKeysWithValues: test.objects.map { ($0.digest, $0) })
    let removed = try plan.map { try #require(known[$0]) }
    #expect(Set(plan).count == plan.count && test.references.isDisjoint(with: plan))
    #expect(removed.allSatisfy { test.now - $0.lastUsed.seconds > test.grace })
    #expect(zip(removed, removed.dropFirst()).allSatisfy { $0.lastUsed <= $1.lastUsed })
    #expect(test.plan(test.objects.shuffled(using: &random)) == plan, "the order of the listing is no matter")
    let left = test.objects.filter { !plan.contains($0.digest) }
    #expect(test.plan(left).isEmpty, "once is enough")
    let candidates = left.filter { !test.references.contains($0.digest) && test.now - $0.lastUsed.seconds > test.grace }
    #expect(candidates.allSatisfy { candidate in removed.allSatisfy { $0.lastUsed <= candidate.lastUsed } })
    let total = left.reduce(0) { $0 + $1.byteCount }
    guard let cap = test.cap else {
      #expect(candidates.isEmpty)
      return
    }
    #expect(total <= cap || candidates.isEmpty)
    if let last = removed.last { #expect(total + last.byteCount > cap, "the last one had to go") }
  }

  @Test("survives times and sizes that no clock and no disk have")
  func extremes() throws {
    let digests = try (0..<3).map { try #require(ContentDigest(bytes: [UInt8](repeating: $0, count: 32))) }
    let objects = zip(digests, [Int64.min, .max, 0]).map {
      ArtifactCollection.Object(digest: $0, byteCount: .max, lastUsed: FileTime(seconds: $1))
    }
    for now in [Int64.min, -1, 0, .max] {
      for cap in [nil, 0, UInt64.max] {
        let plan = ArtifactCollection.plan(objects: objects, references: [], now: now, cap: cap)
        #expect(!plan.contains(digests[1]))
      }
    }
  }

  // MARK: Carrying it out

  @Test("removes what is old and not referred to, and says how much that was")
  func collects() async throws {
    let store = try await place.store()
    let (old, kept) = (try await stored(store, seed: 1), try await stored(store, seed: 2))
    let recent = try await stored(store, seed: 3, age: 0)
    let loaded = try await stored(store, seed: 4)
    let found = try await stored(store, seed: 5)
    let again = try await stored(store, seed: 6)
    _ = try await store.load(loaded)
    #expect(try await store.holds(found))
    _ = try await store.store(value(made(100_000, seed: 6)))
    let usage = try await store.usage()
    #expect(usage.count == 6 && usage.byteCount == 600_000)
    let report = try await store.collect(keeping: [kept.digest], now: now)
    #expect(report == .init(removed: 1, freed: 100_000, leftovers: 0, spared: 0))
    #expect(try await !store.holds(old))
    for stored in [kept, recent, loaded, found, again] { #expect(try await store.holds(stored)) }
  }

  @Test("under a cap removes what was used least recently, until the rest fits")
  func caps() async throws {
    let store = try await place.store()
    var all: [StoredValue] = []
    for seed in 1...4 { all.append(try await stored(store, seed: UInt64(seed), age: Self.day * seed)) }
    let report = try await store.collect(keeping: [all[3].digest], now: now, cap: 250_000)
    #expect(report.removed == 2 && report.freed == 200_000)
    let left = [try await store.holds(all[0]), try await store.holds(all[3])]
    #expect(left == [true, true])
    #expect(try await store.usage().count == 2)
  }

  @Test("removes half-written files of processes that died, and none that is being written")
  func leftovers() async throws {
    let path = place.objects + "/tmp/.draft-dead"
    let store = try await place.store(.init(hasUnnamedFiles: false))
    #expect(FileManager.default.createFile(atPath: path, contents: Data(count: 10)))
    place.age(path, by: Self.day)
    let beside = try await place.store()
    let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let writing = try await place.store(
      .init(hasUnnamedFiles: false) { step in
        guard step == .publish else { return }
        entered.signal()
        release.wait()
      })
    async let stored = writing.store(value(made(100_000)))
    while entered.wait(timeout: .now()) != .success { try await Task.sleep(for: .milliseconds(5)) }
    let report = try await beside.collect(keeping: [], now: now)
    release.signal()
    #expect(report.leftovers == 1 && report.removed == 0)
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(try await store.load(stored).bytes() == made(100_000))
  }

  @Test("counts from when an object got its name, however long it was written to")
  func slowWriter() async throws {
    let place = place
    let store = try await place.store(
      .init(hasUnnamedFiles: false) { step in
        guard step == .publish else { return }
        for name in (try? place.names()) ?? [] { place.age("\(place.objects)/\(name)", by: Self.day) }
      })
    let stored = try await store.store(value(made(100_000)))
    #expect(try await store.collect(keeping: [], now: now).removed == 0)
    #expect(try await store.holds(stored))
  }

  @Test("leaves alone what isn't named like an object")
  func foreign() async throws {
    let store = try await place.store()
    let stored = try await stored(store, seed: 1)
    let path = (place.file(stored) as NSString).deletingLastPathComponent + "/notes"
    #expect(FileManager.default.createFile(atPath: path, contents: Data(count: 10)))
    place.age(path, by: Self.day)
    #expect(try await store.collect(keeping: [], now: now).removed == 1)
    #expect(FileManager.default.fileExists(atPath: path))
  }

  // MARK: Beside others

  enum Use: CaseIterable { case store, load, holds }

  @Test("spares what is stored, loaded or found between the decision and the removal", arguments: Use.allCases)
  func meanwhile(use: Use) async throws {
    let store = try await place.store()
    let one = try await stored(store, seed: 1)
    let other = try await stored(store, seed: 2)
    let files = try ArtifactFiles(making: place.state, limit: 1 << 30, options: .init())
    let listing = try files.allObjects()
    let plan = ArtifactCollection.plan(objects: listing, references: [], now: now, cap: nil)
    #expect(Set(plan) == [one.digest, other.digest])
    switch use {
    case .store: _ = try await store.store(value(made(100_000, seed: 1)))
    case .load: _ = try await store.load(one)
    case .holds: _ = try await store.holds(one)
    }
    let report = try files.remove(plan, of: listing, leftovers: [])
    #expect(report.removed == 1 && report.spared == 1)
    #expect(try await store.load(one).bytes() == made(100_000, seed: 1))
  }

  enum Waiter: CaseIterable { case store, load, holds, collect }

  @Test(
    "whoever stores or looks up waits for a removal, and a removal for who looks up", arguments: Waiter.allCases)
  func excludes(waiter: Waiter) async throws {
    let store = try await place.store()
    let one = try await stored(store, seed: 1)
    let lock = try DirectoryLock("lock", in: Directory(opening: place.objects))
    let file = try Directory(opening: place.objects).file("lock").descriptor
    let isDone = Lock(false)
    let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    try runOnOwnThread(named: "holder") {
      try? lock.hold(waiter == .collect ? .shared : .exclusive) { () throws(FileError) in
        entered.signal()
        release.wait()
      }
    }
    while entered.wait(timeout: .now()) != .success { try await Task.sleep(for: .milliseconds(5)) }
    let now = now
    let waiting = Task {
      defer { isDone.withLock { $0 = true } }
      switch waiter {
      case .store: _ = try await store.store(value(made(100_000, seed: 2)))
      case .load: _ = try await store.load(one)
      case .holds: _ = try await store.holds(one)
      case .collect: _ = try await store.collect(keeping: [], olderThan: 0, now: now + 100)
      }
    }
    // Either it is through, or the kernel says that somebody waits for the lock.
    var hasWaited = false
    while !hasWaited, !isDone.withLock({ $0 }) {
      try await Task.sleep(for: .milliseconds(2))
      hasWaited = try Self.isAwaited(file)
    }
    #expect(hasWaited && !isDone.withLock { $0 })
    release.signal()
    try await waiting.value
  }

  /// Whether somebody waits for the flock(2) of a file: `->` in proc_locks(5).
  private static func isAwaited(_ file: FileDescriptor) throws -> Bool {
    var status = stat()
    try #require(fstat(file.number, &status) == 0)
    return try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
      .contains { $0.contains("-> FLOCK") && $0.contains(":\(status.st_ino) ") }
  }

  @Test("never makes a value wrong, and never takes one that is referred to, while two store and collect without rest")
  func hammering() async throws {
    let stores = [try await place.store(), try await place.store(.init(hasUnnamedFiles: false))]
    let kept = try await stored(stores[0], seed: 1000)
    let now = now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<6 {
        let store = stores[worker % 2]
        group.addTask {
          var random = SplitMix(state: UInt64(worker))
          for _ in 0..<40 {
            let bytes = made(20_000, seed: UInt64.random(in: 0..<4, using: &random))
            let stored = try await store.store(value(bytes))
            do {
              #expect(try await store.load(stored).bytes() == bytes)
            } catch let error as ArtifactError {
              #expect(error == .damaged(stored.digest, .missing))
            }
            #expect(try await store.load(kept).bytes() == made(100_000, seed: 1000))
          }
        }
      }
      for _ in stores {
        let files = try ArtifactFiles(making: place.state, limit: 1 << 30, options: .init())
        group.addTask {
          let thread = try DedicatedThread(name: "collector")
          for _ in 0..<40 {
            _ = try await thread.run { () throws(ArtifactError) in
              let listing = try files.allObjects()
              // All is old to it.
              let plan = ArtifactCollection.plan(
                objects: listing, references: [kept.digest], now: now + 1000, grace: 0, cap: nil)
              return try files.remove(plan, of: listing, leftovers: [])
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try place.names().allSatisfy { !$0.hasPrefix("tmp/") })
    #expect(try await stores[0].load(kept).bytes() == made(100_000, seed: 1000))
  }
}

/// https://prng.di.unimi.it/splitmix64.c
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
