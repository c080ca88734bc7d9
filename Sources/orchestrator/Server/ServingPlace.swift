import HTTPAPI
import LinuxSystem
import PluginModel

/// Where a server listens: at an address that it takes itself, or on a socket that its service manager made.
struct ServingPlace: Sendable {
  var address: ServingAddress
  /// Nil: the address is still to be taken.
  var socket: PassedSocket?

  /// A socket that was handed over goes to the listener.
  var listener: ListenerPlace {
    guard let socket else { return ListenerPlace(address) }
    let isPath = if case .path = address { true } else { false }
    return .inherited(socket.descriptor.release(), isPath: isPath)
  }
}

/// What a service manager left to this process.
struct ServiceInheritance: Sendable {
  var notices: ServiceNoticeAddress?
  var watchdog: Duration?
  var sockets: [ServingPlace] = []

  /// To be called before anything is started, which would have the sockets too.
  static func take() throws(CommandFailure) -> ServiceInheritance {
    var variables: [String: String] = [:]
    for name in ServiceVariables.names { variables[name] = ProcessEnvironment.variable(name) }
    let given: ServiceVariables
    do throws(Diagnostic) {
      given = try ServiceVariables(variables, process: currentProcessIdentifier())
    } catch {
      throw CommandFailure(.invalidInput, [error])
    }
    // All are taken over before any is refused.
    let taken = given.sockets.map { socket in
      (socket: socket, passed: Result { () throws(SystemError) in try PassedSocket(taking: socket.number) })
    }
    var places: [ServingPlace] = []
    var problems: [Diagnostic] = []
    for (socket, passed) in taken {
      do throws(Diagnostic) { places.append(try place(socket, passed)) } catch { problems.append(error) }
    }
    guard problems.isEmpty else { throw CommandFailure(.invalidInput, problems) }
    return ServiceInheritance(notices: given.notices, watchdog: given.watchdog, sockets: places)
  }

  private static func place(
    _ socket: ServiceVariables.Socket, _ passed: Result<PassedSocket, SystemError>
  ) throws(Diagnostic) -> ServingPlace {
    func refusal(_ why: String, _ hint: String) -> Diagnostic {
      Diagnostic("the server can't listen on \(socket.words)", why: why, hint: hint)
    }
    let found: PassedSocket
    switch passed {
    case .success(let socket): found = socket
    case .failure(let error): throw refusal("\(error)", "hand over sockets alone: ListenStream= of systemd.socket(5)")
    }
    guard found.isStream else { throw refusal("it takes no streams", "use ListenStream=") }
    guard found.isListening else {
      throw refusal("it is a connection, or takes none", "use ListenStream= with Accept=no")
    }
    switch found.kind {
    case .internet(let address): return ServingPlace(address: ServingAddress(address), socket: found)
    case .unix(let path):
      guard let text = String(validating: path, as: UTF8.self), let path = AbsolutePath(text) else {
        throw refusal(
          "it has no path in the file system, whose permissions would say who may connect",
          "use ListenStream= with a path, such as /run/orchestrator.sock")
      }
      return ServingPlace(address: .path(path), socket: found)
    case .other:
      throw refusal("it is of another family than IPv4, IPv6 and AF_UNIX", "use ListenStream= with one of these")
    }
  }
}

extension ServingAddress {
  fileprivate init(_ socket: SocketAddress) {
    func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    let address: NetworkAddress =
      socket.bytes.count == 4
      ? .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: number(socket.bytes))))
      : .v6(IPv6Address(high: number(socket.bytes.prefix(8)), low: number(socket.bytes.dropFirst(8))))
    self.init(address, port: Int(socket.port))
  }
}
