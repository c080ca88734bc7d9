import PluginModel

/// What is asked of the server itself.
package enum ServerOperation: String, CaseIterable, Sendable {
  case health
  case readiness
  case metrics
  case openAPI
  case whoAmI
  case queue
  case hosts
  case reload
  case listTokens
  case createToken
  case revokeToken
  case audit

  var route: APIRoute {
    switch self {
    case .health:
      APIRoute(
        .get, "/healthz", nil, "Whether the server answers at all.",
        success: APIAnswer(200, "It does.", MediaType.text, APISchema.string()))
    case .readiness:
      APIRoute(
        .get, "/readyz", nil, "Whether the server takes work: its state can be written, and it isn't ending.",
        success: APIAnswer(200, "It does.", MediaType.text, APISchema.string()), refusals: [503])
    case .metrics:
      APIRoute(
        .get, "/metrics", .viewer, "Counters and gauges, in Prometheus' text format.",
        success: APIAnswer(200, "The metrics.", MediaType.metrics, APISchema.string()))
    case .openAPI:
      APIRoute(
        .get, "/openapi.json", .viewer, "This document.",
        success: APIAnswer(200, "The document.", MediaType.json, ["type": "object"], isTagged: true))
    case .whoAmI:
      APIRoute(
        .get, "/api/v1/me", .viewer, "Whose token this is, and what it allows.",
        success: .json("Token", "The token, without its secret."))
    case .queue:
      APIRoute(
        .get, "/api/v1/queue", .viewer, "The nodes that wait for what they need, and what that is.",
        success: .json("Queue", "By run, the oldest first."))
    case .hosts:
      APIRoute(
        .get, "/api/v1/hosts", .viewer, "What the hosts have, and what of it is free.",
        success: .json("HostList", "The hosts."))
    case .reload:
      APIRoute(
        .post, "/api/v1/reload", .admin,
        "Reads the configuration and the directories of plugins again, as SIGHUP does.",
        success: .json("Reload", "They were read."), refusals: [422])
    case .listTokens:
      APIRoute(
        .get, "/api/v1/tokens", .admin, "The tokens, without their secrets.",
        success: .json("TokenList", "The tokens."))
    case .createToken:
      APIRoute(
        .post, "/api/v1/tokens", .admin, "Makes a token.", body: .json("NewToken"),
        success: .json("CreatedToken", "The token, with its secret, which is shown this once.", status: 201),
        refusals: [409, 422])
    case .revokeToken:
      APIRoute(
        .delete, "/api/v1/tokens/{token}", .admin, "Takes a token back. Nothing that it began ends.",
        success: .nothing("It is worth nothing any more."), refusals: [404])
    case .audit:
      APIRoute(
        .get, "/api/v1/audit", .admin, "Grants and administration: who did what when, the latest first.",
        parameters: [
          .query("before", APISchema.integer(least: 1), "Only entries with a lower number."), .pageLimit,
        ], success: .json("AuditList", "A page of entries."))
    }
  }
}

extension APIParameter {
  /// Entries of a page.
  package static let pageLimits = 1...200
  package static let usualPageLimit = 50

  static var pageLimit: APIParameter {
    .query(
      "limit", APISchema.integer(least: pageLimits.lowerBound, most: pageLimits.upperBound),
      "Entries of a page; \(usualPageLimit) where it isn't said.")
  }
}
