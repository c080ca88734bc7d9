import AsyncHTTPClient
import LinuxSystem
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PluginModel

/// What came isn't what was asked for.
struct Unacceptable: Error {
  var why: String
}

/// The whole took too long.
struct TooSlow: Error {
  var limit: Duration
}

extension RegistryClient {
  static func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    guard condition else { throw Unacceptable(why: why()) }
  }

  static func unreadable(_ doing: String, _ error: Diagnostics) -> Diagnostic {
    let first = error.items.first
    let why = [first?.what, first?.why].compactMap(\.self).joined(separator: ": ")
    return Diagnostic(
      doing, why: "its answer isn't that of a registry: \(why)", hint: "look at plugins.registry.url")
  }

  /// Ends `work` where it takes longer than `limit`, and says in words what became of it.
  func told<Success: Sendable>(
    _ doing: String, within limit: Duration, _ work: @escaping @Sendable () async throws -> Success
  ) async throws(Diagnostic) -> Success {
    do {
      return try await withThrowingTaskGroup(of: Success.self) { group in
        group.addTask { try await work() }
        group.addTask {
          try await Task.sleep(for: limit)
          throw TooSlow(limit: limit)
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
      }
    } catch {
      throw Self.diagnostic(doing, error)
    }
  }

  private static func diagnostic(_ doing: String, _ error: any Error) -> Diagnostic {
    switch error {
    case let problem as RegistryProblem: problem.diagnostic(doing)
    case let problem as Diagnostic: Diagnostic(doing, why: problem.what, hint: problem.hint)
    case let detour as RegistryAddress.Detour:
      Diagnostic(doing, why: "the registry sends \(detour.words)", hint: "look at plugins.registry.url")
    case let unacceptable as Unacceptable: Diagnostic(doing, why: unacceptable.why)
    case let slow as TooSlow:
      Diagnostic(doing, why: "it took longer than \(slow.limit.components.seconds) s", hint: again)
    case is CancellationError: Diagnostic(doing, why: "it was interrupted")
    case let system as SystemError: Diagnostic(doing, why: system.description)
    default: connection(doing, error)
    }
  }

  private static func connection(_ doing: String, _ error: any Error) -> Diagnostic {
    let look = "look at plugins.registry.url"
    let shown = UntrustedBytes("\(error)").text
    switch error {
    case let error as HTTPClientError:
      switch error {
      case .connectTimeout, .getConnectionFromPoolTimeout:
        return Diagnostic(doing, why: "nothing answers there", hint: look)
      case .readTimeout, .writeTimeout, .deadlineExceeded:
        return Diagnostic(doing, why: "the registry stopped answering", hint: again)
      case .tlsHandshakeTimeout: return Diagnostic(doing, why: "what answers there doesn't speak TLS", hint: look)
      case .remoteConnectionClosed, .uncleanShutdown: return cut(doing)
      default: return Diagnostic(doing, why: shown)
      }
    case is HTTPParserError, is ChannelError: return cut(doing)
    case is NIOConnectionError, is IOError:
      return Diagnostic(doing, why: "there is no connection: \(shown)", hint: look)
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
      return Diagnostic(
        doing, why: "its certificate or its TLS isn't accepted: \(shown)",
        hint: "a certificate that the system doesn't trust is named in plugins.registry.ca_file")
    default: return Diagnostic(doing, why: shown)
    }
  }

  /// The hint where nothing is known of what became of it.
  static let again = "try again later"

  private static func cut(_ doing: String) -> Diagnostic {
    Diagnostic(doing, why: "the connection ended before all of a right answer came", hint: again)
  }
}
