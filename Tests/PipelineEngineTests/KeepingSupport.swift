import LinuxSystem
import PluginModel
import Scheduling

@testable import PipelineEngine

/// A journal in memory.
final class MemoryJournal: RunJournal {
  private let written = Lock<[[JournalRecord]]>([])
  private let failsAt: Int

  /// - Parameter failsAt: the batch that can't be written, from 0.
  init(failsAt: Int = .max) { self.failsAt = failsAt }

  /// In their order.
  var records: [JournalRecord] { written.withLock { $0.flatMap(\.self) } }
  var batches: Int { written.withLock { $0.count } }

  func append(_ records: [JournalRecord]) async throws(StateFailure) {
    let count = written.withLock { $0.count }
    guard count < failsAt else {
      throw StateFailure("it can't be written", cause: "the disk is full", hint: "make space")
    }
    // As if the disk took its time: what comes meanwhile is the next batch.
    await Task.yield()
    written.withLock { $0.append(records) }
  }
}

/// Keeps everything inline.
struct MemoryResults: ResultStore {
  /// Bytes of a value, beyond which it can't be kept.
  var limit = Int.max

  func keep(
    _ outputs: [(port: PortName, values: [NodeValue])]
  ) async throws(StateFailure) -> [StoredResult.Output] {
    var kept: [StoredResult.Output] = []
    for (port, values) in outputs {
      var stored: [StoredValue] = []
      for value in values {
        guard case .inline(let bytes) = value.content, bytes.count <= limit else {
          throw StateFailure(
            "the output \(port.text.quoted) can't be kept", cause: "it is too large", hint: "return less")
        }
        stored.append(
          StoredValue(
            codec: value.codec, label: value.label, byteCount: bytes.count, digest: ContentDigest(of: bytes),
            content: .inline(bytes)))
      }
      kept.append(StoredResult.Output(port: port, values: stored))
    }
    return kept
  }

  static func values(_ outputs: [StoredResult.Output]) -> [(port: PortName, values: [NodeValue])] {
    outputs.map { output in
      (
        output.port,
        output.values.map { stored in
          guard case .inline(let bytes) = stored.content else { return NodeValue(json: .null) }
          return NodeValue(codec: stored.codec, content: .inline(bytes), label: stored.label, digest: stored.digest)
        }
      )
    }
  }
}

/// A cache in memory, which several runs use.
final class MemoryCache: CacheIndex {
  private let entries = Lock<[ContentDigest: [StoredResult.Output]]>([:])
  private let written = Lock<[Int]>([])

  /// How many results were written together, by batch.
  var batches: [Int] { written.withLock { $0 } }

  func find(_ keys: [ContentDigest]) async throws(StateFailure) -> [ContentDigest: CachedResult] {
    await Task.yield()
    let found = entries.withLock { entries in keys.compactMap { key in entries[key].map { (key, $0) } } }
    return Dictionary(found) { first, _ in first }
      .mapValues { CachedResult(stored: $0, outputs: MemoryResults.values($0)) }
  }

  func keep(_ results: [NewResult]) async throws(StateFailure) {
    // As if the disk took its time: what comes meanwhile is the next batch.
    for _ in 0..<20 { await Task.yield() }
    entries.withLock { entries in
      for result in results { entries[result.key.digest] = result.outputs }
    }
    written.withLock { $0.append(results.count) }
  }

  /// Every node of a graph may be reused.
  /// - Parameter clock: nil: what is to be kept is written at once.
  func cache(of graph: WorkflowGraph, plugin: String = "1", clock: (any RunClock)? = nil) -> ResultCache {
    let identities = graph.nodes.filter(\.isReusable).map { node in
      let identity = CacheIdentity(
        plugin: plugin, type: node.type, environment: ContentDigest(of: "e".utf8), permissions: [],
        configuration: .object([]))
      return (node.name, identity)
    }
    return ResultCache(index: self, identities: Dictionary(uniqueKeysWithValues: identities), clock: clock)
  }
}

struct TestWallClock: WallClock {
  func now() -> Int64 { 1_700_000_000_000 }
}

extension RunKeeping {
  init(_ journal: MemoryJournal, results: MemoryResults = MemoryResults(), cache: ResultCache? = nil) {
    self.init(journal: journal, results: results, clock: TestWallClock(), cache: cache)
  }
}

/// A state machine whose nodes wait in one line for so many places.
@dynamicMemberLookup
struct PlacedMachine {
  private var machine: RunMachine
  private let places: Int
  private var waiting: [Int] = []
  private var taken: Set<Int> = []

