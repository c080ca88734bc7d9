import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Bounds how long one connection can be held by somebody who neither reads nor ends: there are few places, and whoever asks is anybody.
///
/// A response to a request whose body wasn't read to its end says `Connection: close`. The connection is ended some time after such a
/// response: at once it would be too early for the response to be read by somebody who still sends.
final class ConnectionPatience: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  struct Limits: Sendable {
    /// For all of a request to come, from its head on.
    var request: TimeAmount
    /// For one piece of a response to be taken.
    var piece: TimeAmount
    /// For one response, whole.
    var response: TimeAmount
    /// For what is still sent after a response that is the last.
    var lingering: TimeAmount
    /// For all that is under way when the server is to end.
    var ending: TimeAmount
  }

  private let limits: Limits
  /// Requests of which all has come, and responses of which all was handed on.
  private var (ended, answered) = (0, 0)
  private var isLast = false
  /// Pieces that aren't written yet, and when one was last.
  private var unwritten = 0
  private var progress = NIODeadline.now()
  private var (check, whole, coming): (Scheduled<Void>?, Scheduled<Void>?, Scheduled<Void>?)

  init(_ limits: Limits) { self.limits = limits }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      coming?.cancel()
      coming = close(context, in: limits.request)
    case .body: break
    case .end:
      ended += 1
      coming?.cancel()
      coming = nil
    }
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { close(context, in: limits.ending) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    stop()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { stop() }

  private func stop() {
    check?.cancel()
    whole?.cancel()
    coming?.cancel()
    (check, whole, coming) = (nil, nil, nil)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head):
      if ended <= answered { head.headerFields[.connection] = "close" }
      isLast = head.headerFields[.connection] == "close"
      whole?.cancel()
      // One of events ends when there are no more; each of its pieces has to be taken all the same.
      let isEvents = head.headerFields[.contentType] == MediaType.events
      whole = isEvents ? nil : close(context, in: limits.response)
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body:
      let written = promise ?? context.eventLoop.makePromise()
      if unwritten == 0 { progress = .now() }
      unwritten += 1
      written.futureResult.assumeIsolated().whenComplete { _ in self.wrote() }
      if check == nil { watch(context, in: limits.piece) }
      context.write(data, promise: written)
    case .end:
      answered += 1
      // Who has sent all of it reads the answer now.
      if isLast { close(context, in: ended >= answered ? min(.seconds(1), limits.lingering) : limits.lingering) }
      context.write(data, promise: promise)
      rest()
    }
  }

  private func wrote() {
    unwritten -= 1
    progress = .now()
    rest()
  }

  /// All that was to be said was taken.
  private func rest() {
    guard unwritten == 0, answered >= ended else { return }
    whole?.cancel()
    whole = nil
  }

  private func watch(_ context: ChannelHandlerContext, in time: TimeAmount) {
    check = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
      self.check = nil
      guard self.unwritten > 0 else { return }
      let left = self.progress + self.limits.piece - .now()
      if left > .zero { self.watch(context, in: left) } else { context.close(promise: nil) }
    }
  }

  @discardableResult
  private func close(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
    let channel = context.channel
    return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}
