import Hummingbird
import LinuxSystem
import NIOCore
import PluginModel
import PluginRegistry

/// A registry of plugins over HTTP: the page Registry of the documentation. Thin: what holds is decided in the store and in `PluginModel`.
package struct RegistryRoutes: Sendable {
  /// Bounds of one server.
  package struct Settings: Sendable {
    package var limits: RegistryLimits
    /// Packages that come at one time, each of another publisher; further ones are asked to come again.
    package var uploads = 4
    /// For the whole of a package.
    package var uploadTime: Duration = .seconds(600)

    package init(limits: RegistryLimits = RegistryLimits()) { self.limits = limits }
  }

  private let store: any RegistryStore
  private let authorise: @Sendable (BearerToken) async -> PublisherName?
  private let settings: Settings
  private let report: @Sendable (String) async -> Void
  private let uploading = Lock(Set<PublisherName>())

  /// - Parameters:
  ///   - authorise: whose token it is; nil: nobody's. Where a server has asked that already, it isn't asked.
  ///   - report: told what went wrong here; whoever asked is told nothing of it.
  package init(
    store: any RegistryStore, settings: Settings = Settings(),
    authorise: @escaping @Sendable (BearerToken) async -> PublisherName? = { _ in nil },
    report: @escaping @Sendable (String) async -> Void = { _ in }
  ) {
    self.store = store
    self.settings = settings
    self.authorise = authorise
    self.report = report
  }

  /// What is asked, whoever has found the route.
  private struct Question: Sendable {
    var request: Request
    /// Of the query, by its name.
    var items: @Sendable (String) -> [String]
    var name = ""
    var version = ""
    /// Whoever asks; an error where that isn't known.
    var publisher: @Sendable () async throws -> PublisherName
    /// Whoever asks may do what the owner of a plugin may.
    var administers = false
  }

  /// Adds the routes below `group`, which is the registry's address.
  package func add<Context>(to group: some RouterMethods<Context>) {
    let plugins = RouterPath(RegistryRoute.Word.plugins)
    let version = "\(RegistryRoute.Word.plugins)/:name/:version"
    func route(
      _ work: @escaping @Sendable (Question) async throws -> Response
    ) -> @Sendable (Request, Context) async throws -> Response {
      { request, context in
        await answer(request) {
          try await work(
            Question(
              request: request, items: { request.uri.queryParameters.getAll($0) },
              name: context.parameters.get("name") ?? "",
              version: context.parameters.get("version") ?? "", publisher: { try await publisher(request) }))
        }
      }
    }
    group.get(plugins, use: route(search))
    group.get("\(RegistryRoute.Word.plugins)/:name", use: route(information))
    group.get("\(version)/\(RegistryRoute.Word.package)", use: route(package))
    group.put("\(version)/\(RegistryRoute.Word.package)", use: route(publish))
    group.put("\(version)/\(RegistryRoute.Word.yank)", use: route(yank))
    group.delete("\(version)/\(RegistryRoute.Word.yank)", use: route(undoYank))
  }

  /// The same for whoever asks a server that has more to offer, and who that is.
  /// - Throws: ``RegistryProblem``, ``Diagnostic``, or what is wrong here.
  package func answer(_ operation: RegistryOperation, _ call: APICall) async throws -> APIReply {
    let question = Question(
      request: call.request, items: { call.query[$0] ?? [] }, name: call.text(.plugin), version: call.text(.version),
      publisher: { PublisherName(unchecked: call.caller.name) }, administers: call.caller.scope == .admin)
    return switch operation {
    case .searchRegistry: .made(try await search(question))
    case .showRegistryPlugin: .made(try await information(question))
    case .fetchPackage: .made(try await package(question))
    case .publishPackage: .made(try await publish(question))
    case .yankVersion: .made(try await yank(question))
    case .undoYank: .made(try await undoYank(question))
    }
  }

  private func answer(_ request: Request, _ work: () async throws -> Response) async -> Response {
    do {
      return try await work()
    } catch let problem as RegistryProblem {
      return .problem(problem, to: request)
    } catch let wrong as Diagnostic {
      return .problem(RegistryProblem(400, wrong.what, why: wrong.why, hint: wrong.hint), to: request)
    } catch {
      await report("\(error)")
      return .problem(RegistryProblem(500, "something is wrong with this registry"), to: request)
    }
  }

  // MARK: Reading

  private func search(_ question: Question) async throws -> Response {
    func item(_ word: String) -> String? { question.items(word).first }
    let query = try RegistryQuery(
      text: item(RegistryRoute.Word.query) ?? "", category: item(RegistryRoute.Word.category),
      after: item(RegistryRoute.Word.after), limit: item(RegistryRoute.Word.limit))
    return .document(try await store.search(query).jsonValue, to: question.request)
  }

  private func information(_ question: Question) async throws -> Response {
    .document(try await plugin(name(question)).jsonValue, to: question.request)
  }

  private func package(_ question: Question) async throws -> Response {
    let found = try await existing(question)
    let tag = "\"\(found.checksum)\""
    var headers: HTTPFields = [.eTag: tag, .cacheControl: "public, max-age=31536000, immutable"]
    if question.request.holds(tag) { return Response(status: .notModified, headers: headers) }
    let package = try await store.package(found.checksum)
    headers[.contentType] = "application/zip"
    headers[.xContentTypeOptions] = "nosniff"
    return Response(
      status: .ok, headers: headers, body: ResponseBody(of: 0..<package.size, read: package.read))
  }

  private func name(_ question: Question) throws(Diagnostic) -> PluginName {
    let text = question.name
    guard let name = PluginName(text) else {
      throw Diagnostic("\(text.quoted) is not a plugin name", hint: "use \(PluginName.grammar)")
    }
    return name
  }

  /// Only as this program writes it: a version has one address.
  private func version(_ question: Question) throws(Diagnostic) -> SemanticVersion {
    let text = question.version
    guard let version = SemanticVersion(text), version.description == text else {
      throw Diagnostic("\(text.quoted) is not a version", hint: "use \(SemanticVersion.grammar)")
    }
    return version
  }

  private func plugin(_ name: PluginName) async throws -> RegistryPlugin {
    if let plugin = try await store.plugin(name) { return plugin }
    let near = try await store.name(near: name)
    throw RegistryProblem(
      404, "there is no plugin \(name.text.quoted)", hint: near.map { "did you mean \($0.quoted)?" })
  }

  private func existing(_ question: Question) async throws -> RegistryVersion {
    let (name, version) = (try name(question), try version(question))
    guard let found = try await store.version(version, of: name) else {
      throw RegistryProblem(404, "there is no version \(version) of \(name)")
    }
    return found
  }

  // MARK: Changing

  private func publisher(_ request: Request) async throws(RegistryProblem) -> PublisherName {
    let token = request.headers[.authorization].flatMap { BearerToken(authorization: $0) }
    if let token, let publisher = await authorise(token) { return publisher }
    throw RegistryProblem(
      401, token == nil ? "this takes a token" : "this token is not known",
      hint: "ask whoever runs the registry for one")
  }

  /// A name belongs to who published it first.
  private func demandOwner(_ publisher: PublisherName, _ name: PluginName) async throws {
    let owner = try await store.owner(of: name)
    guard owner == nil || owner == publisher else { throw Self.foreign(name) }
  }

  private static func foreign(_ name: PluginName) -> RegistryProblem {
    RegistryProblem(
      403, "the name \(name) belongs to another publisher", hint: "publish it under another name, or ask its owner")
  }

  private func publish(_ question: Question) async throws -> Response {
    let request = question.request
    let (name, version) = (try name(question), try version(question))
    // Before one byte of the body is read.
    let publisher = try await question.publisher()
    try await demandOwner(publisher, name)
    guard !name.text.hasPrefix(PluginDiscovery.reservedPrefix) else {
      throw RegistryProblem(
        403, "names that begin with \(PluginDiscovery.reservedPrefix.quoted) are the program's own",
        hint: "give the plugin another name")
    }
    let categories = try Self.categories(question)
    let limit = settings.limits.packageBytes
    guard let length = request.headers[.contentLength].flatMap({ Int($0) }), length > 0 else {
      throw RegistryProblem(411, "the length of the package has to be said beforehand")
    }
    guard length <= limit else {
      throw RegistryProblem(413, "the package has \(length) bytes, and at most \(limit) are taken")
    }
    let isTaken = uploading.withLock { publishers in
      publishers.count < settings.uploads && publishers.insert(publisher).inserted
    }
    guard isTaken else { throw RegistryProblem(429, "too many packages are being published", hint: "try again later") }
    defer { uploading.withLock { _ = $0.remove(publisher) } }
    let upload = try await store.upload()
    try await receive(request, length, into: upload)
    let found = try await verified(upload, name, version, categories)
    switch try await store.publish(found, of: name, by: publisher, upload) {
    case .created: return .document(found.jsonValue, to: request, status: .created)
    case .same: return .document(found.jsonValue, to: request)
    case .taken(let checksum):
      throw RegistryProblem(
        409, "\(name) \(version) is there already", why: "it is \(checksum), and a version never changes",
        hint: "publish a version with a higher number")
    case .foreign: throw Self.foreign(name)
    case .confusable(let other):
      throw RegistryProblem(
        409, "\(name) would be taken for \(other), which is there already", hint: "publish it under another name")
    case .full:
      throw RegistryProblem(422, "\(name) has so many versions that readers would take no more")
    }
  }

  private static func categories(_ question: Question) throws(Diagnostic) -> [PluginCategory] {
    let texts = question.items(RegistryRoute.Word.category)
    let categories = texts.compactMap { PluginCategory($0) }
    guard categories.count == texts.count, texts.count <= PluginCategory.maximumCount else {
      throw Diagnostic(
        "the categories can't be used",
        hint: "name at most \(PluginCategory.maximumCount), each \(PluginCategory.grammar)")
    }
    return categories
  }

  private func receive(_ request: Request, _ length: Int, into upload: FileUpload) async throws {
    let (body, time) = (request.body, settings.uploadTime)
    let isWhole = try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        var count = 0
        do {
          for try await piece in body {
            count += piece.readableBytes
            guard count <= length else { return false }
            try await upload.write(Array(piece.readableBytesView))
          }
        } catch let error as FileError {
          throw error
        } catch {
          return false
        }
        return count == length
      }
      group.addTask {
        try await Task.sleep(for: time)
        throw RegistryProblem(408, "the package took longer than \(time.components.seconds) s")
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
    guard isWhole else { throw RegistryProblem(400, "the package didn't come whole") }
  }

  private func verified(
    _ upload: FileUpload, _ name: PluginName, _ version: SemanticVersion, _ categories: [PluginCategory]
  ) async throws -> RegistryVersion {
    let title = "\(name)-\(version).zip"
    let package: PackageFile
    let manifest: PluginManifest
    do {
      (package, manifest) = try await upload.verified(title)
    } catch let wrong as Diagnostic {
      throw RegistryProblem(422, wrong.what, why: wrong.why, hint: wrong.hint)
    } catch let wrong as Diagnostics {
      let first = wrong.items.first
      throw RegistryProblem(422, first?.what ?? "its manifest can't be read", why: first?.why, hint: first?.hint)
    }
    guard package.index.name == name, package.index.version == version else {
      throw RegistryProblem(
        422, "this is the package of \(package.index.name) \(package.index.version), not of \(name) \(version)")
    }
    let found = RegistryVersion(
      manifest, checksum: package.checksum, contents: package.contents, size: package.memory.byteCount,
      categories: categories, signers: package.signatures.items.map(\.key), published: ProcessEnvironment.readableTime()
    )
    // What is told of it may be longer than what its manifest says; readers would refuse it, and all that is told together with it.
    guard (try? RegistryVersion(json: found.jsonValue.utf8())) == found else {
      throw RegistryProblem(
        422, "what its manifest says is too long to be told of", why: "written out, it can't be read again",
        hint: "name fewer hosts and paths in one permission")
    }
    return found
  }

  private func yank(_ question: Question) async throws -> Response {
    let reason = question.items(RegistryRoute.Word.reason).first ?? ""
    let isPlain = reason.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    guard reason.utf8.count <= settings.limits.reasonBytes, isPlain else {
      throw Diagnostic(
        "the reason can't be used", hint: "write one line of at most \(settings.limits.reasonBytes) bytes")
    }
    return try await setYanked(question, reason)
  }

  private func undoYank(_ question: Question) async throws -> Response {
    try await setYanked(question, nil)
  }

  private func setYanked(_ question: Question, _ reason: String?) async throws -> Response {
    let (name, version) = (try name(question), try version(question))
    var publisher = try await question.publisher()
    if question.administers, let owner = try await store.owner(of: name) { publisher = owner }
    try await demandOwner(publisher, name)
    guard try await store.yank(name, version, reason: reason, by: publisher) else {
      throw RegistryProblem(404, "there is no version \(version) of \(name)")
    }
    return .document(try await existing(question).jsonValue, to: question.request)
  }
}
