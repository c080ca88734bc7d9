import PluginModel

/// What is asked about plugins and their node types.
package enum PluginOperation: String, CaseIterable, Sendable {
  /// The specification's own.
  case availableNodes
  case listNodes
  case showNode
  case listPlugins
  case showPlugin
  case installPlugin
  case installFromRegistry
  case rollBackPlugin
  case removePlugin
  case showGrants
  case grant
  case revokeGrants
  case showSettings
  case saveSettings

  /// In a query; one that is longer is granted by what a request brings.
  private static let permission = APISchema.string("A permission, with its scope where it has one.", most: 512)
  static let version = APISchema.string("A semantic version.", pattern: versionPattern, most: 128)
  private static let versionPattern = #"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$"#

  var route: APIRoute {
    switch self {
    case .availableNodes:
      APIRoute(
        .get, "/api/plugins/nodes", .viewer, "The node types that workflows can use, for an editor's palette.",
        parameters: [.query("category", APISchema.string(most: 256), "Only node types of this category.")],
        success: .json("PaletteList", "The node types.", isTagged: true))
    case .listNodes:
      APIRoute(
        .get, "/api/v1/nodes", .viewer,
        "The node types that workflows can use, and what is wrong with plugins that can't be asked.",
        parameters: [.query("category", APISchema.string(most: 256), "Only node types of this category.")],
        success: .json("NodeTypeList", "The node types.", isTagged: true))
    case .showNode:
      APIRoute(
        .get, "/api/v1/nodes/{plugin}/{type}", .viewer, "One node type.",
        success: .json("NodeType", "The node type."), refusals: [404])
    case .listPlugins:
      APIRoute(
        .get, "/api/v1/plugins", .viewer, "The plugins that can be found, and those that are broken.",
        success: .json("PluginList", "The plugins."))
    case .showPlugin:
      APIRoute(
        .get, "/api/v1/plugins/{plugin}", .viewer, "One plugin: its manifest, its installed versions, what it may do.",
        success: .json("PluginDetail", "The plugin."), refusals: [404])
    case .installPlugin:
      APIRoute(
        .post, "/api/v1/plugins", .admin,
        "Installs a package, or another version of one. It is verified, unpacked in a sandbox and asked for its node types before it counts.",
        parameters: [
          .list("grant", of: Self.permission, "What of that which it asks for it is granted, lastingly."),
          .query(
            "without_consent", APISchema.boolean(),
            "Install a version that asks for more than the one that counts, without granting that."),
        ],
        body: APIBody([MediaType.package], APISchema.bytes, limit: PackageLimits().packageSize, isStreamed: true),
        success: .json("Installation", "It counts.", status: 201, isLocated: true), refusals: [409, 422, 429])
    case .installFromRegistry:
      APIRoute(
        .post, "/api/v1/plugins/{plugin}/install", .admin,
        "Installs a plugin of the registry that is configured, with the plugins that it needs, or another version of one: the highest where none is named.",
        body: .json("RegistryInstallation", isRequired: false),
        success: .json("InstallationList", "They count.", status: 201, isLocated: true), refusals: [422, 429])
    case .rollBackPlugin:
      APIRoute(
        .post, "/api/v1/plugins/{plugin}/rollback", .admin, "Lets an installed version count again.",
        body: .json("Rollback", isRequired: false), success: .json("RolledBack", "It counts."), refusals: [404, 409])
    case .removePlugin:
      APIRoute(
        .delete, "/api/v1/plugins/{plugin}", .admin, "Removes an installed plugin, or one version of it.",
        parameters: [.query("version", Self.version, "Only this version.")],
        success: .json("Removal", "It is removed."), refusals: [404])
    case .showGrants:
      APIRoute(
        .get, "/api/v1/plugins/{plugin}/grants", .viewer,
        "What a plugin asks for, what that would let it do, and what it is granted by whom.",
        success: .json("Grants", "Its permissions."), refusals: [404])
    case .grant:
      APIRoute(
        .post, "/api/v1/plugins/{plugin}/grants", .admin,
        "Grants a plugin what it asks for, for the files that it has now.", body: .json("NewGrants"),
        success: .json("Grants", "Its permissions."), refusals: [404, 409, 422])
    case .revokeGrants:
      APIRoute(
        .delete, "/api/v1/plugins/{plugin}/grants", .admin, "Takes back what a plugin was granted.",
        parameters: [.list("permission", of: Self.permission, "Only these; all where none is named.")],
        success: .json("Grants", "Its permissions."), refusals: [404, 422])
    case .showSettings:
      APIRoute(
        .get, "/api/v1/plugins/{plugin}/settings", .admin,
        "The keys of a plugin's configuration, their values and where those come from. Secrets aren't shown.",
        success: .json("PluginSettings", "Its settings."), refusals: [404])
    case .saveSettings:
      APIRoute(
        .put, "/api/v1/plugins/{plugin}/settings", .admin,
        "Sets keys of a plugin's configuration, but for secrets and for what the operator's file sets. Runs that begin later have them.",
        body: .json("NewPluginSettings"), success: .json("PluginSettings", "Its settings."), refusals: [404, 422])
    }
  }
}
