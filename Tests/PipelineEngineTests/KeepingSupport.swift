import LinuxSystem
import PluginModel

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
    guard count < failsAt else { throw StateFailure("it can't be written", cause: "the disk is full", hint: "make space") }
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
          throw StateFailure("the output \(port.text.quoted) can't be kept", cause: "it is too large", hint: "return less")
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

  func find(_ key: ContentDigest) async throws(StateFailure) -> CachedResult? {
    await Task.yield()
    return entries.withLock { $0[key] }.map { CachedResult(stored: $0, outputs: MemoryResults.values($0)) }
  }

  func keep(_ key: CacheKey, type: NodeTypeReference, _ outputs: [StoredResult.Output]) async throws(StateFailure) {
    entries.withLock { $0[key.digest] = outputs }
  }

  /// Every node of a graph may be reused.
  func cache(of graph: WorkflowGraph, plugin: String = "1") -> ResultCache {
    let identity = CacheIdentity(
      plugin: plugin, environment: ContentDigest(of: "e".utf8), permissions: [], configuration: .object([]))
    return ResultCache(
      index: self, identities: Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.name, identity) }))
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
