import Hummingbird
import LinuxSystem
import Logging
import NIOCore
import PluginModel
import ServiceLifecycle
import UnixSignals

/// Offers a registry over HTTP, and nothing else.
package struct RegistryServer: Sendable {
  /// Below which the registry lies.
  package static let path = "api/registry"
  /// Connections at one time; further ones wait.
  package static let connections = 256
  /// For one package to be taken, as long as for one to come.
  private static let response: Duration = .seconds(600)

  private let routes: RegistryRoutes
  private let address: ListenAddress
  private let idle: Duration
  private let patience: ConnectionPatience.Limits

  /// - Parameters:
  ///   - idle: after which a connection on which nothing comes, or of which nothing is taken, is ended.
  ///   - ending: what is under way when the server is to end has so long.
  package init(
    _ routes: RegistryRoutes, at address: ListenAddress, idle: Duration = .seconds(30), ending: Duration = .seconds(10)
  ) {
    self.routes = routes
    self.address = address
    self.idle = idle
    patience = ConnectionPatience.Limits(
      request: TimeAmount(Self.response), piece: TimeAmount(idle), response: TimeAmount(Self.response),
      lingering: min(TimeAmount(idle), .seconds(10)),
      ending: TimeAmount(ending))
  }

  /// Until it is cancelled, or SIGTERM or SIGINT come. What is under way then is ended in good order, either way.
  /// - Parameter isReady: told the port, once somebody may connect; nil for a socket with a path.
  package func run(isReady: @escaping @Sendable (Int?) async -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    routes.add(to: router.group(RouterPath(Self.path)))
    var logger = Logger(label: "registry")
    logger.logLevel = .critical
    let (patience, quiescence) = (patience, Quiescence())
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(additionalChannelHandlers: [ConnectionPatience(patience)], idleTimeout: TimeAmount(idle))),
      configuration: ApplicationConfiguration(
        address: address.bound,
        availableConnectionsDelegate: .maximum(Self.connections, logger: logger)),
      onServerRunning: { channel in
        quiescence.listener.withLock { $0 = channel }
        await isReady(channel.localAddress?.port)
      },
      logger: logger)
    // The last is the first to end.
    let group = ServiceGroup(
      configuration: .init(
        services: [application, quiescence], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    let running = Task { try await group.run() }
    try await withTaskCancellationHandler {
      try await running.value
    } onCancel: {
      Task { await group.triggerGracefulShutdown() }
    }
  }
}

/// When the server is to end, accepts no further connection, and ends before the server does. A connection that was accepted and that the
/// server hasn't taken up when it ends would end the program: NIOAsyncWriter demands that somebody has finished it.
private struct Quiescence: Service {
  /// For what was accepted to be taken up.
  private static let time: Duration = .milliseconds(200)

  let listener = Lock<(any Channel)?>(nil)

  func run() async throws {
    try? await gracefulShutdown()
    guard let listener = listener.withLock({ $0 }) else { return }
    try? await listener.setOption(.autoRead, value: false).get()
    try? await Task.sleep(for: Self.time)
  }
}

extension ListenAddress {
  fileprivate var bound: BindAddress {
    switch self {
    case .loopback(let host, let port): .hostname(host, port: port)
    case .path(let path): .unixDomainSocket(path: path.text)
    }
  }
}
