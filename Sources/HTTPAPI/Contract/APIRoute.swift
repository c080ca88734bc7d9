import HTTPTypes
import PluginModel

/// What can be asked of the server in one way, as a value: the router, the checks before a handler and the OpenAPI document follow
/// from it.
package struct APIRoute: Sendable {
  package var method: HTTPRequest.Method
  /// OpenAPI's form: `/api/v1/runs/{run}`.
  package var path: String
  /// What the token has to allow; nil: anybody may ask.
  package var scope: AccessScope?
  package var summary: String
  /// Of the query and the header. Those of the path follow from it.
  package var parameters: [APIParameter]
  package var body: APIBody?
  package var success: APIAnswer
  /// Further statuses with which it may be refused, beyond those that every route has.
  package var refusals: Set<Int>

  package init(
    _ method: HTTPRequest.Method, _ path: String, _ scope: AccessScope?, _ summary: String,
    parameters: [APIParameter] = [], body: APIBody? = nil, success: APIAnswer, refusals: Set<Int> = []
  ) {
    self.method = method
    self.path = path
    self.scope = scope
    self.summary = summary
    self.parameters = parameters
    self.body = body
    self.success = success
    self.refusals = refusals
  }

  /// In the order of the path.
  package var pathParameters: [APIParameter.Path] {
    path.split(separator: "/").compactMap { part in
      part.hasPrefix("{") ? APIParameter.Path(rawValue: String(part.dropFirst().dropLast())) : nil
    }
  }

  package var queryParameters: [APIParameter] { parameters.filter { $0.place == .query } }
}

/// Something that is asked for with a request.
package struct APIParameter: Sendable {
  package enum Place: String, Sendable {
    case query
    case header
  }

  /// What stands in a path between braces.
  package enum Path: String, CaseIterable, Sendable {
    case plugin
    case version
    case type
    case workflow
    case run
    case node
    case port
    case index
    case token
    case upload
  }

  package var place: Place
  package var name: String
  package var schema: JSONValue
  package var summary: String
  package var isRequired = false
  /// It may be given several times.
  package var isRepeatable = false

  /// Of a reader of events, which has lost its connection.
  package static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .ifMatch

  package static func query(_ name: String, _ schema: JSONValue, _ summary: String) -> APIParameter {
    APIParameter(place: .query, name: name, schema: schema, summary: summary)
  }

  /// Of one that may be given several times.
  static let mostItems = 16

  package static func list(_ name: String, of schema: JSONValue, _ summary: String) -> APIParameter {
    APIParameter(
      place: .query, name: name, schema: APISchema.array(schema, most: mostItems), summary: summary, isRepeatable: true)
  }

  /// What of it can be checked without knowing what it means.
  package func accepts(_ text: String) -> Bool {
    let schema = isRepeatable ? self.schema["items"] ?? self.schema : self.schema
    if let most = schema["maxLength"]?.integerValue, text.unicodeScalars.count > most { return false }
    if let words = schema["enum"]?.arrayValue, !words.contains(.string(text)) { return false }
    return true
  }

  package static func header(_ name: String, _ schema: JSONValue, _ summary: String) -> APIParameter {
    APIParameter(place: .header, name: name, schema: schema, summary: summary)
  }
}

/// What a request brings.
package struct APIBody: Sendable {
  package var mediaTypes: [String]
  package var schema: JSONValue
  /// Bytes; more is refused.
  package var limit: Int
  /// The handler reads it piece by piece; otherwise it is there whole.
  package var isStreamed: Bool
  package var isRequired: Bool

  package init(
    _ mediaTypes: [String], _ schema: JSONValue, limit: Int, isStreamed: Bool = false, isRequired: Bool = true
  ) {
    self.mediaTypes = mediaTypes
    self.schema = schema
    self.limit = limit
    self.isStreamed = isStreamed
    self.isRequired = isRequired
  }

  /// - Parameter limit: bytes.
  package static func json(_ schema: String, limit: Int = 1 << 20, isRequired: Bool = true) -> APIBody {
    APIBody([MediaType.json], APISchema.reference(schema), limit: limit, isRequired: isRequired)
  }
}

/// What a request is answered with where it succeeds.
package struct APIAnswer: Sendable {
  package var status: Int
  package var summary: String
  /// Nil: nothing is sent.
  package var mediaType: String?
  package var schema: JSONValue?
  /// It says by a tag which state it is of: `ETag`.
  package var isTagged: Bool
  /// Parts of it can be asked for: RFC 9110 section 14.
  package var hasRanges: Bool
  /// It says where what was made is: `Location`.
  package var isLocated: Bool
  /// Other statuses of success, without content.
  package var others: [Int: String]
  /// Other media types of the same, by what was asked for.
  package var otherMediaTypes: [String]

  package init(
    _ status: Int, _ summary: String, _ mediaType: String?, _ schema: JSONValue?, isTagged: Bool = false,
    hasRanges: Bool = false, isLocated: Bool = false, others: [Int: String] = [:], otherMediaTypes: [String] = []
  ) {
    self.status = status
    self.summary = summary
    self.mediaType = mediaType
    self.schema = schema
    self.isTagged = isTagged
    self.hasRanges = hasRanges
    self.isLocated = isLocated
    self.others = others
    self.otherMediaTypes = otherMediaTypes
  }

  package static func json(
    _ schema: String, _ summary: String, status: Int = 200, isTagged: Bool = false, isLocated: Bool = false
  ) -> APIAnswer {
    APIAnswer(
      status, summary, MediaType.json, APISchema.reference(schema), isTagged: isTagged, isLocated: isLocated)
  }

  package static func nothing(_ summary: String) -> APIAnswer { APIAnswer(204, summary, nil, nil) }
}

/// Media types that the server speaks.
package enum MediaType {
  package static let json = "application/json"
  package static let yaml = "application/yaml"
  package static let bytes = "application/octet-stream"
  package static let package = "application/zip"
  package static let problem = "application/problem+json"
  package static let events = "text/event-stream"
  package static let metrics = "text/plain; version=0.0.4; charset=utf-8"
  package static let text = "text/plain; charset=utf-8"
  package static let picture = "image/svg+xml"
  package static let page = "text/html; charset=utf-8"
}