  init(
    graph: WorkflowGraph, run: String, maximumParallel: Int, maximumHeldResults: Int = .max, mostMemory: UInt64? = nil,
    restored: RestoredRun = [:]
  ) {
    machine = RunMachine(
      graph: graph, run: run, maximumHeldResults: maximumHeldResults, mostMemory: mostMemory, restored: restored)
    places = maximumParallel
  }

  subscript<Value>(dynamicMember path: KeyPath<RunMachine, Value>) -> Value { machine[keyPath: path] }

  mutating func offer(_ node: Int, _ success: NodeSuccess) -> NodeFailure? { machine.offer(node, success) }

  /// What the engine does about places is done; the other actions are returned.
  mutating func handle(_ event: RunMachine.Event) -> [RunMachine.Action] {
    switch event {
    case .succeeded(let node, _), .failed(let node, _): taken.remove(node)
    default: break
    }
    var others: [RunMachine.Action] = []
    apply(machine.handle(event), &others)
    while taken.count < places, !waiting.isEmpty {
      let node = waiting.removeFirst()
      taken.insert(node)
      apply(machine.handle(.assigned(node: node)), &others)
    }
    return others
  }

  private mutating func apply(_ actions: [RunMachine.Action], _ others: inout [RunMachine.Action]) {
    for action in actions {
      switch action {
      case .enqueue(let node): waiting.append(node)
      case .withdraw(let node): waiting.removeAll { $0 == node }
      case .giveBack(let node): taken.remove(node)
      case .start, .lookUp, .scheduleRetry, .cancelRunning, .announce, .announceRestored, .expanded, .finish:
        others.append(action)
      }
    }
  }
}

extension RunExecution {
  /// Each node takes one of so many places.
  func run(
    _ graph: WorkflowGraph, identifier: String, maximumParallel: Int, maximumHeldResults: Int = .max,
    mostMemory: UInt64? = nil, timeoutMilliseconds: Int64?, restored: RestoredRun = [:],
    durations: [NodeName: Int64] = [:]
  ) async -> RunReport {
    let host = HostCapacity(name: HostIdentifier("local"), cpuMilli: 1000 * maximumParallel, memory: 1 << 40)
    return await run(
      graph, identifier: identifier, places: Dispatcher(hosts: [host], clock: FastClock()),
      request: { _, _ in ResourceRequest(cpuMilli: 1000) }, durations: durations,
      maximumHeldResults: maximumHeldResults, mostMemory: mostMemory, timeoutMilliseconds: timeoutMilliseconds,
      restored: restored)
  }
}

/// As if it lay in a sealed memfd.
final class FakeMemory: SharedBytes {
  private let content: [UInt8]
  init(_ content: [UInt8]) { self.content = content }
  var byteCount: Int { content.count }
  func prefix(_ limit: Int) throws -> [UInt8] { Array(content.prefix(limit)) }
  func bytes(at offset: Int, count: Int) throws -> [UInt8] { Array(content.dropFirst(offset).prefix(count)) }
}

extension NodeSuccess {
  /// The same, some of it in memory that takes a descriptor.
  func partlyShared(_ generator: inout SeededGenerator) -> NodeSuccess {
    var success = self
    for index in outputs.indices where Bool.random(using: &generator) {
      success.outputs[index].values = outputs[index].values.map { value in
        guard case .inline(let bytes) = value.content else { return value }
        return NodeValue(codec: value.codec, content: .shared(FakeMemory(bytes)))
      }
    }
    return success
  }
}

/// A run that is cancelled as soon as `node` runs, which then goes on until that.
/// - Parameter success: what the other nodes return.
func cancelledRun(
  of graph: WorkflowGraph, during node: String, _ success: @escaping @Sendable (NodeCall) -> NodeSuccess
) async -> (report: RunReport, calls: [NodeCall]) {
  let (starts, signal) = AsyncStream<Void>.makeStream()
  let executor = ScriptedExecutor { call throws(NodeFailure) in
    guard call.node.text == node else { return success(call) }
    signal.yield()
    try? await Task.sleep(for: .seconds(3600))
    throw NodeFailure(.cancelled, "cancelled")
  }
  let execution = RunExecution(executor: executor, clock: FastClock()) { _ in }
  let task = Task { await execution.run(graph, identifier: "r", maximumParallel: 4, timeoutMilliseconds: nil) }
  for await _ in starts { break }
  task.cancel()
  return (await task.value, executor.calls)
}
