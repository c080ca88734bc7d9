import Synchronization

/// Runs the jobs of an actor on a thread of its own, so that what blocks there (a disk, a terminal whose reader is
/// slow) blocks nothing else. The thread lives as long as the process.
package final class ThreadExecutor: SerialExecutor {
  private let jobs = Mutex<[UnownedJob]>([])
  /// One byte for each time that the queue stops being empty.
  private let wake: FileDescriptor

  package init(named name: String) throws(SystemError) {
    let pipe = try FileDescriptor.pipe()
    wake = pipe.writing
    try Thread.run(named: name) { [self] in
      while (try? pipe.reading.read(atMost: 1)) != nil {
        let batch = jobs.withLock { jobs in
          let batch = jobs
          jobs.removeAll()
          return batch
        }
        for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
      }
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let pending = UnownedJob(job)
    let wasEmpty = jobs.withLock { jobs in
      jobs.append(pending)
      return jobs.count == 1
    }
    // Its own reader lives as long as the process: neither full nor broken.
    if wasEmpty { _ = try? wake.write([1]) }
  }
}

/// Does blocking work one piece after the other, on a thread of its own.
package actor BlockingWorker {
  private let executor: ThreadExecutor
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  package init(named name: String) throws(SystemError) { executor = try ThreadExecutor(named: name) }

  package func perform<Result: Sendable, Failure: Error>(
    _ work: @Sendable () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try work()
  }
}
