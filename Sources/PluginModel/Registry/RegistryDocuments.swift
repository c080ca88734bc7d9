// The JSON that a registry speaks. What isn't known in it is left out, so that later versions may say more; what is known has to be right.

extension RegistryPlugin {
  private enum Key: String, CaseIterable { case name, owner, versions }

  package var jsonValue: JSONValue {
    [
      Key.name.rawValue: .string(name.text), Key.owner.rawValue: .string(owner.text),
      Key.versions.rawValue: .array(versions.map(\.jsonValue)),
    ]
  }

  /// - Parameter name: what was asked for.
  /// - Throws: everything that is wrong with what came.
  package init(json bytes: [UInt8], of name: PluginName, limits: RegistryLimits = RegistryLimits()) throws(Diagnostics)
  {
    let report = DocumentReport(file: RegistryAnswer.file, limits: limits.document)
    let root = report.read(bytes, syntax: .json)?.mapping(Key.self, ignoringOthers: true)
    let found = root?.required(.name)?.name(PluginName.self)
    let owner = root?.required(.owner)?.name(PublisherName.self)
    let versions = root?.required(.versions)?.list(maximumCount: limits.versions)?.compactMap {
      RegistryVersion($0, limits: limits)
    }
    if let found, found != name {
      root?.reader.error("it is about another plugin", why: "it says \(found), and \(name) was asked for")
    }
    if let versions, Set(versions.map(\.version)).count != versions.count {
      root?.reader.error("it has one version twice")
    }
    try report.check()
    guard let found, let owner, let versions else { throw RegistryAnswer.unreadable }
    self.init(name: found, owner: owner, versions: versions)
  }
}

extension RegistryVersion {
  private enum Key: String, CaseIterable {
    case version, checksum, contents, size, author, description, license, categories, permissions, dependencies, signers
    case published, yanked
    case nodeTypes = "node_types"
    case minimumEngineVersion = "min_engine_version"
    case maximumEngineVersion = "max_engine_version"
  }
  private enum YankKey: String, CaseIterable { case reason }

  package var jsonValue: JSONValue {
    var members: [(Key, JSONValue)] = [
      (.version, .string(version.description)), (.checksum, .string(checksum.description)),
      (.contents, .string(contents.description)), (.size, .integer(Int64(size))), (.author, .string(author)),
      (.description, .string(description)), (.license, .string(license)),
      (.categories, RegistryAnswer.list(categories)), (.nodeTypes, RegistryAnswer.list(nodeTypes)),
      (.permissions, RegistryAnswer.list(permissions)), (.dependencies, RegistryAnswer.list(dependencies)),
      (.signers, RegistryAnswer.list(signers)), (.published, .string(published)),
    ]
    if let minimumEngineVersion { members.append((.minimumEngineVersion, .string("\(minimumEngineVersion)"))) }
    if let maximumEngineVersion { members.append((.maximumEngineVersion, .string("\(maximumEngineVersion)"))) }
    if let yanked { members.append((.yanked, [YankKey.reason.rawValue: .string(yanked)])) }
    return .object(members.map { JSONValue.Member($0.0.rawValue, $0.1) })
  }

  /// Reads what ``jsonValue`` wrote.
  package init(json bytes: [UInt8], limits: RegistryLimits = RegistryLimits()) throws(Diagnostics) {
    let report = DocumentReport(file: RegistryAnswer.file, limits: limits.document)
    let value = report.read(bytes, syntax: .json).flatMap { RegistryVersion($0, limits: limits) }
    try report.check()
    guard let value else { throw RegistryAnswer.unreadable }
    self = value
  }

