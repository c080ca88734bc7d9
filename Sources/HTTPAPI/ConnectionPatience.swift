import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends a connection some time after a response that says so, `Connection: close`. Whoever still sends then isn't read for ever; at once it
/// would be too early for the response to be read.
final class LingeringClose: ChannelOutboundHandler, RemovableChannelHandler {
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private static let time = TimeAmount.seconds(2)
  private var isLast = false

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head): isLast = head.headerFields[.connection] == "close"
    case .body: break
    case .end:
      if isLast {
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.time) { channel.close(promise: nil) }
      }
    }
    context.write(data, promise: promise)
  }
}
