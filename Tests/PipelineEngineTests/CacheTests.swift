import LinuxSystem
import PluginModel
import Testing

@testable import PipelineEngine

@Suite("Results that are there already")
struct CacheTests {
  private struct Edit {
    var counts: [Int]
    var sources: [[Int]]

    func graph() throws -> WorkflowGraph {
      let lines = counts.indices.map { index in
        sources[index].isEmpty
          ? "n\(index): {type: demo/source, with: {count: \(counts[index])}}"
          : "n\(index): {type: demo/join, in: {items: [\(sources[index].map { "n\($0).output" }.joined(separator: ", "))]}}"
      }
      let outputs = counts.indices.map { "o\($0): n\($0).output" }.joined(separator: ", ")
      return try Demo.graph(Demo.workflow(lines.joined(separator: "\n"), more: "outputs: {\(outputs)}"))
    }
  }

  /// A function of its parameters and inputs, many of which have one result: early cut-off has work.
  private static func executor() -> ScriptedExecutor {
    ScriptedExecutor { call in
      let parameters = call.parameters.map { "\($0.name)=\($0.value.text())" }.joined(separator: ",")
      let inputs = call.inputs.flatMap { $0.values.map { $0.knownDigest?.hexadecimal ?? "" } }.joined()
      let sum = (parameters + inputs).utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 7 }
      return NodeSuccess(outputs: [(PortName(unchecked: "output"), [NodeValue(json: .string("\(call.type) \(sum)"))])])
    }
  }

  private static func run(
    _ graph: WorkflowGraph, _ executor: ScriptedExecutor, _ cache: ResultCache?, jobs: Int = 4
  ) async -> RunReport {
    await RunExecution(
      executor: executor, clock: FastClock(), keeping: RunKeeping(MemoryJournal(), cache: cache)
    ) { _ in }.run(graph, identifier: "r", maximumParallel: jobs, timeoutMilliseconds: nil)
  }

  private static func outputs(_ report: RunReport) -> [String] {
    report.outputs.map { "\($0.name) \($0.values.map { $0.knownDigest?.hexadecimal ?? "" })" }
  }

  @Test("whatever is edited, the results are those of a run without a cache", arguments: 0..<30)
  func neverWrong(_ seed: Int) async throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let count = Int.random(in: 3...20, using: &generator)
    var edit = Edit(
      counts: (0..<count).map { _ in Int.random(in: 1...10, using: &generator) },
      sources: (0..<count).map { index in
        (0..<Int.random(in: 0...min(3, index), using: &generator)).map { _ in
          Int.random(in: 0..<index, using: &generator)
        }
      })
    let index = MemoryCache()
    for round in 0..<8 {
      let graph = try edit.graph()
      let executor = Self.executor()
      let report = await Self.run(graph, executor, index.cache(of: graph))
      let plain = await Self.run(graph, Self.executor(), nil)
      #expect(Self.outputs(report) == Self.outputs(plain), "round \(round)")
      #expect(report.outcome == .succeeded)
      let cached = report.nodes.count(where: \.isCached)
      #expect(cached + executor.calls.count == graph.nodes.count, "each is found or run, once")
      let again = Self.executor()
      _ = await Self.run(graph, again, index.cache(of: graph))
      #expect(again.calls.isEmpty, "nothing has changed")
      let changed = Int.random(in: 0..<count, using: &generator)
      if Bool.random(using: &generator) || changed == 0 {
        edit.counts[changed] = Int.random(in: 1...10, using: &generator)
      } else {
        edit.sources[changed] = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
          Int.random(in: 0..<changed, using: &generator)
        }
      }
    }
  }

  @Test("a node whose inputs come out as before isn't run again, though what made them was")
  func earlyCutOff() async throws {
    let index = MemoryCache()
    func graph(_ count: Int) throws -> WorkflowGraph {
      try Demo.graph(
        Demo.workflow(
          "a: {type: demo/source, with: {count: \(count)}}\nb: {type: demo/step, in: {input: a.output}}",
          more: "outputs: {r: b.output}"))
    }
    let same = ScriptedExecutor { _ in .everything }
    let first = try graph(1)
    _ = await Self.run(first, same, index.cache(of: first))
    let second = try graph(2)
    let report = await Self.run(second, same, index.cache(of: second))
    #expect(same.calls.map(\.node.text) == ["a", "b", "a"])
    #expect(report.nodes.map(\.isCached) == [false, true])
  }

  @Test("of equal nodes in flight one runs, and the others have what came of it")
  func inFlight() async throws {
    let lines = (0..<20).map { "n\($0): {type: demo/source}" }.joined(separator: "\n")
    let graph = try Demo.graph(Demo.workflow(lines))
    let executor = ScriptedExecutor { _ in
      for _ in 0..<100 { await Task.yield() }
      return .everything
    }
    let report = await Self.run(graph, executor, MemoryCache().cache(of: graph), jobs: 20)
    #expect(executor.calls.count == 1)
    #expect(report.outcome == .succeeded)
    #expect(report.nodes.count(where: \.isCached) == 19)
  }

  @Test("results are written together, all of them by the end of the run")
  func writtenTogether() async throws {
    let lines = (0..<60).map {
      "n\($0): {type: demo/source, with: {count: \($0 % 10 + 1), mode: \($0 % 2 == 0 ? "standard" : "advanced")}}"
    }
    let graph = try Demo.graph(Demo.workflow(lines.joined(separator: "\n")))
    let index = MemoryCache()
    _ = await Self.run(graph, Self.executor(), index.cache(of: graph), jobs: 20)
    #expect(index.batches.reduce(0, +) == 10, "10 of the 60 differ")
    #expect(index.batches.count < 10)
    let again = Self.executor()
    _ = await Self.run(graph, again, index.cache(of: graph))
    #expect(again.calls.isEmpty)
  }

  @Test("where the one that runs fails, each of the others runs itself")
  func inFlightFailure() async throws {
    let graph = try Demo.graph(
      Demo.workflow((0..<5).map { "n\($0): {type: demo/source}" }.joined(separator: "\n")))
    let executor = ScriptedExecutor { _ throws(NodeFailure) in throw NodeFailure(.error, "no") }
    let report = await Self.run(graph, executor, MemoryCache().cache(of: graph), jobs: 5)
    #expect(executor.calls.count == 5)
    #expect(report.nodes.allSatisfy { $0.state == .failed })
  }

  @Test("a cancelled run ends, though nodes wait for one that runs")
  func cancelledWhileWaiting() async throws {
    let graph = try Demo.graph(
      Demo.workflow((0..<5).map { "n\($0): {type: demo/source}" }.joined(separator: "\n")))
    let (starts, signal) = AsyncStream<Void>.makeStream()
    let executor = ScriptedExecutor { _ throws(NodeFailure) in
      signal.yield()
      try? await Task.sleep(for: .seconds(3600))
      throw NodeFailure(.cancelled, "cancelled")
    }
    let cache = MemoryCache().cache(of: graph)
    let task = Task { await Self.run(graph, executor, cache, jobs: 5) }
    for await _ in starts { break }
    task.cancel()
    let report = await task.value
    #expect(report.outcome == .interrupted)
    #expect(executor.calls.count == 1)
  }

  @Test("what the plugin supplied instead of a result is not used again")
  func fallback() async throws {
    let graph = try Demo.graph(Demo.workflow("a: {type: demo/source}"))
    let index = MemoryCache()
    let executor = ScriptedExecutor { _ in
      var success = NodeSuccess.everything
      success.isFallback = true
      return success
    }
    for _ in 0..<2 { _ = await Self.run(graph, executor, index.cache(of: graph)) }
    #expect(executor.calls.count == 2)
  }

  @Test("a key is of everything that the result can depend on, and tells what has changed")
  func keys() throws {
    let type = try #require(NodeTypeReference("demo/step"))
    let identity = CacheIdentity(
      plugin: "p", type: type, environment: ContentDigest(of: "e".utf8), permissions: ["gpu.access"],
      configuration: .object([]))
    let input = PortName(unchecked: "input")
    let call = NodeCall(
      run: "r", node: NodeName(unchecked: "a"), type: type,
      parameters: [(ParameterName(unchecked: "count"), .integer(2))],
      inputs: [(input, [NodeValue(json: "x")], false)], attempt: 1, timeoutMilliseconds: nil)
    let key = try #require(CacheKey(identity, call))
    func changed(_ edit: (inout CacheIdentity, inout NodeCall) -> Void) throws -> CacheKey {
      var (identity, call) = (identity, call)
      edit(&identity, &call)
      return try #require(CacheKey(identity, call))
    }
    let edits: [(String, (inout CacheIdentity, inout NodeCall) -> Void)] = [
      ("plugin", { identity, _ in identity.plugin = "q" }),
      ("type", { identity, _ in identity.type = .command }),
      ("environment", { identity, _ in identity.environment = ContentDigest(of: "f".utf8) }),
      ("permissions", { identity, _ in identity.permissions = [] }),
      ("configuration", { identity, _ in identity.configuration = ["a": 1] }),
      ("GPU", { identity, _ in identity.gpu = ["H100"] }),
      ("resources", { identity, _ in identity.resources = ["available_memory": 64] }),
      ("profile", { identity, _ in identity.profile = "strict" }),
      ("parameter count", { _, call in call.parameters[0].value = .double(2) }),
      ("input input", { _, call in call.inputs[0].values = [NodeValue(json: "y")] }),
      ("input input", { _, call in call.inputs[0].multiple = true }),
      ("input input", { _, call in call.inputs[0].values[0].codec = .bytes }),
      ("input input", { _, call in call.inputs[0].values[0].label = "a.txt" }),
      ("input input", { _, call in call.inputs[0].values.append(NodeValue(json: "x")) }),
    ]
    for (name, edit) in edits {
      let other = try changed(edit)
      #expect(other.digest != key.digest, "\(name)")
      #expect(other.differences(from: key) == [name])
    }
    // Neither its name nor how often it was tried is any of it.
    #expect(
      try changed { _, call in
        call.node = NodeName(unchecked: "b")
        call.attempt = 3
        call.timeoutMilliseconds = 5
      } == key)
    #expect(CacheKey(key.jsonValue) == key)
    // Put together by hand with sha256sum: were it another one, nothing that was kept before would be found.
    #expect(key.digest.hexadecimal == "2985c40d80be3fb1047eee566ec69b67615cf5a07b919def5d8bb74ba6e6c980")
    #expect(CacheKey(["key": "00", "ingredients": .object([])]) == nil)
  }

  @Test("a parameter that has its default has the key that it had without one, and a text of other bytes another")
  func usualValues() throws {
    let type = try #require(NodeTypeReference("demo/step"))
    let identity = CacheIdentity(
      plugin: "p", type: type, environment: ContentDigest(of: "e".utf8), permissions: [], configuration: .object([]))
    func key(_ value: JSONValue, default usual: JSONValue?) throws -> CacheKey {
      let name = ParameterName(unchecked: "count")
      var call = NodeCall(
        run: "r", node: NodeName(unchecked: "a"), type: type, parameters: [(name, value)], inputs: [], attempt: 1,
        timeoutMilliseconds: nil)
      call.usual = usual.map {
        UsualValues([
          ParameterSpecification(name: name, type: "any", displayName: "", description: "", defaultValue: $0)
        ])
      }
      return try #require(CacheKey(identity, call))
    }
    let values: [JSONValue] = [
      "K", "\u{212A}", "\u{e9}", "e\u{301}", 0, .double(0), .double(-0.0), true, .null, [], .object([]),
    ]
    for value in values {
      for usual in values { #expect(try key(value, default: usual) == key(value, default: nil)) }
    }
  }

  @Test("surroundings of other bytes and the same characters, or of another zero, give other keys")
  func identities() throws {
    let type = try #require(NodeTypeReference("demo/source"))
    let call = NodeCall(
      run: "r", node: NodeName(unchecked: "a"), type: type, parameters: [], inputs: [], attempt: 1,
      timeoutMilliseconds: nil)
    let base = CacheIdentity(
      plugin: "p", type: type, environment: ContentDigest(of: "e".utf8), permissions: [], configuration: .object([]))
    var identities = [base]
    for text in ["\u{e9}", "e\u{301}"] {
      var (one, two, three) = (base, base, base)
      one.permissions = ["filesystem.read:/srv/\(text)"]
      two.configuration = .object([JSONValue.Member("key", .array([.string(text)]))])
      three.configuration = .object([JSONValue.Member(text, 1)])
      identities += [one, two, three]
    }
    for number in [0.0, -0.0] {
      var one = base
      one.resources = ["cpu": .double(number)]
      identities.append(one)
    }
    var last = base
    last.gpu = .null
    identities.append(last)
    last.packages = ContentDigest(of: "1".utf8)
    identities.append(last)
    #expect(Set(identities).count == identities.count)
    #expect(identities.allSatisfy { $0 == $0 })
    let names = identities.indices.map { NodeName(unchecked: "n\($0)") }
    let cache = ResultCache(
      index: MemoryCache(), identities: Dictionary(uniqueKeysWithValues: zip(names, identities)))
    for (name, identity) in zip(names, identities) {
      var own = call
      (own.node, own.prepared) = (name, name)
      #expect(cache.key(of: own) == CacheKey(identity, call))
    }
  }

  @Test("a label can't be taken for another input's content")
  func labels() throws {
    let type = try #require(NodeTypeReference("demo/join"))
    let identity = CacheIdentity(
      plugin: "p", type: type, environment: ContentDigest(of: "e".utf8), permissions: [], configuration: .object([]))
    func key(_ values: [NodeValue]) throws -> CacheKey {
      try #require(
        CacheKey(
          identity,
          NodeCall(
            run: "r", node: NodeName(unchecked: "a"), type: type, parameters: [],
            inputs: [(PortName(unchecked: "items"), values, true)], attempt: 1, timeoutMilliseconds: nil)))
    }
    let second = NodeValue(codec: .file, content: .inline([2]), label: "b")
    let digest = try #require(second.knownDigest)
    let first = NodeValue(codec: .file, content: .inline([1]), label: "a")
    for label in ["a\"\n3 \(digest.hexadecimal) \"b", "a\n3 \(digest.hexadecimal) b"] {
      let forged = NodeValue(codec: .file, content: .inline([1]), label: label)
      #expect(try key([first, second]) != key([forged]))
    }
  }
}