  fileprivate init?(_ value: ValueReader, limits: RegistryLimits) {
    guard let fields = value.mapping(Key.self, ignoringOthers: true) else { return nil }
    let version = fields.required(.version)?.version()
    let checksum = fields.required(.checksum)?.digest()
    let contents = fields.required(.contents)?.digest()
    let size = fields.required(.size)?.integer(in: 1...limits.packageBytes)
    let author = fields.required(.author)?.string(maximumBytes: 256)
    let published = fields.required(.published)?.time()
    let categories = fields.optional(.categories)?.list(maximumCount: PluginCategory.maximumCount)
    let nodeTypes = fields.optional(.nodeTypes)?.list(maximumCount: NodeSpecification.maximumNodeTypes)
    let permissions = fields.optional(.permissions)?.list(maximumCount: 256)
    let dependencies = fields.optional(.dependencies)?.list(maximumCount: 512)
    let signers = fields.optional(.signers)?.list(maximumCount: limits.signers)
    let lists = (
      categories: categories?.compactMap { $0.name(PluginCategory.self) },
      nodeTypes: nodeTypes?.compactMap { $0.name(NodeTypeName.self) },
      permissions: permissions?.compactMap { $0.permission() },
      dependencies: dependencies?.compactMap { $0.dependency() },
      signers: signers?.compactMap { $0.keyIdentifier() }
    )
    self.license = fields.optional(.license)?.string(maximumBytes: 256) ?? ""
    self.description = fields.optional(.description)?.string() ?? ""
    minimumEngineVersion = fields.optional(.minimumEngineVersion)?.version()
    maximumEngineVersion = fields.optional(.maximumEngineVersion)?.version()
    yanked = fields.optional(.yanked).map { yanked in
      // However it is written: what is there, is yanked.
      yanked.mapping(YankKey.self, ignoringOthers: true)?.optional(.reason)?.string(maximumBytes: limits.reasonBytes)
        ?? ""
    }
    guard let version, let checksum, let contents, let size, let author, let published else { return nil }
    self.version = version
    self.checksum = checksum
    self.contents = contents
    self.size = size
    self.author = author
    self.published = published
    self.categories = lists.categories ?? []
    self.nodeTypes = lists.nodeTypes ?? []
    self.permissions = lists.permissions ?? []
    self.dependencies = lists.dependencies ?? []
    self.signers = lists.signers ?? []
  }
}

extension RegistryPage {
  private enum Key: String, CaseIterable { case plugins, next }
  private enum SummaryKey: String, CaseIterable { case name, version, author, description, categories }

  package var jsonValue: JSONValue {
    var members = [JSONValue.Member(Key.plugins.rawValue, .array(plugins.map(Self.json)))]
    if let next { members.append(JSONValue.Member(Key.next.rawValue, .string(next.text))) }
    return .object(members)
  }

  private static func json(_ summary: RegistrySummary) -> JSONValue {
    [
      SummaryKey.name.rawValue: .string(summary.name.text),
      SummaryKey.version.rawValue: .string(summary.version.description),
      SummaryKey.author.rawValue: .string(summary.author),
      SummaryKey.description.rawValue: .string(summary.description),
      SummaryKey.categories.rawValue: RegistryAnswer.list(summary.categories),
    ]
  }

  package init(json bytes: [UInt8], limits: RegistryLimits = RegistryLimits()) throws(Diagnostics) {
    let report = DocumentReport(file: RegistryAnswer.file, limits: limits.document)
    let root = report.read(bytes, syntax: .json)?.mapping(Key.self, ignoringOthers: true)
    let list = root?.required(.plugins)?.list(maximumCount: RegistryQuery.limits.upperBound)
    let plugins = list?.compactMap(Self.summary)
    let next = root?.optional(.next)?.name(PluginName.self)
    try report.check()
    guard let plugins else { throw RegistryAnswer.unreadable }
    self.init(plugins: plugins, next: next)
  }

  private static func summary(_ value: ValueReader) -> RegistrySummary? {
    guard let fields = value.mapping(SummaryKey.self, ignoringOthers: true) else { return nil }
    let name = fields.required(.name)?.name(PluginName.self)
    let version = fields.required(.version)?.version()
    let author = fields.optional(.author)?.string(maximumBytes: 256) ?? ""
    let description = fields.optional(.description)?.string() ?? ""
    let categories = fields.optional(.categories)?.list(maximumCount: PluginCategory.maximumCount)?.compactMap {
      $0.name(PluginCategory.self)
    }
    guard let name, let version else { return nil }
    return RegistrySummary(
      name: name, version: version, author: author, description: description, categories: categories ?? [])
  }
}

