import HTTPAPI
import LinuxSystem
import Logging
import NIOCore
import PipelineEngine
import PluginModel
import StateStore

/// A run that this server carries out, or is about to.
struct ServedRun: Sendable {
  let identifier: String
  let submitter: String
  let feed: RunFeed
  /// Nothing of it is written down any more: as if the process had died at that moment, so that it is gone on with by the next.
  let isSuspended: OnceFlag
  /// Every line says of which run it is.
  let logger: Logger
  /// Nil: nobody takes any.
  let spans: RunSpans?
  var task: Task<Void, Never>?
}

/// The journal of a run that others watch: what is written down is told to them, and nothing else.
struct ServedJournal: RunJournal {
  let database: StateDatabase
  let run: String
  let feed: RunFeed
  let isSuspended: OnceFlag

  func append(_ records: [JournalRecord]) async throws(StateFailure) {
    guard !isSuspended.isSet else { return }
    do throws(StateStoreError) {
      let first = try await database.append(records, to: run)
      feed.publish(records.enumerated().map { JournalEntry($0.element, sequence: first + $0.offset) })
    } catch {
      throw StateFailure(unwritten: error)
    }
  }
}

/// Tells those who watch a run what isn't written down: progress, and what nodes say; the log what went wrong; and traces all of it.
struct ServedRunObserver: RunObserver {
  let run: ServedRun
  private var feed: RunFeed { run.feed }

  func handle(_ events: [RunEvent]) async {
    await run.spans?.handle(events, at: ProcessEnvironment.nanosecondsSince1970())
    for event in events { log(event) }
    // Nobody is there for most runs, most of the time.
    guard feed.watcherCount > 0 else { return }
    var bytes = ByteBuffer()
    for event in events {
      guard let kind = event.transientKind else { continue }
      EventText.transient(kind, event.jsonValue, to: &bytes)
    }
    if bytes.readableBytes > 0 { feed.publish(transient: bytes) }
  }

  private func log(_ event: RunEvent) {
    guard let node = event.node else { return }
    switch event.content {
    case .nodeFailed(let failure): write("the node has failed", failure, of: node)
    case .nodeRetry(let failure, _, _): write("the node is tried again", failure, of: node)
    case .nodeState, .nodeReport, .nodesAdded, .runStarted, .runFinished: break
    }
  }

  private func write(_ message: Logger.Message, _ failure: NodeFailure, of node: NodeName) {
    let why = failure.cause.map { "\(failure.message): \($0)" } ?? failure.message
    run.logger.warning(message, metadata: ["node": "\(node)", "why": "\(why)"])
  }

  func finish() async {}
}

extension RunEvent {
  /// What its event is called; nil: the journal tells of it.
  fileprivate var transientKind: String? {
    switch content {
    case .nodeReport(.progress): "progress"
    case .nodeReport(.log): "log"
    case .nodeReport(.output): "output"
    case .nodeReport(.tests): "tests"
    case .nodesAdded: "nodes_added"
    case .nodeState(.queued, _): "queued"
    case .nodeReport(.started), .nodeState, .runStarted, .nodeRetry, .nodeFailed, .runFinished: nil
    }
  }
}
