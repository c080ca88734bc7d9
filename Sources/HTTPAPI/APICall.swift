import HTTPTypes
import Hummingbird
import NIOCore
import PluginModel
import PluginRegistry
import Tracing

/// Who asks.
package struct Caller: Hashable, Sendable {
  /// Of the token; what is written down of what they do has it.
  package var name: String
  package var scope: AccessScope

  package init(name: String, scope: AccessScope) {
    self.name = name
    self.scope = scope
  }
}

/// A request whose route, token, parameters and size were checked.
package struct APICall: Sendable {
  package let caller: Caller
  package let path: [APIParameter.Path: String]
  /// Only names that the route has, and several only where it takes several.
  package let query: [String: [String]]
  /// As it came.
  let request: Request
  package var headers: HTTPFields { request.headers }
  package var body: RequestBody { request.body }
  /// Bytes.
  let bodyLimit: Int
  /// What it is a part of, for spans.
  package var context = ServiceContext.topLevel

  package init(
    caller: Caller, path: [APIParameter.Path: String] = [:], query: [String: [String]] = [:],
    request: Request, bodyLimit: Int = 0
  ) {
    self.caller = caller
    self.path = path
    self.query = query
    self.request = request
    self.bodyLimit = bodyLimit
  }

  package func text(_ name: APIParameter.Path) -> String { path[name] ?? "" }
  package func item(_ name: String) -> String? { query[name]?.first }

  /// - Throws: what is given is no such number.
  package func number(_ name: String, in range: ClosedRange<Int>) throws(APIProblem) -> Int? {
    guard let text = item(name) else { return nil }
    guard let value = StrictDecimal.value(text.utf8, maximum: range.upperBound), range.contains(value) else {
      throw APIProblem(
        400, "\(text.quoted) can't be used as \(name.quoted)",
        hint: "use a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  package func pageLimit() throws(APIProblem) -> Int {
    try number("limit", in: APIParameter.pageLimits) ?? APIParameter.usualPageLimit
  }

  package func flag(_ name: String) throws(APIProblem) -> Bool {
    switch item(name) {
    case nil, "false": false
    case "true": true
    case .some(let text):
      throw APIProblem(400, "\(text.quoted) can't be used as \(name.quoted)", hint: "use true or false")
    }
  }

  /// All of the body.
  package func bytes() async throws(APIProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      for try await piece in body {
        guard bytes.count + piece.readableBytes <= bodyLimit else { throw APIProblem.tooLarge(bodyLimit) }
        bytes += piece.readableBytesView
      }
    } catch let problem as APIProblem {
      throw problem
    } catch {
      throw APIProblem(400, "the body didn't come whole")
    }
    return bytes
  }

  /// The body, a JSON object; nil where there is none.
  package func object(known keys: Set<String>) async throws(APIProblem) -> JSONValue? {
    let bytes = try await bytes()
    guard !bytes.isEmpty else { return nil }
    let value: JSONValue
    do {
      value = try JSONValue(json: bytes, limits: .request)
    } catch {
      throw APIProblem(400, "the body is no JSON that can be taken", why: "\(error)")
    }
    guard case .object(let members) = value else { throw APIProblem(422, "the body is no JSON object") }
    for member in members where !keys.contains(member.key) {
      throw APIProblem(
        422, "the body has the unknown member \(member.key.prefix(64).description.quoted)",
        hint: Suggestion.hint(for: String(member.key.prefix(64)), among: keys.sorted()))
    }
    return value
  }
}

extension DocumentLimits {
  /// Of what somebody sends.
  package static let request = DocumentLimits(
    maximumBytes: DocumentLimits.file.maximumBytes, maximumDepth: 64, maximumNodes: 500_000)
}

extension APIProblem {
  static func tooLarge(_ limit: Int) -> APIProblem {
    APIProblem(413, "the body is too large", why: "at most \(limit) bytes are taken")
  }
}

/// What a handler answers.
package enum APIReply: Sendable {
  case json(JSONValue, status: Int = 200, location: String? = nil, tag: String? = nil)
  /// What was made ready before.
  /// - policy: the content security policy of what is to be shown as a page; nil: nothing is.
  case document(ByteBuffer, mediaType: String, tag: String?, policy: String? = nil)
  case content(APIContent)
  /// Made by the registry, which others of its kind speak too.
  case made(Response)
  case events(@Sendable (inout any ResponseBodyWriter) async throws -> Void)
  case nothing(status: Int = 204)

  /// JSON that is asked for often: made ready, with a tag by which it needn't be sent again.
  package static func prepared(_ value: JSONValue) -> APIReply { .prepared(value.utf8(), mediaType: MediaType.json) }

  package static func prepared(_ bytes: [UInt8], mediaType: String, policy: String? = nil) -> APIReply {
    .document(ByteBuffer(bytes: bytes), mediaType: mediaType, tag: ContentDigest(sha256: bytes).tag, policy: policy)
  }
}

extension ContentDigest {
  /// As `ETag` has it: RFC 9110 section 8.8.3.
  package var tag: String { "\"\(hexadecimal.prefix(32))\"" }
}

/// Bytes that are read while they are sent.
package struct APIContent: Sendable {
  package var size: Int
  package var mediaType: String
  /// For a file of whoever gets it.
  package var name: String
  package var tag: String
  /// The content security policy of a page, which is shown; nil: it is nothing to be shown.
  package var policy: String?
  /// At most so many from an offset on; fewer only at the end.
  package var read: @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]

  package init(
    size: Int, mediaType: String, name: String, tag: String, policy: String? = nil,
    read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]
  ) {
    self.size = size
    self.mediaType = mediaType
    self.name = name
    self.tag = tag
    self.policy = policy
    self.read = read
  }
}

/// Does what is asked for.
package protocol APIHandler: Sendable {
  func handle(_ operation: APIOperation, _ call: APICall) async throws -> APIReply
}
