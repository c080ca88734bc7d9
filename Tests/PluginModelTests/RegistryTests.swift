import PluginModel
import Testing

@Suite("Registries, as values")
struct RegistryTests {
  static func version(
    _ text: String, needs: [String] = [], yanked: String? = nil, engine: String? = nil
  ) throws -> RegistryVersion {
    let digest = try #require(ContentDigest(String(repeating: "a", count: 64)))
    let manifest = PluginManifest(
      name: try #require(PluginName("any")), version: try #require(SemanticVersion(text)), author: "A",
      description: "D", dependencies: needs,
      permissions: [.filesystemRead(nil), .networkHTTP(hosts: ["a.example.org"])],
      entryPoint: "p.py", minimumEngineVersion: engine.flatMap { SemanticVersion($0) })
    return RegistryVersion(
      manifest, checksum: digest, contents: digest, size: 7, published: "2026-01-31T12:00:00Z", yanked: yanked)
  }

  static func plugin(_ name: String, _ versions: [RegistryVersion]) throws -> RegistryPlugin {
    RegistryPlugin(
      name: try #require(PluginName(name)), owner: try #require(PublisherName("alice")), versions: versions)
  }

  // MARK: Addresses

  @Test("an address is canonical, and only that of a registry")
  func addresses() throws {
    for (text, shown) in [
      ("https://Plugins.example.org/api/registry/", "https://plugins.example.org/api/registry"),
      ("https://a.example.org:443", "https://a.example.org"),
      ("http://localhost:5000/api", "http://localhost:5000/api"),
      ("http://[::1]:80/a", "http://[::1]/a"), ("http://127.0.0.1:81/a", "http://127.0.0.1:81/a"),
    ] {
      #expect(try RegistryAddress(text).description == shown)
    }
    for text in [
      "ftp://a.example.org/", "HTTPS://a.example.org", "https://", "https:///a", "https://user@a.example.org/",
      "https://user:pass@a.example.org/", "https://a.example.org:0/", "https://a.example.org:99999/",
      "https://a.example.org:/",
      "https://a.example.org/../b", "https://a.example.org/a//b", "https://a.example.org/a%2fb",
      "https://a.example.org/?q",
      "https://a.example.org/#f", "https://a.example.org\\@b.example.org/", "https://a.example.org/a b",
      "https://0x7f.1/a",
      "https://a.example.org/\u{e9}", "https://\u{e9}.example.org/", "https://a.example.org/\r\nx", "https://[::1/a",
    ] {
      #expect(throws: RegistryAddress.Problem.self, "\(text)") { try RegistryAddress(text) }
    }
    #expect(try RegistryAddress("http://127.1.2.3/").origin.isLoopback)
    for host in ["localhost.example.org", "a.localhost"] {
      #expect(try !RegistryAddress("http://\(host)/").origin.isLoopback)
    }
  }

  @Test("whoever is sent on stays on the origin, or goes where TLS is")
  func redirects() throws {
    let address = try RegistryAddress("http://127.0.0.1:5000/api")
    #expect(try address.redirect(to: "/other?a=%20b").description == "http://127.0.0.1:5000/other?a=%20b")
    #expect(try address.redirect(to: "http://127.0.0.1:5000/x").path == "/x")
    #expect(try address.redirect(to: "https://b.example.org/x?y").description == "https://b.example.org/x?y")
    for location in [
      "http://127.0.0.1:5001/x", "//b.example.org/x", "x", "", "https://u@b.example.org/", "/a b", "/a\r\nb", "/a#b",
      "javascript:1", "/" + String(repeating: "a", count: 5000),
    ] {
      #expect(throws: RegistryAddress.Detour.self, "\(location)") { try address.redirect(to: location) }
    }
    let secure = try RegistryAddress("https://a.example.org/api")
    #expect(throws: RegistryAddress.Detour.self) { try secure.redirect(to: "http://a.example.org/api") }
  }

  @Test("http is for this host alone, unless the operator says otherwise")
  func settings() throws {
    func read(_ registry: String) throws(Diagnostics) -> RegistrySettings {
      try SystemConfiguration(yaml: Array("plugins: {registry: \(registry)}".utf8), file: "s.yaml").registry
    }
    #expect(try read("{url: 'http://localhost:5000/api'}").address != nil)
    #expect(try read("{enable: false, url: 'https://a.example.org/api'}").address == nil)
    #expect(try read("{url: 'http://10.0.0.1/api', allow_http: true}").address != nil)
    #expect(
      problems { () throws(Diagnostics) in _ = try read("{url: 'http://10.0.0.1/api'}") }.first?.contains(
        "is not reached by https") == true)
    #expect(
      problems { () throws(Diagnostics) in _ = try read("{enable: true}") }.first?.contains("has no address") == true)
    #expect(problems { () throws(Diagnostics) in _ = try read("{url: 'x', token_file: a}") }.count == 2)
  }

  @Test("only this host is listened at")
  func listening() throws {
    for text in ["127.0.0.1:5000", "[::1]:0", "unix:/run/registry"] {
      #expect(try ListenAddress(text).description == text)
    }
    for text in [
      "0.0.0.0:5000", "[::]:1", "10.0.0.1:1", "a.example.org:1", "127.0.0.1", "127.0.0.1:70000", "unix:run", ":1", "",
    ] {
      #expect(throws: Diagnostic.self, "\(text)") { try ListenAddress(text) }
    }
  }

  // MARK: Documents

  @Test("documents are read as they are written, and what later versions add is left out")
  func documents() throws {
    let plugin = try Self.plugin(
      "shop",
      [
        try Self.version("1.0.0", needs: ["plugin:files>=1.0", "numpy>=1.20"], yanked: "bad"),
        try Self.version("2.0.0-beta.1", engine: "1.2.0"),
      ])
    #expect(try RegistryPlugin(json: plugin.jsonValue.utf8(), of: plugin.name) == plugin)
    let more = plugin.jsonValue.text().replacing("{\"name\"", with: "{\"added\":[{}],\"name\"")
    #expect(try RegistryPlugin(json: Array(more.utf8), of: plugin.name) == plugin)
    let page = RegistryPage(
      plugins: [try #require(try Self.plugin("a", [try Self.version("1.0.0")]).summary)], next: plugin.name)
    #expect(try RegistryPage(json: page.jsonValue.utf8()) == page)
    let problem = RegistryProblem(409, "what", why: "why", hint: "hint")
    #expect(RegistryProblem(status: 409, body: problem.jsonValue.utf8()) == problem)
    #expect(problem.diagnostic("doing").hint == "the registry advises: hint")
  }

  @Test("what is wrong in a document is refused, whatever it is")
  func wrongDocuments() throws {
    let name = try #require(PluginName("shop"))
    let right = try Self.plugin("shop", [try Self.version("1.0.0")]).jsonValue.text()
    for (part, wrong) in [
      ("\"1.0.0\"", "\"1.0\\u0000\""), ("sha256:aaaa", "sha256:AAAA"), ("\"size\":7", "\"size\":0"),
      ("\"size\":7", "\"size\":-1"), ("\"size\":7", "\"size\":99999999999"),
      ("filesystem.read", "filesystem.everything"),
      ("2026-01-31T", "2026-02-31T"), ("\"shop\"", "\"bank\""), ("\"D\"", "\"\\u001b[31m\""),
      ("\"owner\":\"alice\",", ""),
    ] {
      let text = right.replacing(part, with: wrong)
      #expect(text != right)
      #expect(throws: Diagnostics.self, "\(wrong)") { try RegistryPlugin(json: Array(text.utf8), of: name) }
    }
    let twice = try Self.plugin("shop", [try Self.version("1.0.0"), try Self.version("1.0.0")])
    #expect(throws: Diagnostics.self) { try RegistryPlugin(json: twice.jsonValue.utf8(), of: name) }
    var limits = RegistryLimits()
    limits.versions = 1
    let many = try Self.plugin("shop", [try Self.version("1.0.0"), try Self.version("1.0.1")])
    #expect(throws: Diagnostics.self) { try RegistryPlugin(json: many.jsonValue.utf8(), of: name, limits: limits) }
  }

  @Test("tokens are told apart by their digests, and never shown")
  func tokens() throws {
    #expect(BearerToken("short") == nil && BearerToken("0123456789abcdef\u{7}") == nil)
    let token = try #require(BearerToken(" 0123456789abcdef\r\n"))
    #expect(token.secret == "0123456789abcdef" && !"\(token)".contains(token.secret))
    #expect(BearerToken(authorization: token.authorization) == token)
    #expect(BearerToken(authorization: "Basic 0123456789abcdef") == nil)
    let digest = try #require(ContentDigest(String(repeating: "b", count: 64)))
    let alice = try #require(PublisherName("alice"))
    let tokens = try RegistryTokens("# people\n" + RegistryTokens.line(alice, digest) + "\n")
    #expect(tokens.publisher(digest) == alice)
    #expect(throws: RegistryTokens.Line.self) { try RegistryTokens("alice 0123") }
  }

  // MARK: Choosing

  private func chosen(
    _ plugin: RegistryPlugin, _ range: String? = nil, installed: String? = nil, yanked: Bool = false,
    lower: Bool = false
  ) throws -> String {
    try RegistryChoice(engine: SemanticVersion(1, 0, 0), allowsYanked: yanked, allowsDowngrade: lower).version(
      of: plugin, ranges: [range.flatMap { VersionRange($0) }].compactMap(\.self),
      installed: installed.flatMap { SemanticVersion($0) }
    ).version.description
  }

  @Test("the highest version that fits is chosen; one that was yanked never by a range, a pre-release only by name")
  func choice() throws {
    let plugin = try Self.plugin(
      "shop",
      [
        try Self.version("1.0.0"), try Self.version("1.4.0"), try Self.version("1.5.0", yanked: "bad"),
        try Self.version("2.0.0-rc.1"), try Self.version("3.0.0", engine: "9.0.0"),
      ])
    #expect(try chosen(plugin) == "1.4.0")
    #expect(try chosen(plugin, "<1.4") == "1.0.0")
    #expect(try chosen(plugin, ">=1.0,<=1.5.0", yanked: true) == "1.4.0")
    #expect(try chosen(plugin, "2.0.0-rc.1") == "2.0.0-rc.1")
    #expect(try chosen(plugin, "1.5.0", yanked: true) == "1.5.0")
    for (range, words) in [
      ("1.5.0", "was yanked"), ("3.0.0", "not made for version 1.0.0"), (">=4", "it has 3.0.0"),
      (">1.5", "a pre-release"),
    ] {
      let refused = #expect(throws: Diagnostic.self) { try chosen(plugin, range) }
      #expect(refused?.description.contains(words) == true, "\(range): \(refused?.description ?? "")")
    }
  }

  @Test("a version lower than the installed one takes a word of its own")
  func downgrade() throws {
    let plugin = try Self.plugin("shop", [try Self.version("1.0.0")])
    #expect(try chosen(plugin, installed: "1.0.0") == "1.0.0")
    let refused = #expect(throws: Diagnostic.self) { try chosen(plugin, installed: "1.1.0") }
    #expect(refused?.hint?.contains("--allow-downgrade") == true)
    #expect(try chosen(plugin, installed: "1.1.0", lower: true) == "1.0.0")
  }

  @Test("a wish is a name and perhaps a range")
  func wishes() throws {
    #expect(try RegistryWish("shop@>=1.0,<2").description == "shop >=1.0.0,<2.0.0")
    #expect(try RegistryWish("shop@1.2").range?.exact == SemanticVersion(1, 2, 0))
    for text in ["Shop", "shop@", "@1", "shop@x", ""] { #expect(throws: Diagnostic.self) { try RegistryWish(text) } }
  }

  // MARK: Dependencies

  private func steps(
    _ plugins: [String: [RegistryVersion]], present: [String: String] = [:], bytes: Int = 1000, effort: Int? = nil
  ) throws -> [String] {
    let there = try present.map { (try #require(PluginName($0.key)), [try #require(SemanticVersion($0.value))]) }
    var resolution = RegistryResolution(
      try RegistryWish("root"), choice: RegistryChoice(engine: SemanticVersion(1, 0, 0)),
      present: Dictionary(there) { first, _ in first }, installed: [:])
    if let effort { resolution.maximumEffort = effort }
    while true {
      switch try resolution.next() {
      case .ask(let name): resolution.add(try Self.plugin(name.text, plugins[name.text] ?? []), bytes: bytes)
      case .plan(let steps): return steps.map { "\($0.name) \($0.version.version)" }
      }
    }
  }

  @Test("what is needed comes before what needs it, in versions that fit all who need it")
  func resolution() throws {
    let plugins = [
      "root": [try Self.version("1.0.0", needs: ["plugin:left", "plugin:right", "numpy"])],
      "left": [try Self.version("1.0.0", needs: ["plugin:base>=1"])],
      "right": [try Self.version("1.0.0", needs: ["plugin:base<2", "plugin:there"])],
      "base": [try Self.version("1.0.0"), try Self.version("1.9.0"), try Self.version("2.0.0")],
    ]
    let found = try steps(plugins, present: ["there": "1.0.0"])
    #expect(Set(found) == ["base 1.9.0", "left 1.0.0", "right 1.0.0", "root 1.0.0"])
    #expect(found.first == "base 1.9.0" && found.last == "root 1.0.0")
    #expect(try !steps(plugins, present: ["there": "1.0.0", "base": "1.5.0"]).contains { $0.hasPrefix("base") })
    let without = #expect(throws: Diagnostic.self) { try steps(plugins) }
    #expect(without?.description.contains("right needs it") == true, "\(without?.description ?? "")")
  }

  @Test("what a version wants that isn't taken in the end doesn't count")
  func dropped() throws {
    let plugins = [
      "root": [try Self.version("1.0.0", needs: ["plugin:right", "plugin:left"])],
      "left": [try Self.version("1.0.0"), try Self.version("2.0.0", needs: ["plugin:base<2"])],
      "right": [try Self.version("1.0.0", needs: ["plugin:left<2", "plugin:base>=2"])],
      "base": [try Self.version("1.0.0"), try Self.version("2.0.0")],
    ]
    #expect(Set(try steps(plugins)) == ["base 2.0.0", "left 1.0.0", "right 1.0.0", "root 1.0.0"])
  }

  @Test("what is asked of a registry for one plugin is bounded, in number, bytes and steps")
  func bounded() throws {
    // Each version of `left` needs another plugin, and the next one that needs `left` refuses it.
    var plugins = ["root": [try Self.version("1.0.0", needs: ["plugin:p0", "plugin:left"])]]
    plugins["left"] = try (0...200).map { try Self.version("1.0.\($0)", needs: ["plugin:n\($0)"]) }
    for number in 0...200 {
      plugins["n\(number)"] = [
        try Self.version("1.0.0", needs: number == 0 ? [] : ["plugin:left<1.0.\(number)"])
      ]
    }
    plugins["p0"] = [try Self.version("1.0.0")]
    #expect(#expect(throws: Diagnostic.self) { try steps(plugins) }?.what.contains("more of other plugins") == true)
    let few = [
      "root": [try Self.version("1.0.0", needs: ["plugin:a"])], "a": [try Self.version("1.0.0", needs: ["plugin:b"])],
      "b": [try Self.version("1.0.0")],
    ]
    let large = #expect(throws: Diagnostic.self) { try steps(few, bytes: 40 << 20) }
    #expect(large?.what.contains("more of other plugins") == true)
    #expect(try steps(few).count == 3)
    #expect(throws: Diagnostic.self) { try steps(few, effort: 3) }
  }

  @Test("a page that doesn't go on, or names what wasn't asked for, is no answer")
  func pages() throws {
    func page(_ names: [String], next: String? = nil) throws -> RegistryPage {
      RegistryPage(
        plugins: try names.map { try #require(try Self.plugin($0, [try Self.version("1.0.0")]).summary) },
        next: try next.map { try #require(PluginName($0)) })
    }
    let query = RegistryQuery(after: try #require(PluginName("b")), limit: 2)
    for right in [try page([]), try page(["c"]), try page(["c", "d"], next: "d")] { #expect(right.answers(query)) }
    for wrong in [
      try page([], next: "c"), try page(["c"], next: "d"), try page(["d", "c"]), try page(["c", "c"]),
      try page(["b", "c"]), try page(["c", "d", "e"]),
    ] {
      #expect(!wrong.answers(query))
    }
  }

  @Test("circles, contradictions and endless chains end in words")
  func unresolvable() throws {
    let circle = [
      "root": [try Self.version("1.0.0", needs: ["plugin:a"])],
      "a": [try Self.version("1.0.0", needs: ["plugin:root"])],
    ]
    #expect(#expect(throws: Diagnostic.self) { try steps(circle) }?.why?.contains("root → a → root") == true)
    let contradiction = [
      "root": [try Self.version("1.0.0", needs: ["plugin:a", "plugin:b"])],
      "a": [try Self.version("1.0.0", needs: ["plugin:c<2"])], "b": [try Self.version("1.0.0", needs: ["plugin:c>=2"])],
      "c": [try Self.version("1.0.0"), try Self.version("2.0.0")],
    ]
    let refused = #expect(throws: Diagnostic.self) { try steps(contradiction) }
    #expect(refused?.why?.contains("a needs <2.0.0") == true && refused?.why?.contains("b needs >=2.0.0") == true)
    var chain = ["root": [try Self.version("1.0.0", needs: ["plugin:p0"])]]
    for number in 0..<100 { chain["p\(number)"] = [try Self.version("1.0.0", needs: ["plugin:p\(number + 1)"])] }
    #expect(#expect(throws: Diagnostic.self) { try steps(chain) }?.what.contains("more than 64") == true)
  }
}
