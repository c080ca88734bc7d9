import PluginModel

extension ResultCache {
  /// What is there under the key that the plugin makes itself, or what comes of running the node.
  /// - Parameters:
  ///   - keys: by which the result is to be found as well.
  ///   - run: runs the node; given all keys by which its result is to be found.
  func result(
    of call: NodeCall, _ keys: [CacheKey], _ executor: any NodeExecutor,
    otherwise run: ([CacheKey]) async throws(NodeFailure) -> NodeSuccess
  ) async throws(NodeFailure) -> NodeSuccess {
    guard let text = try await executor.ownKey(of: call), let own = key(of: call, own: text) else {
      return try await run(keys)
    }
    switch await find(own.digest) {
    case .found(let found):
      // By the engine's key it is found without asking the plugin.
      for key in keys { keep(key, type: call.type, found.stored) }
      return NodeSuccess(found, key: keys.first)
    case .cancelled: throw NodeFailure(.cancelled, "the node was cancelled")
    case .missing:
      let result: Result<NodeSuccess, NodeFailure>
      do throws(NodeFailure) { result = .success(try await run(keys + [own])) } catch { result = .failure(error) }
      release(own.digest)
      return try result.get()
    }
  }
}

extension NodeSuccess {
  /// Nothing ran.
  init(_ found: CachedResult, key: CacheKey?) {
    self.init(
      outputs: found.outputs, isCached: true,
      kept: StoredResult(outputs: found.stored, isCached: true, cacheKey: key))
  }
}
