import PluginModel

/// Why a request isn't done: what the answer says, RFC 9457.
package struct APIProblem: Error, Sendable {
  package var status: Int
  /// `title`: one sentence.
  package var what: String
  /// `detail`
  package var why: String?
  package var hint: String?
  /// Everything that is wrong with what was sent, each with its place.
  package var diagnostics: [JSONValue]
  /// Seconds after which it may be asked again.
  package var retryAfter: Int?
  /// Of a method that a path hasn't: those that it has.
  package var allowed: [String] = []

  package init(
    _ status: Int, _ what: String, why: String? = nil, hint: String? = nil, diagnostics: [JSONValue] = [],
    retryAfter: Int? = nil
  ) {
    self.status = status
    self.what = what
    self.why = why
    self.hint = hint
    self.diagnostics = diagnostics
    self.retryAfter = retryAfter
  }

  /// A member of what was sent that isn't what it has to be.
  package static func unusable(_ key: String, _ must: String) -> APIProblem {
    APIProblem(422, "\(key.quoted) can't be used", hint: "it must be \(must)")
  }

  package var jsonValue: JSONValue {
    var members: [JSONValue.Member] = [
      .init("title", .string(what)), .init("status", .integer(Int64(status))),
    ]
    if let why { members.append(.init("detail", .string(why))) }
    if let hint { members.append(.init("hint", .string(hint))) }
    if !diagnostics.isEmpty { members.append(.init("diagnostics", .array(diagnostics))) }
    return .object(members)
  }
}
