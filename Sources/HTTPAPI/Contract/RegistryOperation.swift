import PluginModel

/// What is asked of the registry that the server also is: the page Registry has it in words.
package enum RegistryOperation: String, CaseIterable, Sendable {
  case searchRegistry
  case showRegistryPlugin
  case fetchPackage
  case publishPackage
  case yankVersion
  case undoYank

  private static let plugins = "/\(RegistryServer.path)/\(RegistryRoute.Word.plugins)"
  private static let version = "\(plugins)/{plugin}/{version}"
  private static let category = APISchema.string("A category.", pattern: "^[a-z][a-z0-9_-]{0,63}$", most: 64)

  var route: APIRoute {
    switch self {
    case .searchRegistry:
      APIRoute(
        .get, Self.plugins, .viewer, "The plugins of the registry, by name.",
        parameters: [
          .query(
            RegistryRoute.Word.query,
            APISchema.string(pattern: "^ *([^ ]+( +[^ ]+){0,7})? *$", most: RegistryQuery.maximumBytes),
            "Only those with all of these words in name, author, description or node types."),
          .query(RegistryRoute.Word.category, Self.category, "Only those of this category."),
          .query(RegistryRoute.Word.after, APISchema.pluginName, "Only names that come after this one."),
          .query(
            RegistryRoute.Word.limit,
            APISchema.integer(least: RegistryQuery.limits.lowerBound, most: RegistryQuery.limits.upperBound),
            "Plugins of a page; \(RegistryQuery.usualLimit) where it isn't said."),
        ], success: .json("RegistryPage", "A page of plugins.", isTagged: true))
    case .showRegistryPlugin:
      APIRoute(
        .get, "\(Self.plugins)/{plugin}", .viewer, "A plugin of the registry, with all its versions.",
        success: .json("RegistryPlugin", "The plugin.", isTagged: true), refusals: [404])
    case .fetchPackage:
      APIRoute(
        .get, "\(Self.version)/\(RegistryRoute.Word.package)", .viewer,
        "The package of a version, which never changes.",
        success: APIAnswer(200, "The package.", MediaType.package, APISchema.bytes, isTagged: true), refusals: [404])
    case .publishPackage:
      APIRoute(
        .put, "\(Self.version)/\(RegistryRoute.Word.package)", .author,
        "Publishes a version, as the publisher of the token's name. Who publishes a name first owns it.",
        parameters: [.list(RegistryRoute.Word.category, of: Self.category, "What the plugin is for.")],
        body: APIBody([MediaType.package], APISchema.bytes, limit: RegistryLimits.usualPackageBytes, isStreamed: true),
        success: APIAnswer(
          200, "These very bytes were there.", MediaType.json, APISchema.reference("RegistryVersion"), isTagged: true,
          others: [201: "It is published."]), refusals: [408, 409, 411, 422, 429])
    case .yankVersion:
      APIRoute(
        .put, "\(Self.version)/\(RegistryRoute.Word.yank)", .author,
        "Takes a version back: it is installed only where exactly it is asked for. For its publisher, and for admins.",
        parameters: [
          .query(
            RegistryRoute.Word.reason,
            APISchema.string(pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", most: RegistryLimits().reasonBytes),
            "One line.")
        ], success: .json("RegistryVersion", "The version.", isTagged: true), refusals: [404])
    case .undoYank:
      APIRoute(
        .delete, "\(Self.version)/\(RegistryRoute.Word.yank)", .author,
        "Lets a version that was taken back be used again. For its publisher, and for admins.",
        success: .json("RegistryVersion", "The version.", isTagged: true), refusals: [404])
    }
  }
}
