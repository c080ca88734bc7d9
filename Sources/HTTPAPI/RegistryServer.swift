import Hummingbird
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
      piece: TimeAmount(idle), response: TimeAmount(Self.response), lingering: min(TimeAmount(idle), .seconds(10)),
      ending: TimeAmount(ending))
  }

  /// Until it is cancelled, or SIGTERM or SIGINT come.
  /// - Parameter isReady: told the port, once somebody may connect; nil for a socket with a path.
  package func run(isReady: @escaping @Sendable (Int?) async -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    routes.add(to: router.group(RouterPath(Self.path)))
    var logger = Logger(label: "registry")
    logger.logLevel = .critical
    let patience = patience
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(additionalChannelHandlers: [ConnectionPatience(patience)], idleTimeout: TimeAmount(idle))),
      configuration: ApplicationConfiguration(
        address: address.bound,
        availableConnectionsDelegate: .maximum(Self.connections, logger: logger)),
      onServerRunning: { channel in await isReady(channel.localAddress?.port) },
      logger: logger)
    let group = ServiceGroup(
      configuration: .init(
        services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
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
