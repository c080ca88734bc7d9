import PluginModel
import Testing

@testable import WorkerHost

@Suite("The conversation with a worker")
struct WorkerSessionTests {
  typealias Session = WorkerSession<Int>

  /// What an action is, for comparison.
  private func words(_ actions: [Session.Action]) -> [String] {
    actions.compactMap { action in
      switch action {
      case .send(let frame): "send \(frame.kind)"
      case .startTimer(let timer, _): "start \(timer)"
      case .stopTimer: nil
      case .becameReady: "ready"
      case .report: "report"
      case .finished: "finished"
      case .failed: "failed"
      case .stopped(let reason): "stopped \(reason)"
      case .terminate: "terminate"
      case .end(let end): "end \(end)"
      }
    }
  }

  private func readySession() -> Session {
    var session = Session(initialize: .object([]), limits: WorkerLimits())
    #expect(words(session.start()) == ["start startup"])
    let hello: JSONValue = ["protocol": 2, "sdk": "s", "language": "l"]
    #expect(words(session.receive(Frame<Int>(.hello, object: hello).bytes, [])) == ["send initialize"])
    #expect(words(session.receive(Frame<Int>(.ready, object: .object([])).bytes, [])) == ["ready"])
    return session
  }

  @Test("asks a call to stop at its deadline, then sends SIGTERM, then ends the worker")
  func escalates() throws {
    var session = readySession()
    let opened = session.call(body: [], descriptors: [], limit: .seconds(1))
    let call = try #require(opened)
    #expect(words(call.actions) == ["send call", "start acknowledgement", "start deadline"])
    #expect(words(session.receive(Frame<Int>(.ack, callID: call.id).bytes, [])) == ["report"])
    #expect(words(session.timerFired(.deadline)) == ["send cancel", "start grace"])
    #expect(words(session.cancel(callID: call.id, .user)) == [])
    #expect(words(session.timerFired(.grace)) == ["terminate", "start grace"])
    #expect(words(session.timerFired(.grace)) == ["end stopped(WorkerHost.StopReason.deadline)"])
    #expect(session.receive(Frame<Int>(.ack).bytes, []).isEmpty && session.endOfStream().isEmpty)
  }

  @Test("takes the answer of a call that was asked to stop, and is idle again")
  func answeredAfterCancel() throws {
    var session = readySession()
    let opened = session.call(body: [], descriptors: [], limit: nil)
    let call = try #require(opened)
    _ = session.receive(Frame<Int>(.ack, callID: call.id).bytes, [])
    #expect(words(session.cancel(callID: call.id, .user)) == ["send cancel", "start grace"])
    let result = Frame<Int>(
      .result, callID: call.id, body: ValueTable<Int>(metadata: .object([])).encoded().body)
    #expect(words(session.receive(result.bytes, [])) == ["stopped user"])
    #expect(session.isIdle)
    // Timers and requests of the past change nothing.
    for timer in Session.Timer.allCases { #expect(session.timerFired(timer).isEmpty) }
    #expect(session.cancel(callID: call.id, .user).isEmpty)
    #expect(session.call(body: [], descriptors: [], limit: nil)?.id == call.id + 1)
  }

  @Test("has one call at a time, and none before ready")
  func oneCall() {
    var session = Session(initialize: .object([]), limits: WorkerLimits())
    _ = session.start()
    #expect(session.call(body: [], descriptors: [], limit: nil)?.id == nil)
    session = readySession()
    #expect(session.call(body: [], descriptors: [], limit: nil)?.id == 1)
    #expect(session.call(body: [], descriptors: [], limit: nil)?.id == nil)
  }

  @Test("takes the end of the stream for what it means at that moment")
  func endOfStream() throws {
    var idle = readySession()
    #expect(words(idle.endOfStream()) == ["end closed(truncated: false)"])
    var leaving = readySession()
    #expect(words(leaving.shutdown()) == ["send shutdown", "start grace"])
    #expect(words(leaving.endOfStream()) == ["end shutDown"])
    var cut = readySession()
    _ = cut.receive([1], [])
    #expect(words(cut.endOfStream()) == ["end closed(truncated: true)"])
    var stopping = readySession()
    let opened = stopping.call(body: [], descriptors: [], limit: nil)
    let call = try #require(opened)
    _ = stopping.cancel(callID: call.id, .user)
    #expect(words(stopping.endOfStream()) == ["end stopped(WorkerHost.StopReason.user)"])
  }
}
