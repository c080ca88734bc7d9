import PluginModel

/// The shapes of what is sent and answered, by their names in the OpenAPI document. Answers may gain members; none changes its meaning.
enum APISchemas {
  private static let text = APISchema.string()
  private static let maybeText = APISchema.optional(APISchema.string())
  private static let time = APISchema.integer("Milliseconds since 1970.")
  private static let maybeTime = APISchema.optional(APISchema.integer("Milliseconds since 1970."))
  private static let count = APISchema.integer()
  private static let texts = APISchema.array(APISchema.string())

  private static func list(_ member: String, of name: String) -> JSONValue {
    APISchema.object([(member, APISchema.array(APISchema.reference(name)))])
  }

  private static func page(_ member: String, of name: String, next: JSONValue = maybeText) -> JSONValue {
    APISchema.object([(member, APISchema.array(APISchema.reference(name))), ("next", next)])
  }

  static let all: [(name: String, schema: JSONValue)] = server + plugins + workflows + runs + uploads + registry

  private static let server: [(name: String, schema: JSONValue)] = [
    (
      "Problem",
      APISchema.object(
        [("title", text), ("status", count)],
        optional: [
          ("detail", text), ("hint", text), ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
        ], "RFC 9457.")
    ),
    (
      "Diagnostic",
      APISchema.object(
        [("severity", APISchema.choice(["error", "warning"])), ("what", text)],
        optional: [
          ("why", text), ("hint", text), ("file", text), ("line", count), ("column", count), ("node", text),
          ("port", text), ("parameter", text),
        ])
    ),
    ("Token", APISchema.object(tokenMembers)),
    ("TokenList", list("tokens", of: "Token")),
    ("CreatedToken", APISchema.object(tokenMembers + [("secret", text)])),
    (
      "NewToken",
      APISchema.object(
        [
          ("name", APISchema.string(AccessTokenName.grammar, pattern: "^[a-z][a-z0-9_-]{0,63}$")),
          ("scope", APISchema.choice(AccessScope.allCases.map(\.rawValue))),
        ],
        optional: [
          ("expires", APISchema.optional(APISchema.duration)),
          ("quota", APISchema.optional(APISchema.string("Such as \(AccessQuota.example).", most: 256))),
        ], isClosed: true)
    ),
    ("AuditList", page("entries", of: "AuditEntry", next: APISchema.optional(APISchema.integer()))),
    (
      "AuditEntry",
      APISchema.object([
        ("id", count), ("time_ms", time), ("actor", text), ("action", text), ("subject", text),
        ("detail", APISchema.any),
        ("outcome", maybeText),
      ])
    ),
    ("Reload", list("warnings", of: "Diagnostic")),
    (
      "Queue",
      APISchema.object([
        (
          "runs",
          APISchema.array(
            APISchema.object([
              ("run", text), ("waiting", APISchema.array(APISchema.reference("WaitingNode"))), ("further_count", count),
            ]))
        )
      ])
    ),
    (
      "WaitingNode",
      APISchema.object([("node", text), ("reason", text), ("since_ms", APISchema.integer(least: nil))])
    ),
    (
      "Waiting",
      APISchema.object([
        ("waiting", APISchema.array(APISchema.reference("WaitingNode"))), ("further_count", count),
      ])
    ),
    (
      "HostList",
      APISchema.object([
        (
          "hosts",
          APISchema.array(
            APISchema.object([
              ("name", text), ("cpu_milli", count), ("cpu_milli_free", APISchema.integer(least: nil)),
              ("memory_bytes", count), ("memory_bytes_free", APISchema.integer(least: nil)),
              (
                "devices",
                APISchema.array(APISchema.object([("id", text), ("memory_bytes", count), ("milli_free", count)]))
              ),
              (
                "running",
                APISchema.array(
                  APISchema.object([
                    ("run", text), ("node", text), ("cpu_milli", count), ("memory_bytes", count), ("devices", texts),
                  ]))
              ), ("running_count", count),
            ]))
        )
      ])
    ),
  ]

  private static let tokenMembers: [(String, JSONValue)] = [
    ("id", maybeText), ("name", text), ("scope", APISchema.choice(AccessScope.allCases.map(\.rawValue))),
    ("quota", APISchema.map(of: APISchema.integer())), ("created_ms", maybeTime), ("expires_ms", maybeTime),
  ]

