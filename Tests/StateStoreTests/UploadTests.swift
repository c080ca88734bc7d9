import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore
import Testing

@Suite("Files that were sent")
struct UploadTests {
  private let directory: TemporaryDirectory
  private let database: StateDatabase

  init() async throws {
    directory = try TemporaryDirectory()
    database = try await StateDatabase(making: directory.path + "/state", on: DedicatedThread(name: "files"))
  }

  private func upload(_ identifier: String, of owner: String = "ann", bytes: Int = 1, at time: Int64 = 1)
    -> StoredUpload
  {
    StoredUpload(
      identifier: identifier, owner: owner, digest: ContentDigest(of: Array(identifier.utf8)), bytes: bytes,
      created: time)
  }

  private func begin(_ run: String, with uploads: Set<String>) async throws {
    var stored = StoredRun(
      identifier: run, workflow: "w", file: "w.yaml", source: [], settings: .object([]), nodeCount: 1, created: 1)
    stored.uploads = uploads
    try await database.add(stored)
  }

  @Test("are found by those who sent them, and by whoever may see all")
  func owners() async throws {
    for one in [upload("b"), upload("a"), upload("c", of: "bob")] { #expect(try await database.add(one)) }
    #expect(try await database.upload("a", of: "ann")?.upload == upload("a"))
    #expect(try await database.upload("a", of: "bob") == nil)
    #expect(try await database.upload("c", of: nil)?.upload == upload("c", of: "bob"))
    #expect(try await database.uploads(of: "ann", limit: 5).map(\.upload.identifier) == ["a", "b"])
    #expect(try await database.uploads(of: nil, after: "a", limit: 1).map(\.upload.identifier) == ["b"])
    #expect(try await database.useUpload("c", of: "ann", at: 9) == nil)
    #expect(try await database.remove(upload: "c", of: "ann") == .absent)
    #expect(try await database.remove(upload: "c", of: "bob") == .removed)
    #expect(try await database.uploadIdentifiers() == ["a", "b"])
  }

  @Test("are bounded in number and bytes, of each owner and of all")
  func bounds() async throws {
    var limits = UploadLimits()
    (limits.ownCount, limits.ownBytes, limits.allCount, limits.allBytes) = (2, 10, 3, 14)
    #expect(try await database.add(upload("a", bytes: 6), limits: limits))
    #expect(try await !database.add(upload("b", bytes: 5), limits: limits))
    #expect(try await database.add(upload("b", bytes: 4), limits: limits))
    #expect(try await !database.add(upload("c", bytes: 0), limits: limits))
    #expect(try await !database.add(upload("c", of: "bob", bytes: 5), limits: limits))
    #expect(try await database.add(upload("c", of: "bob", bytes: 4), limits: limits))
    #expect(try await !database.add(upload("d", of: "cid", bytes: 0), limits: limits))
    let use = try await database.uploadUse(of: "ann")
    #expect([use.ownCount, use.ownBytes, use.allCount, use.allBytes] == [2, 10, 3, 14])
  }

  @Test("stay while a run that is kept has them, and expire when nobody has wanted them for long")
  func expiry() async throws {
    for name in ["a", "b", "c"] { #expect(try await database.add(upload(name))) }
    try await begin("r", with: ["a"])
    #expect(try await database.useUpload("b", of: "ann", at: 50)?.used == 50)
    #expect(try await database.upload("a", of: "ann")?.isTaken == true)
    #expect(try await database.remove(upload: "a", of: nil) == .taken)
    #expect(try await database.expireUploads(notUsedSince: 1) == [])
    #expect(try await database.expireUploads(notUsedSince: 50) == ["c"])
    #expect(try await database.uploadIdentifiers() == ["a", "b"])
    try await database.remove(runs: ["r"])
    #expect(try await database.expireUploads(notUsedSince: 50) == ["a"])
    // Whoever wants one that is gone meanwhile gets no run.
    await #expect(throws: StateStoreError.self) { try await begin("s", with: ["a"]) }
    #expect(try await database.run("s") == nil)
  }
}
