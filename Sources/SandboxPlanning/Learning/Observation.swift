import PluginModel

/// What a worker was seen to do while its plugin's needs are learned. Everything in it is a worker's word, and all of it was allowed
/// anyway: it may be less than what the worker needs, and never leads to more than it has.
package struct Observation: Hashable, Sendable {
  /// How often, by the name of the system call.
  package var calls: [String: UInt64]
  package var paths: [ObservedPath]
  /// Calls with other paths, of which nothing but their number is known.
  package var furtherPaths: UInt64
  /// Calls whose path could not be read.
  package var unreadPaths: UInt64
  /// One more than the highest descriptor that a call was given: what RLIMIT_NOFILE has to be.
  package var openFiles: UInt64
  /// Processes and threads at one time, the most that were seen.
  package var tasks: UInt64
  /// Bytes in /tmp or in /dev/shm, whichever had more.
  package var scratchBytes: UInt64

  package init(
    calls: [String: UInt64] = [:], paths: [ObservedPath] = [], furtherPaths: UInt64 = 0, unreadPaths: UInt64 = 0,
    openFiles: UInt64 = 0, tasks: UInt64 = 0, scratchBytes: UInt64 = 0
  ) {
    self.calls = calls
    self.paths = paths
    self.furtherPaths = furtherPaths
    self.unreadPaths = unreadPaths
    self.openFiles = openFiles
    self.tasks = tasks
    self.scratchBytes = scratchBytes
  }

  /// Both of two, one after the other.
  package func followed(by next: Observation) -> Observation {
    var sum = self
    sum.calls.merge(next.calls) { $0 &+ $1 }
    var places = Dictionary(paths.enumerated().map { ($1.path, $0) }) { first, _ in first }
    for path in next.paths {
      if let place = places[path.path] {
        sum.paths[place].uses.formUnion(path.uses)
        sum.paths[place].count &+= path.count
      } else {
        places[path.path] = sum.paths.count
        sum.paths.append(path)
      }
    }
    sum.furtherPaths &+= next.furtherPaths
    sum.unreadPaths &+= next.unreadPaths
    sum.openFiles = max(openFiles, next.openFiles)
    sum.tasks = max(tasks, next.tasks)
    sum.scratchBytes = max(scratchBytes, next.scratchBytes)
    return sum
  }
}

/// A path that a worker named in a call that was let go on. Whether there is something, the call itself found out.
package struct ObservedPath: Hashable, Sendable {
  package enum Use: String, CaseIterable, Comparable, Sendable {
    case look
    case read
    case write
    /// Made, removed or renamed.
    case change
    case execute
    /// Opened as a directory.
    case list

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  package var path: UntrustedBytes
  package var uses: Set<Use>
  package var count: UInt64

  package init(_ path: UntrustedBytes, _ uses: Set<Use>, count: UInt64 = 1) {
    self.path = path
    self.uses = uses
    self.count = count
  }

  /// Without '.', '..' and empty names; nil for what can't be granted: bytes that aren't a path in one line of text, or that were cut.
  package var place: AbsolutePath? {
    guard let text = path.exact, text.hasPrefix("/") else { return nil }
    var names: [Substring] = []
    for name in text.split(separator: "/") where name != "." {
      if name == ".." { _ = names.popLast() } else { names.append(name) }
    }
    return AbsolutePath("/" + names.joined(separator: "/"))
  }
}
