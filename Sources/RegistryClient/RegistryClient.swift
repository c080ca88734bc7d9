import AsyncHTTPClient
import Crypto
import LinuxSystem
import NIOCore
import NIOHTTP1
import NIOSSL
import PluginModel

/// Asks a registry of plugins, over HTTP. The registry isn't trusted: all that comes is bounded in bytes and time and read into its types,
/// or is a ``Diagnostic``. Whether a package may be installed its signatures say, not whoever it came from.
///
///     try await RegistryClient.use(address, token: nil) { registry in
///       let plugin = try await registry.plugin(name)
///       let memory = try await registry.package(name, plugin.versions[0])
///     }
package struct RegistryClient: Sendable {
  /// How long is waited.
  package struct Patience: Sendable {
    package var connecting: Duration = .seconds(10)
    /// Without one byte coming or going.
    package var idle: Duration = .seconds(30)
    /// The same, where a token is used: a registry that has a package reads all of it before it answers.
    package var publishing: Duration = .seconds(180)
    /// For one document, whole.
    package var document: Duration = .seconds(60)
    /// For one package, whole.
    package var package: Duration = .seconds(600)

    package init() {}
  }

  /// Where the token comes from; nil: there is none.
  package typealias TokenSource = @Sendable () async throws(Diagnostic) -> BearerToken?

  package let address: RegistryAddress
  private let token: TokenSource
  private let limits: RegistryLimits
  private let patience: Patience
  private let client: HTTPClient

  /// - Parameters:
  ///   - token: sent with what changes the registry, and with what it answers with 401 without one; to its own origin, and with nothing
  ///     else. It isn't asked for before.
  ///   - changes: the registry is to be changed, which takes longer.
  ///   - certificates: a file in PEM; they are trusted beside the system's.
  package static func use<Success: Sendable, Failure: Error>(
    _ address: RegistryAddress, changes: Bool, token: @escaping TokenSource, certificates: String? = nil,
    limits: RegistryLimits = RegistryLimits(), patience: Patience = Patience(),
    _ body: (RegistryClient) async throws(Failure) -> Success
  ) async throws(Failure) -> Success {
    let client = HTTPClient(
      eventLoopGroupProvider: .singleton,
      configuration: Self.configuration(certificates, patience, idle: changes ? patience.publishing : patience.idle))
    let result: Result<Success, Failure>
    do throws(Failure) {
      result = .success(
        try await body(
          RegistryClient(address: address, token: token, limits: limits, patience: patience, client: client)))
    } catch {
      result = .failure(error)
    }
    try? await client.shutdown()
    return try result.get()
  }

  package static func use<Success: Sendable, Failure: Error>(
    _ address: RegistryAddress, token: BearerToken?, certificates: String? = nil,
    limits: RegistryLimits = RegistryLimits(), patience: Patience = Patience(),
    _ body: (RegistryClient) async throws(Failure) -> Success
  ) async throws(Failure) -> Success {
    try await use(
      address, changes: token != nil, token: { () throws(Diagnostic) in token }, certificates: certificates,
      limits: limits, patience: patience, body)
  }

  /// No variable of the environment has a part in it: a proxy that somebody set for other programs would see tokens.
  private static func configuration(
    _ certificates: String?, _ patience: Patience, idle: Duration
  ) -> HTTPClient.Configuration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let certificates { tls.additionalTrustRoots = [.file(certificates)] }
    var pool = HTTPClient.Configuration.ConnectionPool()
    pool.retryConnectionEstablishment = false
    // Redirects are followed here, one by one: the token stays where it belongs. What is compressed could become anything.
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow,
      timeout: .init(
        connect: TimeAmount(patience.connecting), read: TimeAmount(idle), write: TimeAmount(idle)),
      connectionPool: pool, proxy: nil, decompression: .disabled)
    configuration.httpVersion = .http1Only
    return configuration
  }

  // MARK: Reading

  package func search(_ query: RegistryQuery) async throws(Diagnostic) -> RegistryPage {
    let doing = "plugins can't be searched for in \(address)"
    let bytes = try await document(.search(query), doing)
    let page: RegistryPage
    do throws(Diagnostics) { page = try RegistryPage(json: bytes, limits: limits) } catch {
      throw Self.unreadable(doing, error)
    }
    guard page.answers(query) else {
      throw Diagnostic(
        doing, why: "its page is not the one that was asked for: the names don't ascend from where it was to begin",
        hint: "tell whoever runs the registry")
    }
    return page
  }

  /// Page after page.
  /// - Returns: at most about `maximum` plugins, and whether there are more.
  package func search(
    _ query: RegistryQuery, maximum: Int
  ) async throws(Diagnostic) -> (plugins: [RegistrySummary], isCut: Bool) {
    var (query, found) = (query, [RegistrySummary]())
    while found.count < maximum {
      let page = try await search(query)
      found += page.plugins
      guard let next = page.next else { return (found, false) }
      query.after = next
    }
    return (found, true)
  }

  package func plugin(_ name: PluginName) async throws(Diagnostic) -> RegistryPlugin {
    try await description(of: name).plugin
  }

  /// - Returns: with how many bytes it has.
  package func description(of name: PluginName) async throws(Diagnostic) -> (plugin: RegistryPlugin, bytes: Int) {
    let doing = "the plugin \(name.text.quoted) can't be had from \(address)"
    let bytes = try await document(.plugin(name), doing)
    do throws(Diagnostics) { return (try RegistryPlugin(json: bytes, of: name, limits: limits), bytes.count) } catch {
      throw Self.unreadable(doing, error)
    }
  }

  /// - Returns: a package of the size and the checksum that `version` has.
  package func package(_ name: PluginName, _ version: RegistryVersion) async throws(Diagnostic) -> SealedMemory {
    let doing = "the package of \(name) \(version.version) can't be had from \(address)"
    let place = RegistryRoute.package(name, version.version).address(in: address)
    return try await told(doing, within: patience.package) {
      let response = try await get(place, accepting: "application/zip")
      guard response.status == .ok else { throw try await problem(response) }
      try Self.demand(
        Self.length(response) ?? version.size == version.size, "it is another size than the registry says of it")
      let draft = try SealedMemoryDraft()
      var hash = SHA256()
      for try await piece in response.body {
        try Self.demand(
          draft.byteCount + piece.readableBytes <= version.size, "it is larger than the registry says of it")
        let bytes = Array(piece.readableBytesView)
        hash.update(data: bytes)
        try draft.write(bytes)
      }
      try Self.demand(draft.byteCount == version.size, "it ends before the size that the registry says of it")
      let checksum = hash.finalize().withUnsafeBytes { ContentDigest(unchecked: $0) }
      try Self.demand(
        checksum == version.checksum,
        "its checksum is \(checksum), and the registry says \(version.checksum)")
      return try SealedMemory(sealing: draft)
    }
  }

  private func document(_ route: RegistryRoute, _ doing: String) async throws(Diagnostic) -> [UInt8] {
    try await told(doing, within: patience.document) {
      let response = try await get(route.address(in: address), accepting: "application/json")
      guard response.status == .ok else { throw try await problem(response) }
      try Self.demand(
        response.headers.first(name: "content-type")?.lowercased().hasPrefix("application/json") == true,
        "what answers there doesn't speak JSON")
      return try await Self.bytes(response, limit: limits.documentBytes)
    }
  }

  private func get(_ first: RegistryAddress, accepting type: String) async throws -> HTTPClientResponse {
    var place = first
    for _ in 0...RegistryAddress.maximumRedirects {
      let response = try await client.execute(
        request(place, .GET, accepting: type), deadline: .now() + TimeAmount(patience.package))
      if response.status == .unauthorized, place.origin == address.origin {
        guard let token = try await token() else {
          throw Diagnostic("it shows nothing to whoever has no token", hint: Self.tokenHint)
        }
        return try await get(place, accepting: type, with: token)
      }
      guard Self.redirects.contains(response.status.code) else {
        try Self.demand(
          response.headers["content-encoding"].allSatisfy { $0.lowercased() == "identity" },
          "it is compressed, which wasn't asked for")
        return response
      }
      place = try place.redirect(to: response.headers.first(name: "location") ?? "")
    }
    throw RegistryAddress.Detour.tooMany
  }

  /// What the registry shows only to those whom it knows.
  private func get(
    _ place: RegistryAddress, accepting type: String, with token: BearerToken
  ) async throws -> HTTPClientResponse {
    var request = request(place, .GET, accepting: type)
    request.headers.add(name: "authorization", value: token.authorization)
    let response = try await client.execute(request, deadline: .now() + TimeAmount(patience.package))
    try Self.demand(!Self.redirects.contains(response.status.code), Self.elsewhere)
    try Self.demand(
      response.headers["content-encoding"].allSatisfy { $0.lowercased() == "identity" },
      "it is compressed, which wasn't asked for")
    return response
  }

  private static let tokenHint =
    "name a file with it in plugins.registry.token_file, or set \(RegistrySettings.tokenVariable)"
  private static let elsewhere = "the registry sends to another place, where no token goes"
  private static let redirects: Set<UInt> = [301, 302, 303, 307, 308]

  private func request(_ place: RegistryAddress, _ method: HTTPMethod, accepting type: String) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: place.description)
    request.method = method
    request.headers.add(name: "accept", value: type)
    request.headers.add(name: "accept-encoding", value: "identity")
    request.headers.add(name: "user-agent", value: "orchestrator")
    return request
  }

  // MARK: Changing

  /// - Returns: false where the very same package was there already.
  package func publish(
    _ name: PluginName, _ version: SemanticVersion, categories: [PluginCategory], _ memory: SealedMemory
  ) async throws(Diagnostic) -> Bool {
    let body = HTTPClientRequest.Body.stream(MemoryPieces(memory), length: .known(Int64(memory.byteCount)))
    do throws(Diagnostic) {
      let status = try await change(
        .publish(name, version, categories), .PUT, body, "\(name) \(version) can't be published in \(address)",
        within: patience.package)
      return status == .created
    } catch {
      guard error.hint == Self.again else { throw error }
      // No answer says nothing of what was done.
      var told = error
      told.hint = "it may be published all the same: publish it again, which changes nothing then"
      throw told
    }
  }

  package func yank(_ name: PluginName, _ version: SemanticVersion, reason: String) async throws(Diagnostic) {
    _ = try await change(
      .yank(name, version, reason: reason), .PUT, nil, "\(name) \(version) can't be yanked in \(address)",
      within: patience.document)
  }

  package func undoYank(_ name: PluginName, _ version: SemanticVersion) async throws(Diagnostic) {
    _ = try await change(
      .undoYank(name, version), .DELETE, nil, "\(name) \(version) stays yanked in \(address)",
      within: patience.document)
  }

  private func change(
    _ route: RegistryRoute, _ method: HTTPMethod, _ body: HTTPClientRequest.Body?, _ doing: String,
    within limit: Duration
  ) async throws(Diagnostic) -> HTTPResponseStatus {
    guard let token = try await token() else {
      throw Diagnostic(
        doing, why: "there is no token", hint: Self.tokenHint)
    }
    return try await told(doing, within: limit) {
      var request = request(route.address(in: address), method, accepting: "application/json")
      request.headers.add(name: "authorization", value: token.authorization)
      if body != nil { request.headers.add(name: "content-type", value: "application/zip") }
      request.body = body
      let response = try await client.execute(request, deadline: .now() + TimeAmount(limit))
      try Self.demand(!Self.redirects.contains(response.status.code), Self.elsewhere)
      guard response.status == .ok || response.status == .created else { throw try await problem(response) }
      return response.status
    }
  }

  // MARK: Answers

  private func problem(_ response: HTTPClientResponse) async throws -> RegistryProblem {
    let isProblem = response.headers.first(name: "content-type")?.hasPrefix(RegistryProblem.mediaType) == true
    let body = isProblem ? try? await Self.bytes(response, limit: 64 << 10) : nil
    return RegistryProblem(status: Int(response.status.code), body: body ?? [])
  }

  private static func length(_ response: HTTPClientResponse) -> Int? {
    response.headers.first(name: "content-length").flatMap { Int($0) }
  }

  private static func bytes(_ response: HTTPClientResponse, limit: Int) async throws -> [UInt8] {
    try demand(length(response) ?? 0 <= limit, "it is larger than \(limit) bytes")
    var bytes: [UInt8] = []
    for try await piece in response.body {
      try demand(bytes.count + piece.readableBytes <= limit, "it is larger than \(limit) bytes")
      bytes += piece.readableBytesView
    }
    return bytes
  }
}

/// Sealed memory as the body of a request.
struct MemoryPieces: AsyncSequence, Sendable {
  private let memory: SealedMemory
  private static let piece = 256 << 10

  init(_ memory: SealedMemory) { self.memory = memory }

  struct Iterator: AsyncIteratorProtocol {
    let memory: SealedMemory
    var offset = 0

    mutating func next() async throws -> ByteBuffer? {
      let bytes = try memory.bytes(at: offset, count: MemoryPieces.piece)
      offset += bytes.count
      return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(memory: memory) }
}
