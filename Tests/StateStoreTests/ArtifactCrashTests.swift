import Foundation
import LinuxSystem
import PluginModel
import StateStore
import Testing

@Suite("Storing that is cut short")
struct ArtifactCrashTests {
  private let place: ArtifactPlace
  init() throws { place = try ArtifactPlace() }

  /// What a kill at any step leaves is what lies there at that step: unnamed files go with their process.
  @Test("leaves at no step an object that isn't whole", arguments: [true, false])
  func steps(isUnnamed: Bool) async throws {
    let bytes = made(2 << 20)
    let seen = Lock<[(step: ArtifactStore.Step, names: [String])]>([])
    let place = place
    let store = try await place.store(
      .init(hasUnnamedFiles: isUnnamed) { step in
        let names = (try? place.names()) ?? ["unreadable"]
        seen.withLock { $0.append((step, names)) }
        let isNamed = step == .synchroniseDirectory || step == .end
        for name in names where !name.hasPrefix("tmp/") {
          #expect(isNamed, "\(name) is there before \(step)")
          #expect(FileManager.default.contents(atPath: "\(place.objects)/\(name)") == Data(bytes))
        }
      })
    _ = try await store.store(value(bytes))
    let steps = seen.withLock { $0 }
    #expect(steps.map(\.step) == ArtifactStore.Step.allCases)
    #expect(steps.last?.names.count == 1)
    #expect(steps.map { $0.names.contains { $0.hasPrefix("tmp/") } }.contains(true) == !isUnnamed)
  }

  @Test(
    "leaves nothing behind, whatever step fails, and can be done again", arguments: [true, false],
    ArtifactStore.Step.allCases)
  func failing(isUnnamed: Bool, failing: ArtifactStore.Step) async throws {
    let isFailing = Lock(false)
    let store = try await place.store(
      .init(hasUnnamedFiles: isUnnamed) { step throws(FileError) in
        guard step == failing, isFailing.withLock({ $0 }) else { return }
        throw .system(SystemError("write", nil, .noSpace))
      })
    let before = try await store.store(value(made(100_000)))
    isFailing.withLock { $0 = true }
    await #expect(throws: ArtifactError.full(path: place.objects)) {
      try await store.store(value(made(2 << 20, seed: 2)))
    }
    let names = try place.names()
    #expect(!names.contains { $0.hasPrefix("tmp/") })
    #expect(names.count == (failing == .synchroniseDirectory || failing == .end ? 2 : 1))
    #expect(try await store.load(before).bytes() == made(100_000))
    isFailing.withLock { $0 = false }
    let stored = try await store.store(value(made(2 << 20, seed: 2)))
    #expect(try await store.load(stored).bytes() == made(2 << 20, seed: 2))
  }

  @Test(
    "on a disk that is full says so, leaves what was stored before, and goes on when there is space",
    arguments: [true, false])
  func full(isUnnamed: Bool) async throws {
    let disk = try SmallDisk(mebibytes: 4)
    defer { disk.end() }
    let store = try await ArtifactStore(making: disk.path + "/state", options: .init(hasUnnamedFiles: isUnnamed))
    let before = try await store.store(value(made(1 << 20)))
    for count in [4 << 20, 64 << 20] {
      await #expect(throws: ArtifactError.full(path: disk.path + "/state/objects")) {
        try await store.store(value([UInt8](repeating: 7, count: count)))
      }
    }
    let file = FileManager.default.temporaryDirectory.path + "/orchestrator-large-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data(repeating: 8, count: 8 << 20).write(to: URL(fileURLWithPath: file))
    await #expect(throws: ArtifactError.full(path: disk.path + "/state/objects")) {
      try await store.add(opened(file), label: "")
    }
    let usage = try await store.usage()
    #expect(usage.count == 1 && usage.byteCount == 1 << 20)
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path + "/state/objects/tmp").isEmpty)
    #expect(try await store.load(before).bytes() == made(1 << 20))
    let stored = try await store.store(value(made(2 << 20, seed: 2)))
    #expect(try await store.load(stored).bytes() == made(2 << 20, seed: 2))
  }

  @Test("holds up no short value, however large it is")
  func lanes() async throws {
    let (isHeld, isOver, release) = (Lock(false), Lock(false), DispatchSemaphore(value: 0))
    let store = try await place.store(
      .init { step in
        guard step == .begin,
          isHeld.withLock({ held in
            defer { held = true }; return !held
          })
        else { return }
        // Longer than any host is busy; one that is held up fails after it.
        _ = release.wait(timeout: .now() + 60)
        isOver.withLock { $0 = true }
      })
    async let large = store.store(value(made(5 << 20)))
    while !isHeld.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
    let short = try await store.store(value(made(100_000, seed: 2)))
    #expect(try await store.load(short).bytes() == made(100_000, seed: 2))
    #expect(!isOver.withLock { $0 }, "it waited for the large one")
    release.signal()
    _ = try await large
  }
}

/// A tmpfs that only a process of ours has mounted, in namespaces of its own; reached through that process.
private final class SmallDisk {
  private let process = Process()
  private let input = Pipe()
  let path: String

  init(mebibytes: Int) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
    process.arguments = [
      "--user", "--map-root-user", "--mount", "/bin/sh", "-c",
      "mount -t tmpfs -o size=\(mebibytes)m,mode=700 none /mnt && echo ready && read line",
    ]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    path = "/proc/\(process.processIdentifier)/root/mnt"
    let answer = output.fileHandleForReading.availableData
    try #require(String(decoding: answer, as: UTF8.self) == "ready\n", "no small disk could be mounted")
  }

  func end() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
