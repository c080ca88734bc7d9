import Foundation
import LinuxSystem
import NIOCore
import NIOHTTP1
import NIOPosix
import PluginModel
import Testing

/// What spans are sent to: a server of its own on this host, which answers as it is told and keeps what came.
final class Collector: Sendable {
  struct Request: Sendable {
    var method: String
    var path: String
    var headers: [String: String]
    var body: [UInt8]

    /// The spans in it.
    var spans: [JSONValue] {
      get throws {
        let value = try JSONValue(json: body)
        return (value["resourceSpans"]?.arrayValue ?? []).flatMap { $0["scopeSpans"]?.arrayValue ?? [] }
          .flatMap { $0["spans"]?.arrayValue ?? [] }
      }
    }
  }

  struct Answer: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body = "{}"
    /// Before it answers.
    var delay: TimeAmount = .zero
  }

  private let state: Lock<(requests: [Request], answer: @Sendable (Int) -> Answer)>
  private let channel: any Channel
  let port: Int

  /// - Parameter answer: to each request, by how many came before.
  init(_ answer: @escaping @Sendable (Int) -> Answer = { _ in Answer() }) async throws {
    let state = Lock((requests: [Request](), answer: answer))
    self.state = state
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(
            Handler { request in
              state.withLock { state in
                defer { state.requests.append(request) }
                return state.answer(state.requests.count)
              }
            })
        }
      }.bind(host: "127.0.0.1", port: 0).get()
    port = try #require(channel.localAddress?.port)
  }

  func close() async throws { try await channel.close() }

  var address: String { "http://127.0.0.1:\(port)" }
  var requests: [Request] { state.withLock { $0.requests } }

  /// The spans of all requests, once there are so many.
  func spans(atLeast count: Int, seconds: Double = 20) async throws -> [JSONValue] {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let spans = try requests.flatMap { try $0.spans }
      if spans.count >= count { return spans }
      try #require(ContinuousClock.now < end, "only \(spans.count) spans came")
      try await Task.sleep(for: .milliseconds(10))
    }
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let answer: @Sendable (Request) -> Answer
    private var request: Request?

    init(_ answer: @escaping @Sendable (Request) -> Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        request = Request(
          method: head.method.rawValue, path: head.uri,
          headers: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }, body: [])
      case .body(let part): request?.body += Array(part.readableBytesView)
      case .end:
        guard let request else { return }
        let answer = answer(request)
        let bound = NIOLoopBound((context, self), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: answer.delay) {
          let (context, handler) = bound.value
          var headers = HTTPHeaders(answer.headers)
          headers.add(name: "content-length", value: "\(answer.body.utf8.count)")
          let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
          context.write(handler.wrapOutboundOut(.head(head)), promise: nil)
          context.write(handler.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
          context.writeAndFlush(handler.wrapOutboundOut(.end(nil)), promise: nil)
        }
      }
    }
  }
}
