import HTTPTypes
import HummingbirdCore
import LinuxSystem
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import NIOSSL
import PluginModel
import ServiceLifecycle

/// Where a server takes connections.
package enum ListenerPlace: Hashable, Sendable {
  case address(host: String, port: Int)
  case path(String)
  /// A socket that is listening already, which whoever started this process made; it is closed when the listener ends.
  /// - isPath: of a path in the file system.
  case inherited(Int32, isPath: Bool)

  package init(_ address: ServingAddress) {
    self =
      switch address {
      case .address(let host, let port, _): .address(host: host, port: port)
      case .path(let path): .path(path.text)
      }
  }

  fileprivate var isPath: Bool {
    switch self {
    case .address: false
    case .path: true
    case .inherited(_, let isPath): isPath
    }
  }
}

/// Takes connections in several places and answers what is asked on them, until it is to end: then it accepts none any more, lets what is
/// under way end in good order, and cuts off what takes too long.
package struct HTTPListener: Service {
  package typealias Responder = @Sendable (Request, any Channel) async -> Response

  package struct Limits: Sendable {
    /// At one time, in all places together; further ones wait to be accepted.
    package var connections = 2048
    /// After which a connection on which nothing comes is ended.
    package var idle: Duration = .seconds(30)
    /// For all of a request to come.
    package var request: Duration = .seconds(600)
    /// For one piece of a response to be taken.
    package var piece: Duration = .seconds(30)
    /// For a response that isn't a stream of events, whole.
    package var response: Duration = .seconds(600)
    /// For what is under way when the server is to end.
    package var ending: Duration = .seconds(10)
    /// Of a socket with a path: who may write to it may connect.
    package var socketPermissions: UInt32 = 0o660
    /// Bytes of all fields of a request's header, and their number.
    package var headerBytes = 32 << 10
    package var headerFields = 100
    package init() {}
  }

  private let places: [ListenerPlace]
  private let tls: TLSFiles?
  private let limits: Limits
  private let respond: Responder
  private let isReady: @Sendable ([Int?]) async throws -> Void
  private let logger: Logger

  /// - Parameters:
  ///   - tls: nil: connections aren't encrypted. Those through a path in the file system never are.
  ///   - isReady: told the port of each place, once everybody may connect; nil for a path. Where it throws, the listener ends.
  package init(
    _ places: [ListenerPlace], tls: TLSFiles? = nil, limits: Limits = Limits(), logger: Logger,
    isReady: @escaping @Sendable ([Int?]) async throws -> Void, respond: @escaping Responder
  ) {
    self.places = places
    self.tls = tls
    self.limits = limits
    self.logger = logger
    self.isReady = isReady
    self.respond = respond
  }

  private typealias Connection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
  private typealias Listening = NIOAsyncChannel<Connection, Never>

  package func run() async throws {
    let counter = ConnectionCounter(most: limits.connections)
    let open = OpenChannels()
    let http = channel
    var listening: [Listening] = []
    do {
      for place in places { listening.append(try await listen(place, http, counter, open)) }
    } catch {
      for listener in listening { try? await listener.channel.close() }
      throw error
    }
    var problem: (any Error)?
    do { try await isReady(listening.map { $0.channel.localAddress?.port }) } catch { problem = error }
    await withGracefulShutdownHandler { [isEnding = problem != nil] in
      await withDiscardingTaskGroup { group in
        for listener in listening {
          group.addTask { await accept(listener, http) }
        }
        if isEnding { group.addTask { [listening] in await Self.end(listening, open) } }
      }
    } onGracefulShutdown: { [listening] in
      Task { await Self.end(listening, open) }
    }
    if let problem { throw problem }
  }

  /// For what was accepted to be taken up.
  private static let settling: Duration = .milliseconds(200)

  /// First nothing is accepted any more, then what was accepted is taken up, and then all of it ends. A connection that was accepted and
  /// that nobody has taken up when its listener ends would end the program: NIOAsyncWriter demands that somebody has finished it.
  private static func end(_ listening: [Listening], _ open: OpenChannels) async {
    for listener in listening { try? await listener.channel.setOption(.autoRead, value: false).get() }
    try? await Task.sleep(for: settling)
    for listener in listening { listener.channel.close(promise: nil) }
    open.quiesce()
  }

  private func accept(_ listener: Listening, _ http: HTTP1Channel) async {
    await withDiscardingTaskGroup { group in
      try? await listener.executeThenClose { connections in
        for try await connection in connections {
          group.addTask { await http.handle(value: connection, logger: logger) }
        }
      }
    }
  }

  /// Comes back when every thread that connections are read and written on has answered: one that hangs answers nobody.
  package static func answer() async throws {
    for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try await loop.submit {}.get() }
  }

  private var channel: HTTP1Channel {
    let patience = ConnectionPatience.Limits(
      request: TimeAmount(limits.request), piece: TimeAmount(limits.piece), response: TimeAmount(limits.response),
      lingering: min(TimeAmount(limits.idle), .seconds(10)), ending: TimeAmount(limits.ending))
    return HTTP1Channel(
      responder: { [respond] request, writer, channel in
        var response = await respond(request, channel)
        response.headers[.date] = HTTPDate.text(ProcessEnvironment.millisecondsSince1970() / 1000)
        try await writer.write(response: response.head, body: response.body)
      },
      configuration: .init(
        additionalChannelHandlers: [ConnectionPatience(patience)], idleTimeout: TimeAmount(limits.idle),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
          maxHeaderFieldCount: limits.headerFields)))
  }

  private func listen(
    _ place: ListenerPlace, _ http: HTTP1Channel, _ counter: ConnectionCounter, _ open: OpenChannels
  ) async throws -> Listening {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ConnectionGate(counter))
        }
      }
      .childChannelOption(.allowRemoteHalfClosure, value: true)
    let tls = place.isPath ? nil : self.tls
    let setup: @Sendable (any Channel) -> EventLoopFuture<Connection> = { [logger] channel in
      open.add(channel)
      let secured = channel.eventLoop.makeCompletedFuture {
        if let tls {
          try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
        }
      }
      return secured.flatMap { http.setup(channel: channel, logger: logger) }
    }
    switch place {
    case .address(let host, let port):
      return try await bootstrap.bind(host: host, port: port, childChannelInitializer: setup)
    case .path(let path):
      let socket: LinuxSystem.FileDescriptor
      do throws(UnixListener.Refusal) {
        socket = try UnixListener.listen(at: path, permissions: limits.socketPermissions)
      } catch {
        throw Diagnostic(
          "no connections can be taken at unix:\(path)", why: error.description,
          hint: "end what serves it, or name another path")
      }
      return try await bootstrap.bind(socket.release(), childChannelInitializer: setup)
    case .inherited(let descriptor, _): return try await bootstrap.bind(descriptor, childChannelInitializer: setup)
    }
  }
}

