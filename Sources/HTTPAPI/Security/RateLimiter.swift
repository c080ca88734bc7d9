/// Token buckets by key, so that nobody asks more than so often. Pure: time is an argument.
package struct RateLimiter<Key: Hashable & Sendable>: Sendable {
  private struct Bucket: Sendable {
    /// Millionths of a request.
    var left: Int64
    /// Microseconds.
    var filled: Int64
  }

  private let perSecond: Int64
  private let burst: Int64
  private let mostKeys: Int
  private var buckets: [Key: Bucket] = [:]

  /// - Parameters:
  ///   - burst: requests that may come at one time after a rest.
  ///   - mostKeys: those of whom is remembered. When there are more, those that have rested long enough are forgotten, and then all.
  package init(perSecond: Int, burst: Int, mostKeys: Int = 10_000) {
    self.perSecond = Int64(perSecond)
    self.burst = Int64(burst) * 1_000_000
    self.mostKeys = mostKeys
  }

  /// - Parameter now: microseconds, never going back.
  /// - Returns: whether a request may be taken; it counts then.
  package mutating func take(_ key: Key, at now: Int64) -> Bool {
    var bucket = buckets[key] ?? Bucket(left: burst, filled: now)
    bucket = filled(bucket, now)
    guard bucket.left >= 1_000_000 else {
      buckets[key] = bucket
      return false
    }
    bucket.left -= 1_000_000
    if buckets[key] == nil, buckets.count >= mostKeys { forget(now) }
    buckets[key] = bucket
    return true
  }

  /// Whether a request would be taken; none counts.
  package func has(_ key: Key, at now: Int64) -> Bool {
    buckets[key].map { filled($0, now).left >= 1_000_000 } ?? true
  }

  private func filled(_ bucket: Bucket, _ now: Int64) -> Bucket {
    let (gained, isHuge) = max(0, now - bucket.filled).multipliedReportingOverflow(by: perSecond)
    return Bucket(
      left: isHuge ? burst : min(burst, bucket.left.addingReportingOverflow(gained).partialValue), filled: now)
  }

  private mutating func forget(_ now: Int64) {
    buckets = buckets.filter { filled($0.value, now).left < burst }
    if buckets.count >= mostKeys { buckets = [:] }
  }

  var count: Int { buckets.count }
}