  private static let plugins: [(name: String, schema: JSONValue)] = [
    (
      "PaletteList",
      APISchema.object([
        (
          "nodes",
          APISchema.array(
            APISchema.object([
              ("nodeType", text), ("displayName", text), ("category", text), ("icon", maybeText), ("color", maybeText),
              ("description", text), ("plugin", text), ("version", text),
              ("specification", ["type": "object"]),
            ]))
        )
      ])
    ),
    ("NodeType", APISchema.object([("type", text), ("plugin", text), ("version", text)])),
    (
      "NodeTypeList",
      APISchema.object([
        ("nodes", APISchema.array(APISchema.reference("NodeType"))),
        ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
    (
      "Plugin",
      APISchema.object([
        ("name", text), ("version", text), ("author", text), ("description", text), ("license", text),
        ("node_types", texts), ("permissions", texts), ("directory", text), ("digest", text),
      ])
    ),
    (
      "PluginList",
      APISchema.object([
        ("plugins", APISchema.array(APISchema.reference("Plugin"))),
        (
          "broken",
          APISchema.array(
            APISchema.object([
              ("directory", text), ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
            ]))
        ), ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
    (
      "PluginDetail",
      APISchema.object([
        ("name", text), ("manifest", ["type": "object"]), ("digest", text),
        (
          "installed",
          APISchema.array(
            APISchema.object([
              ("version", text), ("digest", text), ("checksum", maybeText), ("signers", texts), ("installed_ms", time),
              ("standing", APISchema.choice(["current", "previous", "other"])),
            ]))
        ), ("grants", APISchema.reference("Grants")),
        (
          "stopped",
          APISchema.optional(
            APISchema.object([
              ("crashes", APISchema.integer()), ("window_ms", APISchema.integer()),
              ("remaining_ms", APISchema.integer()),
            ]))
        ),
      ])
    ),
    (
      "Grants",
      APISchema.object([
        ("name", text), ("version", text), ("directory", text), ("digest", text), ("profile", maybeText),
        (
          "asked",
          APISchema.array(
            APISchema.object([
              ("permission", text), ("meaning", text), ("risk", text), ("granted", APISchema.array(["type": "object"])),
              ("forbidden_by", APISchema.optional(["type": "object"])),
            ]))
        ), ("effective", texts), ("granted_to_earlier_files", texts),
        ("problems", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
    (
      "NewGrants",
      APISchema.object(
        [("permissions", APISchema.array(APISchema.string(most: 4096), least: 1, most: 64))], isClosed: true)
    ),
    (
      "PluginSettings",
      APISchema.object([
        ("settings", ["type": "object", "description": "Values by key, defaults with them."]),
        ("configured", APISchema.map(of: APISchema.choice(["file", "server"]), "Who has set it, where somebody has.")),
        (
          "keys",
          APISchema.array(
            APISchema.object([
              ("name", text), ("type", text), ("description", text), ("required", APISchema.boolean()),
              ("secret", APISchema.boolean()), ("default", APISchema.any),
            ]))
        ),
      ])
    ),
    (
      "NewPluginSettings",
      APISchema.object(
        [("settings", ["type": "object", "description": "Values by key; null takes one back."])], isClosed: true)
    ),
    (
      "Installation",
      APISchema.object([
        ("name", text), ("version", text), ("digest", text), ("before", maybeText), ("node_types", texts),
      ])
    ),
    (
      "RegistryInstallation",
      APISchema.object(
        [],
        optional: [
          ("range", APISchema.optional(APISchema.string("Of versions, such as >=1.0,<2.", most: 256))),
          (
            "grants",
            APISchema.optional(
              APISchema.map(
                of: APISchema.array(APISchema.string(most: 4096), most: 64),
                "What of that which they ask for they are granted, lastingly, by the plugin's name."))
          ),
          ("without_consent", APISchema.optional(APISchema.boolean())),
          ("allow_yanked", APISchema.optional(APISchema.boolean())),
          ("allow_downgrade", APISchema.optional(APISchema.boolean())),
          ("checksum", APISchema.optional(APISchema.string(pattern: "^sha256:[0-9a-f]{64}$"))),
        ], isClosed: true)
    ),
    (
      "InstallationList",
      APISchema.object([
        ("installed", APISchema.array(APISchema.reference("Installation"))),
        ("warnings", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
    (
      "Rollback",
      APISchema.object([], optional: [("version", APISchema.optional(PluginOperation.version))], isClosed: true)
    ),
    ("RolledBack", APISchema.object([("name", text), ("version", text), ("before", text)])),
    ("Removal", APISchema.object([("name", text), ("versions_count", count)])),
  ]

  private static let versionMembers: [(String, JSONValue)] = [
    ("name", text), ("version", count), ("digest", text), ("author", text), ("created_ms", time), ("bytes", count),
    ("etag", text),
  ]

  private static let workflows: [(name: String, schema: JSONValue)] = [
    ("WorkflowVersion", APISchema.object(versionMembers)),
    (
      "Workflow",
      APISchema.object(
        versionMembers + [
          ("source", text),
          ("document", APISchema.optional(["type": "object", "description": "The same as JSON, in the same order."])),
        ])
    ),
    ("WorkflowList", page("workflows", of: "WorkflowVersion")),
    (
      "WorkflowVersionList",
      page("versions", of: "WorkflowVersion", next: APISchema.optional(APISchema.integer()))
    ),
    (
      "Validation",
      APISchema.object([
        ("valid", APISchema.boolean()), ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
        ("unbound_inputs", texts),
      ])
    ),
    (
      "ConvertedWorkflow",
      APISchema.object([
        ("document", ["type": "object"]), ("source", APISchema.string("As YAML, without comments.")),
        ("flow", APISchema.optional(["type": "object", "description": "Nodes and edges of React Flow."])),
        ("diagnostics", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
    (
      "ImportedWorkflow",
      APISchema.object([
        ("document", ["type": "object"]), ("source", text),
        ("warnings", APISchema.array(APISchema.reference("Diagnostic"))),
      ])
    ),
  ]

  private static let runMembers: [(String, JSONValue)] = [
    ("run", text), ("workflow", text), ("file", text), ("state", APISchema.choice(RunOperation.states)),
    ("nodes_count", count), ("created_ms", time), ("ended_ms", maybeTime), ("submitter", maybeText),
    ("parent", maybeText),
  ]

  private static let runs: [(name: String, schema: JSONValue)] = [
    (
      "NewRun",
      APISchema.object(
        [],
        optional: [
          ("workflow", APISchema.workflowName),
          ("version", APISchema.optional(WorkflowOperation.versionNumber)),
          ("document", ["type": "object", "description": "A workflow as JSON."]),
          ("source", APISchema.string("A workflow as it is written.")),
          ("inputs", APISchema.optional(["type": "object"])),
          ("timeout", APISchema.optional(APISchema.duration)),
          ("no_cache", APISchema.optional(APISchema.boolean())),
          (
            "files",
            APISchema.optional(
              APISchema.map(
                of: APISchema.string(pattern: UploadOperation.identifierPattern),
                "Files that are there before the run begins: uploads, by the paths that they get in its workspace."))
          ),
        ], isClosed: true)
    ),
    (
      "Rerun",
      APISchema.object(
        [],
        optional: [
          ("from", APISchema.optional(APISchema.string("The node from which on it is run again.", most: 512))),
          (
            "document",
            APISchema.optional([
              "type": "object",
              "description":
                "The workflow as it is now. What is another there is run again too, with what follows from it.",
            ])
          ),
          ("no_cache", APISchema.optional(APISchema.boolean())),
        ], isClosed: true)
    ),
    ("Run", APISchema.object(runMembers)),
    ("RunList", page("runs", of: "Run")),
    (
      "RunDetail",
      APISchema.object(
        runMembers + [
          ("inputs", APISchema.optional(["type": "object"])), ("workspace", maybeText),
          ("nodes", APISchema.array(APISchema.object([("node", text), ("state", text), ("attempts", count)]))),
          ("source", text),
          ("document", APISchema.optional(["type": "object", "description": "The same as JSON."])),
          ("problems", APISchema.array(APISchema.reference("Diagnostic"))),
          (
            "given_files",
            APISchema.array(APISchema.object([("path", text), ("upload", text), ("digest", text), ("bytes", count)]))
          ),
        ])
    ),
    (
      "LogPage",
      APISchema.object([
        ("entries", APISchema.array(["type": "object"])), ("next", count), ("has_more", APISchema.boolean()),
      ])
    ),
    (
      "Explanation",
      APISchema.object([
        ("nodes", APISchema.array(["type": "object"])),
        ("nodes_left_out_count", APISchema.integer("Nodes of which nothing is kept, for there were too many.")),
      ])
    ),
    (
      "ArtifactList",
      APISchema.object([
        (
          "artifacts",
          APISchema.array(
            APISchema.object([
              ("node", text), ("port", text), ("index", count), ("codec", text), ("name", maybeText), ("bytes", count),
              ("digest", text),
            ]))
        )
      ])
    ),
    (
      "FileList",
      APISchema.object([
        ("files", APISchema.array(APISchema.object([("path", text), ("bytes", count), ("modified_s", count)]))),
        ("has_more", APISchema.boolean()),
      ])
    ),
  ]
  private static let uploads: [(name: String, schema: JSONValue)] = [
    (
      "Upload",
      APISchema.object([
        ("upload", text), ("owner", text), ("digest", text), ("bytes", count), ("created_ms", time),
        ("expires_ms", maybeTime), ("taken", APISchema.boolean("A run that is kept has it.")),
      ])
    ), ("UploadList", page("uploads", of: "Upload")),
  ]

  private static let registry: [(name: String, schema: JSONValue)] = [
    (
      "RegistryPage",
      APISchema.object(
        [
          (
            "plugins",
            APISchema.array(
              APISchema.object([
                ("name", text), ("version", text), ("author", text), ("description", text), ("categories", texts),
              ]))
          )
        ], optional: [("next", text)])
    ),
    (
      "RegistryPlugin",
      APISchema.object([
        ("name", text), ("owner", text), ("versions", APISchema.array(APISchema.reference("RegistryVersion"))),
      ])
    ),
    (
      "RegistryVersion",
      APISchema.object(
        [
          ("version", text), ("checksum", text), ("contents", text), ("size", count), ("author", text),
          ("description", text), ("license", text), ("categories", texts), ("node_types", texts),
          ("permissions", texts), ("dependencies", texts), ("signers", texts), ("published", text),
        ],
        optional: [
          ("min_engine_version", text), ("max_engine_version", text), ("yanked", APISchema.object([("reason", text)])),
        ])
    ),
  ]
}
