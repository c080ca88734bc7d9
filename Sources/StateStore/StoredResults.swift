import PipelineEngine
import PluginModel

/// The results of runs, in the store beneath the state directory.
package struct StoredResults: ResultStore {
  private let artifacts: ArtifactStore

  package init(_ artifacts: ArtifactStore) { self.artifacts = artifacts }

  package func keep(
    _ outputs: [(port: PortName, values: [NodeValue])]
  ) async throws(StateFailure) -> [StoredResult.Output] {
    var kept: [StoredResult.Output] = []
    for (port, values) in outputs {
      var stored: [StoredValue] = []
      for value in values {
        do throws(ArtifactError) {
          stored.append(try await artifacts.store(value))
        } catch {
          throw StateFailure(
            "the output \(port.text.quoted) can't be kept", cause: error.description, hint: error.hint)
        }
      }
      kept.append(StoredResult.Output(port: port, values: stored))
    }
    return kept
  }

  /// What was kept, to be handed on; its bytes are read when somebody needs them. Nil where something of it is no longer there.
  package func values(
    of outputs: [StoredResult.Output]
  ) async -> [(port: PortName, values: [NodeValue])]? {
    for value in outputs.flatMap(\.values) where value.content == .object {
      guard (try? await artifacts.holds(value)) == true else { return nil }
    }
    return outputs.map { output in (output.port, output.values.map { NodeValue($0, in: artifacts) }) }
  }
}

/// Bytes that lie in the store of results, and take no memory and no descriptor until somebody needs them.
package final class StoredBytes: SharedBytes {
  package let stored: StoredValue
  private let artifacts: ArtifactStore

  init(_ stored: StoredValue, in artifacts: ArtifactStore) {
    self.stored = stored
    self.artifacts = artifacts
  }

  package var byteCount: Int { stored.byteCount }
  package var holdsDescriptor: Bool { false }
  /// Reads from the disk; not checked against the digest. For previews.
  package func prefix(_ limit: Int) throws(ArtifactError) -> [UInt8] { try bytes(at: 0, count: limit) }
  package func bytes(at offset: Int, count: Int) throws(ArtifactError) -> [UInt8] {
    try artifacts.bytes(of: stored, at: offset, count: count)
  }

  /// All of them, whole.
  package func load() async throws(ArtifactError) -> LoadedValue { try await artifacts.load(stored) }
}

extension NodeValue {
  fileprivate init(_ stored: StoredValue, in artifacts: ArtifactStore) {
    let content: Content =
      switch stored.content {
      case .inline(let bytes): .inline(bytes)
      case .object: .shared(StoredBytes(stored, in: artifacts))
      }
    self.init(codec: stored.codec, content: content, label: stored.label, digest: stored.digest)
  }
}

/// The cache of results, in the program's database.
package struct StoredCacheIndex: CacheIndex {
  private let database: StateDatabase
  private let results: StoredResults
  private let clock: any WallClock

  package init(_ database: StateDatabase, results: StoredResults, clock: any WallClock) {
    self.database = database
    self.results = results
    self.clock = clock
  }

  package func find(_ keys: [ContentDigest]) async throws(StateFailure) -> [ContentDigest: CachedResult] {
    do throws(StateStoreError) {
      var found: [ContentDigest: CachedResult] = [:]
      var gone: [ContentDigest] = []
      for (key, stored) in try await database.cached(keys, now: clock.now()) {
        if let outputs = await results.values(of: stored) {
          found[key] = CachedResult(stored: stored, outputs: outputs)
        } else {
          gone.append(key)
        }
      }
      // Their values were removed, or damaged: they are run again, and kept anew.
      if !gone.isEmpty { try await database.forget(cached: gone) }
      return found
    } catch {
      throw StateFailure(error)
    }
  }

  package func keep(_ results: [NewResult]) async throws(StateFailure) {
    do throws(StateStoreError) {
      try await database.cache(results, now: clock.now())
    } catch {
      throw StateFailure(error)
    }
  }
}

extension StateFailure {
  fileprivate init(_ error: StateStoreError) {
    self.init("the cache can't be used", cause: "\(error.path): \(error.description)", hint: error.hint)
  }
}