/// How many connections there are, in all places together.
private final class ConnectionCounter: Sendable {
  private struct State {
    var count = 0
    /// Places that have stopped accepting.
    var waiting: [@Sendable () -> Void] = []
  }

  private let state = Lock(State())
  private let most: Int

  init(most: Int) { self.most = most }

  func opened() { state.withLock { $0.count += 1 } }

  func closed() {
    let waiting = state.withLock { state in
      state.count -= 1
      defer { state.waiting = [] }
      return state.waiting
    }
    for resume in waiting { resume() }
  }

  /// - Parameter resume: called when there may be room, where there is none now.
  /// - Returns: whether there is.
  func hasRoom(orElse resume: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if state.count < most { return true }
      state.waiting.append(resume)
      return false
    }
  }
}

/// Stops accepting where there are too many connections.
private final class ConnectionGate: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = Never
  typealias OutboundOut = Never

  private let counter: ConnectionCounter

  init(_ counter: ConnectionCounter) { self.counter = counter }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    counter.opened()
    unwrapInboundIn(data).closeFuture.whenComplete { [counter] _ in counter.closed() }
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    let channel = context.channel
    if counter.hasRoom(orElse: { channel.eventLoop.execute { channel.read() } }) { context.read() }
  }
}

/// The connections that are open, to be told when the server ends.
private final class OpenChannels: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isQuiescing = false
  }

  private let state = Lock(State())

  func add(_ channel: any Channel) {
    let identifier = ObjectIdentifier(channel)
    let isQuiescing = state.withLock { state in
      state.channels[identifier] = channel
      return state.isQuiescing
    }
    channel.closeFuture.whenComplete { [self] _ in state.withLock { $0.channels[identifier] = nil } }
    if isQuiescing { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
  }

  func quiesce() {
    let channels = state.withLock { state in
      state.isQuiescing = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
  }
}

/// RFC 9110 section 5.6.7.
package enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// - Parameter seconds: since 1970, which began on a Thursday.
  package static func text(_ seconds: Int64) -> String {
    let halves = ProcessEnvironment.readableTime(seconds * 1000).split(separator: " ")
    let date = halves.first?.split(separator: "-") ?? []
    guard halves.count == 2, date.count == 3, let month = Int(date[1]), months.indices.contains(month - 1) else {
      return ""
    }
    let day = days[Int((seconds / 86_400 + 4) % 7)]
    return "\(day), \(date[2]) \(months[month - 1]) \(date[0]) \(halves[1]) GMT"
  }
}
