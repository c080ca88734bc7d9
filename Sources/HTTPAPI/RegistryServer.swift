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
  private static let connections = 256

  private let routes: RegistryRoutes
  private let address: ListenAddress
  private let idle: Duration

  /// - Parameter idle: after which a connection on which nothing comes is ended.
  package init(_ routes: RegistryRoutes, at address: ListenAddress, idle: Duration = .seconds(30)) {
    self.routes = routes
    self.address = address
    self.idle = idle
  }

  /// Until it is cancelled, or SIGTERM or SIGINT come.
  /// - Parameter isReady: told the port, once somebody may connect; nil for a socket with a path.
  package func run(isReady: @escaping @Sendable (Int?) async -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    routes.add(to: router.group(RouterPath(Self.path)))
    var logger = Logger(label: "registry")
    logger.logLevel = .critical
    let application = Application(
      router: router,
      server: .http1(
        configuration: .init(additionalChannelHandlers: [LingeringClose()], idleTimeout: TimeAmount(idle))),
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
