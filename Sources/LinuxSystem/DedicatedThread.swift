/// A thread of our own that runs what it is given, one after the other.
///
/// For calls that may block, which must never happen on Swift's cooperative threads, and for what the kernel ties to a
/// thread: PR_SET_PDEATHSIG fires when the *thread* that made the child ends, prctl(2). An actor can have one as its
/// executor.
package final class DedicatedThread: SerialExecutor {
  private typealias Job = @Sendable () -> Void
  private let jobs = Lock<[Job]>([])
  /// One byte for each time that ``jobs`` stops being empty. Its end, which is this object's, ends the thread, after what was
  /// given to it before.
  private let wake: FileDescriptor

  /// `name` is cut to 15 bytes, as the kernel does.
  package init(name: String) throws(SystemError) {
    let (reading, writing) = try FileDescriptor.pipe()
    wake = writing
    // The thread keeps the queue, not this object.
    try Thread.run(named: name) { [jobs] in
      while let bytes = try? reading.read(atMost: 1), !bytes.isEmpty {
        let batch = jobs.withLock { jobs in
          defer { jobs = [] }
          return jobs
        }
        for job in batch { job() }
      }
    }
  }

  /// Runs `body` on the thread and waits without blocking; where it succeeds, `afterwards` then runs there too, which
  /// nobody waits for.
  package func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value, afterwards: @escaping @Sendable () -> Void = {}
  ) async throws(Failure) -> Value {
    let result = await withCheckedContinuation { continuation in
      add {
        let result = Result(catching: body)
        continuation.resume(returning: result)
        if case .success = result { afterwards() }
      }
    }
    return try result.get()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    add { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  private func add(_ job: @escaping Job) {
    let wasEmpty = jobs.withLock { jobs in
      jobs.append(job)
      return jobs.count == 1
    }
    // The reader is there as long as this object is, and the pipe holds thousands of bytes.
    if wasEmpty { _ = try? wake.write([1]) }
  }
}
