import Hummingbird
import LinuxSystem
import Logging
import PluginModel
import ServiceLifecycle
import UnixSignals

/// Offers a registry over HTTP, and nothing else.
package struct RegistryServer: Sendable {
  /// Below which the registry lies.
  package static let path = "api/registry"
  /// Connections at one time; further ones wait.
  package static let connections = 256

  private let routes: RegistryRoutes
  private let address: ListenAddress
  private let limits: HTTPListener.Limits

  /// - Parameters:
  ///   - idle: after which a connection on which nothing comes, or of which nothing is taken, is ended.
  ///   - ending: what is under way when the server is to end has so long.
  package init(
    _ routes: RegistryRoutes, at address: ListenAddress, idle: Duration = .seconds(30), ending: Duration = .seconds(10)
  ) {
    self.routes = routes
    self.address = address
    var limits = HTTPListener.Limits()
    limits.connections = Self.connections
    (limits.idle, limits.piece, limits.ending) = (idle, idle, ending)
    (limits.headerBytes, limits.headerFields) = (80 << 10, 1000)
    self.limits = limits
  }

  /// Until it is cancelled, or SIGTERM or SIGINT come. What is under way then is ended in good order, either way.
  /// - Parameter isReady: told the port, once somebody may connect; nil for a socket with a path.
  package func run(isReady: @escaping @Sendable (Int?) async -> Void) async throws {
    let router = Router(context: BasicRequestContext.self)
    routes.add(to: router.group(RouterPath(Self.path)))
    let responder = router.buildResponder()
    var logger = Logger(label: "registry")
    logger.logLevel = .critical
    let listener = HTTPListener([ListenerPlace(address.address)], limits: limits, logger: logger) { ports in
      await isReady(ports.first ?? nil)
    } respond: { [logger] request, channel in
      let context = BasicRequestContext(source: .init(channel: channel, logger: logger))
      return (try? await responder.respond(to: request, context: context)) ?? Response(status: .internalServerError)
    }
    let group = ServiceGroup(
      configuration: .init(services: [listener], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    let running = Task { try await group.run() }
    try await withTaskCancellationHandler {
      try await running.value
    } onCancel: {
      Task { await group.triggerGracefulShutdown() }
    }
  }
}
