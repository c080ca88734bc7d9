import LinuxSystem
import PluginModel
import SandboxPlanning

/// Gathers what one sandbox is seen to do: what its pid 1 records, and what can only be seen from outside.
final class SandboxObserver: Sendable {
  /// Between two looks at what nobody counts: what comes and goes in between isn't seen.
  private static let interval = Duration.milliseconds(20)

  private struct State {
    /// What was told already.
    var told: ObservedCalls?
    var tasks: UInt64 = 0
    var scratchBytes: UInt64 = 0
  }

  private let memory: FileDescriptor
  private let seccomp: SeccompPlan
  private let process: SpawnedProcess
  private let context: LaunchContext
  private let state: Lock<State>
  private let looking: Task<Void, Never>

  init(_ memory: FileDescriptor, _ seccomp: SeccompPlan, _ process: SpawnedProcess, _ context: LaunchContext) {
    self.memory = memory
    self.seccomp = seccomp
    self.process = process
    self.context = context
    let state = Lock(State())
    self.state = state
    looking = Task.detached {
      repeat {
        await context.accountant.run { Self.look(process.identifier, state) }
      } while (try? await Task.sleep(for: Self.interval)) != nil
    }
  }

  /// Its process isn't reaped before this returns: its number is its own until then.
  func stop() async {
    looking.cancel()
    await looking.value
  }

  /// Nil where it can't be read.
  func take() async -> Observation? {
    await context.accountant.run { [self] in
      if !looking.isCancelled { Self.look(process.identifier, state) }
      guard let now = try? ObservedCalls(reading: memory) else { return nil }
      return state.withLock { state in
        defer { state = State(told: now) }
        return Observation(
          from: state.told, to: now, seccomp, tasks: state.tasks, scratchBytes: state.scratchBytes)
      }
    }
  }

  private static func look(_ first: Int32, _ state: Lock<State>) {
    let tasks = descendants(of: first).compactMap { ProcessUse($0)?.threads }.reduce(0, &+)
    let scratch = [Inside.scratch, Inside.sharedMemory].map {
      MemoryFiles.bytesUsed(ofTemporaryFilesystem: "/proc/\(first)/root\($0)")
    }
    state.withLock { state in
      state.tasks = max(state.tasks, tasks)
      state.scratchBytes = max(state.scratchBytes, scratch.max() ?? 0)
    }
  }
}

extension Observation {
  /// What came between two readings. A count that went back is a memory that isn't what it was: nothing is taken from it.
  fileprivate init(
    from told: ObservedCalls?, to now: ObservedCalls, _ seccomp: SeccompPlan, tasks: UInt64, scratchBytes: UInt64
  ) {
    func since(_ later: UInt64, _ earlier: UInt64?) -> UInt64 { later > earlier ?? 0 ? later - (earlier ?? 0) : 0 }
    var calls: [String: UInt64] = [:]
    for (number, count) in now.counts.enumerated() {
      let new = since(count, told?.counts[number])
      if new > 0 { calls[seccomp.rule(number: number)?.name ?? "number \(number)"] = new }
    }
    var paths: [ObservedPath] = []
    for (index, path) in now.paths.enumerated() {
      let before = told.flatMap { $0.paths.indices.contains(index) ? $0.paths[index] : nil }
      let new = since(path.count, before?.count)
      guard new > 0 else { continue }
      paths.append(
        ObservedPath(UntrustedBytes(path.bytes, isCut: !path.isWhole), Set(path.uses), count: new))
    }
    self.init(
      calls: calls, paths: paths, furtherPaths: since(now.furtherPaths, told?.furtherPaths),
      unreadPaths: since(now.unreadPaths, told?.unreadPaths), openFiles: UInt64(now.highestDescriptor) + 1,
      tasks: tasks, scratchBytes: scratchBytes)
  }
}

extension Set<ObservedPath.Use> {
  fileprivate init(_ uses: ObservedCalls.Uses) {
    let known: [(ObservedCalls.Uses, ObservedPath.Use)] = [
      (.look, .look), (.read, .read), (.write, .write), (.change, .change), (.execute, .execute), (.list, .list),
    ]
    self.init(known.filter { uses.contains($0.0) }.map(\.1))
  }
}
