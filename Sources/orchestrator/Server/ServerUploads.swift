import HTTPAPI
import LinuxSystem
import PipelineEngine
import PluginModel
import StateStore

/// Files that are sent for runs to come: `STATE/uploads`, each by its identifier, beside what the database knows of them.
actor ServerUploads {
  struct Settings: Sendable {
    var limits = UploadLimits()
    /// That come at one time: of each owner, and of all.
    var ownArriving = 4
    var allArriving = 32
    /// Milliseconds for which one is kept that no run takes.
    var lifetime: Int64 = 24 * 3600 * 1000
  }

  nonisolated let settings: Settings
  private let store: RunStore
  private let thread: DedicatedThread
  private let clock: any WallClock
  private let directory: Directory
  /// How many bytes of each have come, by owner.
  private var arriving: [String: [Int: Int]] = [:]
  private var nextArrival = 0

  /// Removes what one that was killed has left.
  init(
    store: RunStore, settings: Settings = Settings(), on thread: DedicatedThread,
    clock: any WallClock = SystemWallClock()
  ) async throws(CommandFailure) {
    self.store = store
    self.settings = settings
    self.thread = thread
    self.clock = clock
    let known = try await store.asking { database throws(StateStoreError) in try await database.uploadIdentifiers() }
    do throws(FileError) {
      directory = try await thread.run { () throws(FileError) in
        let directory = try Directory(making: store.uploads, permissions: 0o700)
        for name in try directory.names(limit: 1_000_000)
        where DraftFile.isTemporary(name) || Self.isIdentifier(name) && !known.contains(name) {
          try directory.remove(name)
        }
        return directory
      }
    } catch {
      throw CommandFailure(.invalidInput, "\(store.uploads) can't be used", why: error.description)
    }
  }

  static func isIdentifier(_ text: String) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy(\.isLowercaseHexDigit)
  }

  /// Nil: anybody's.
  private static func owner(_ caller: Caller) -> String? { caller.scope == .admin ? nil : caller.name }

  // MARK: Coming

  func receive(_ call: APICall) async throws -> APIReply {
    let owner = call.caller.name
    let used = try await store.database.served { database throws(StateStoreError) in
      try await database.uploadUse(of: owner)
    }
    let arrival = try begin(owner, used)
    defer { arriving[owner]?[arrival] = nil }
    let upload = FileUpload(in: directory, on: thread)
    do {
      try await call.write(to: upload, called: "the file") { bytes throws(APIProblem) in
        try note(bytes, of: owner, arrival, used)
      }
    } catch let error as FileError {
      throw Self.unwritten(error)
    }
    return try await keep(upload, owner)
  }

  private func begin(_ owner: String, _ used: UploadUse) throws(APIProblem) -> Int {
    if arriving[owner]?.isEmpty ?? false { arriving[owner] = nil }
    let own = arriving[owner]?.count ?? 0
    guard own < settings.ownArriving, arriving.values.reduce(0, { $0 + $1.count }) < settings.allArriving else {
      throw APIProblem(429, "too many files are being sent", retryAfter: 5)
    }
    guard used.allows(0, settings.limits) else { throw full }
    nextArrival += 1
    arriving[owner, default: [:]][nextArrival] = 0
    return nextArrival
  }

  private func note(_ bytes: Int, of owner: String, _ arrival: Int, _ used: UploadUse) throws(APIProblem) {
    arriving[owner]?[arrival, default: 0] += bytes
    guard arriving[owner]?[arrival] ?? 0 <= UploadOperation.mostBytes else {
      throw APIProblem(413, "the file is too large", why: "at most \(UploadOperation.mostBytes) bytes are taken")
    }
    var used = used
    let coming = arriving.mapValues { $0.values.reduce(0, +) }
    used.ownBytes += coming[owner] ?? 0
    used.allBytes += coming.values.reduce(0, +)
    guard used.allows(0, settings.limits) else { throw full }
  }

  private nonisolated var full: APIProblem {
    APIProblem(
      429, "there are as many files as may be, or as large ones",
      why: "each token may have \(settings.limits.ownCount) of \(settings.limits.ownBytes) bytes together",
      hint: "remove uploads that no run needs any more, and runs that have some", retryAfter: 60)
  }

  /// The file before the row: what is killed in between leaves one that no row names, and that the next start removes.
  private func keep(_ upload: FileUpload, _ owner: String) async throws -> APIReply {
    let identifier: String
    do throws(FileError) {
      identifier = try RandomBytes.hexadecimal(16)
      try await upload.settle(as: identifier)
    } catch {
      throw Self.unwritten(error)
    }
    let stored = StoredUpload(
      identifier: identifier, owner: owner, digest: await upload.digest, bytes: await upload.byteCount,
      created: clock.now())
    do throws(APIProblem) {
      let isAdded = try await store.database.served { [limits = settings.limits] database throws(StateStoreError) in
        try await database.add(stored, limits: limits)
      }
      guard isAdded else { throw full }
    } catch {
      await discard([identifier])
      throw error
    }
    return .json(json(stored, isTaken: false), status: 201, location: "/api/v1/uploads/\(identifier)")
  }

  private static func unwritten(_ error: FileError) -> APIProblem {
    APIProblem(503, "the file can't be kept", why: "\(error)", retryAfter: 60)
  }

  private func discard(_ identifiers: [String]) async {
    await thread.run { [directory] in
      for identifier in identifiers { try? directory.remove(identifier) }
    }
  }

  // MARK: Being there

  private nonisolated func json(_ upload: StoredUpload, isTaken: Bool) -> JSONValue {
    [
      "upload": .string(upload.identifier), "owner": .string(upload.owner),
      "digest": .string(upload.digest.description), "bytes": .integer(Int64(upload.bytes)),
      "created_ms": .integer(upload.created),
      "expires_ms": isTaken ? .null : .integer(upload.used + settings.lifetime), "taken": .bool(isTaken),
    ]
  }

  /// Of others' nobody learns whether they are there.
  private static let absent = APIProblem(404, "there is no such upload")

  nonisolated func show(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let found = try await store.database.served { database throws(StateStoreError) in
      try await database.upload(call.text(.upload), of: Self.owner(call.caller))
    }
    guard let found else { throw Self.absent }
    return json(found.upload, isTaken: found.isTaken)
  }

  nonisolated func list(_ call: APICall) async throws(APIProblem) -> JSONValue {
    let (after, limit) = (call.item("after"), try call.pageLimit())
    if let after, !Self.isIdentifier(after) { throw APIProblem(400, "\"after\" is no identifier of an upload") }
    let found = try await store.database.served { database throws(StateStoreError) in
      try await database.uploads(of: Self.owner(call.caller), after: after, limit: limit)
    }
    return [
      "uploads": .array(found.map { json($0.upload, isTaken: $0.isTaken) }),
      "next": found.count == limit ? found.last.map { .string($0.upload.identifier) } ?? .null : .null,
    ]
  }

  func remove(_ call: APICall) async throws(APIProblem) {
    let identifier = call.text(.upload)
    let removal = try await store.database.served { database throws(StateStoreError) in
      try await database.remove(upload: identifier, of: Self.owner(call.caller))
    }
    switch removal {
    case .removed: await discard([identifier])
    case .absent: throw Self.absent
    case .taken:
      throw APIProblem(
        409, "a run that is kept has this file", why: "to be repeated, it needs it", hint: "remove the run before")
    }
  }

  /// Those that a run is to be given.
  nonisolated func wanted(
    _ files: [(path: PackagePath, upload: String)], by caller: Caller
  ) async throws(APIProblem) -> [RunUpload] {
    var found: [RunUpload] = []
    for (path, identifier) in files {
      let upload = try await store.database.served { database throws(StateStoreError) in
        try await database.useUpload(identifier, of: Self.owner(caller), at: clock.now())
      }
      guard let upload else {
        throw APIProblem(
          422, "there is no upload \(identifier.quoted)", why: "it was to be \(path.text.quoted)",
          hint: "it may have been removed: send the file again")
      }
      found.append(RunUpload(path: path, upload))
    }
    return found
  }

  /// Removes those that nobody has wanted for long.
  func prune() async throws(StateStoreError) {
    await discard(try await store.database.expireUploads(notUsedSince: clock.now() - settings.lifetime))
  }
}