/// Why a registry didn't do what it was asked for: problem details of RFC 9457.
package struct RegistryProblem: Error, Hashable, Sendable {
  package static let mediaType = "application/problem+json"

  package var status: Int
  /// `title`
  package var what: String
  /// `detail`
  package var why: String?
  package var hint: String?

  package init(_ status: Int, _ what: String, why: String? = nil, hint: String? = nil) {
    self.status = status
    self.what = what
    self.why = why
    self.hint = hint
  }

  private enum Key: String, CaseIterable { case title, status, detail, hint }

  package var jsonValue: JSONValue {
    var members = [
      JSONValue.Member(Key.title.rawValue, .string(what)),
      JSONValue.Member(Key.status.rawValue, .integer(Int64(status))),
    ]
    if let why { members.append(JSONValue.Member(Key.detail.rawValue, .string(why))) }
    if let hint { members.append(JSONValue.Member(Key.hint.rawValue, .string(hint))) }
    return .object(members)
  }

  /// What came with `status`, whatever it is: other servers on the way answer with pages of their own, which aren't shown.
  package init(status: Int, body: [UInt8]) {
    let report = DocumentReport(
      file: RegistryAnswer.file, limits: DocumentLimits(maximumBytes: 64 << 10, maximumDepth: 8, maximumNodes: 1000))
    let fields = report.read(body, syntax: .json)?.mapping(Key.self, ignoringOthers: true)
    let texts = [Key.title, .detail, .hint].map { fields?.optional($0)?.string() }
    self.init(status, "", why: nil, hint: nil)
    if report.isEmpty, let title = texts[0] { (what, why, hint) = (title, texts[1], texts[2]) }
  }

  /// - Parameter what: that couldn't be done. What the registry says is told as its word.
  package func diagnostic(_ doing: String) -> Diagnostic {
    let said = [what, why].compactMap { $0.flatMap { $0.isEmpty ? nil : UntrustedBytes($0).text } }
    return Diagnostic(
      doing,
      why: said.isEmpty
        ? "the registry answers with status \(status)\(meaning.map { ": \($0)" } ?? "")"
        : "the registry says: \(said.joined(separator: ": "))",
      hint: hint.map { "the registry advises: \(UntrustedBytes($0).text)" } ?? ownHint)
  }

  /// Of what it has said nothing, or of which nothing has come: it may end the connection while much is still being sent.
  private var meaning: String? {
    switch status {
    case 401: "it knows no such token"
    case 403: "this isn't allowed to this publisher"
    case 409: "it has another package of that name and version, or a name like this one"
    case 413: "the package is too large"
    case 429: "too many packages are being published"
    default: nil
    }
  }

  private var ownHint: String? {
    switch status {
    case 401: "give a token: plugins.registry.token_file, or the variable ORCHESTRATOR_REGISTRY_TOKEN"
    case 404 where what.isEmpty: "look at plugins.registry.url"
    case 429, 500...599: "try again later"
    default: nil
    }
  }
}

enum RegistryAnswer {
  /// What diagnostics call it.
  static let file = "the registry's answer"

  static var unreadable: Diagnostics { Diagnostics([Diagnostic("\(file) can't be read")]) }

  static func list(_ items: some Sequence<some CustomStringConvertible>) -> JSONValue {
    .array(items.map { .string($0.description) })
  }
}

extension ValueReader {
  fileprivate func digest() -> ContentDigest? {
    guard let text = string(maximumBytes: 128) else { return nil }
    guard let digest = ContentDigest(described: text) else {
      error("\(subject) must be 'sha256:' and 64 lower-case hexadecimal digits", why: "it is \(text.quoted)")
      return nil
    }
    return digest
  }

  fileprivate func keyIdentifier() -> KeyIdentifier? {
    guard let text = string(maximumBytes: 128) else { return nil }
    guard let key = KeyIdentifier(text) else {
      error("\(subject) must be the name of a key", why: "it is \(text.quoted)", hint: "use \(KeyIdentifier.grammar)")
      return nil
    }
    return key
  }

  /// `2026-01-31T12:00:00Z`
  fileprivate func time() -> String? {
    guard let text = string(maximumBytes: 64) else { return nil }
    let shape = text.utf8.map { $0.isDigit ? UInt8(ascii: "0") : $0 }
    guard shape.elementsEqual("0000-00-00T00:00:00Z".utf8), CalendarDate(String(text.prefix(10))) != nil else {
      error("\(subject) must be a time in UTC, such as 2026-01-31T12:00:00Z", why: "it is \(text.quoted)")
      return nil
    }
    return text
  }
}
