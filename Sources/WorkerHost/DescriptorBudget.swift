/// How many of this process's descriptors may be results that a run holds for nodes that come later.
package enum DescriptorBudget {
  /// A live worker has twelve (socket, two pipes, control socket, pidfd, cgroup, six files of that); starting one takes a dozen more
  /// for a moment.
  private static let perWorker = 24
  /// What a worker with a relay has besides: listeners, a poller, its wake.
  private static let perRelay = 12
  /// Files that are read or written meanwhile.
  private static let reserve = 32

  /// - Parameters:
  ///   - limit: the soft RLIMIT_NOFILE, getrlimit(2).
  ///   - open: descriptors that are open before any worker is.
  ///   - jobs: workers at one time.
  ///   - relays: some of them have a network, whose connections may take half of the limit: ``RelayBudget``.
  /// - Returns: never less than a quarter of what is free: most runs don't have all their workers at once.
  package static func heldResults(limit: UInt64, open: Int, jobs: Int, relays: Bool = false) -> Int {
    let connections = relays ? Int(clamping: limit / 2) : 0
    let free = max(0, Int(clamping: limit) - connections - open)
    return max(free / 4, free - reserve - jobs * (perWorker + (relays ? perRelay : 0)))
  }
}
