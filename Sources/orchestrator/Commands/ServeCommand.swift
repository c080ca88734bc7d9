import ArgumentParser
import HTTPAPI
import LinuxSystem
import PluginModel
import Telemetry

/// `orchestrator serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Offers everything that the program can do over HTTP.",
    discussion: """
      Plugins, workflows, runs and their events, artifacts, and what the host has left: see /openapi.json. Runs are written down \
      before they are accepted, and one that was cut off by the end of the server is gone on with by the next.

      Who asks needs a token: orchestrator token create. Where there is none, a first one is made and shown once. It listens on this \
      host alone unless it is told otherwise, and on an address that others reach only with a certificate, or behind a proxy that has one.

      Signals: SIGHUP reads configuration, plugins and certificate again. SIGTERM and SIGINT end it in good order: no run is accepted \
      any more, those that there are have --shutdown-timeout to end, and the others are gone on with at the next start.
      """)

  @Option(
    help: ArgumentHelp(
      "Where to listen: ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH. May be repeated. Default: 127.0.0.1:8080.",
      discussion:
        "Port 0 takes any that is free. Sockets that systemd hands over are used beside these, in place of the default.",
      valueName: "address"))
  var listen: [String] = []
  @Option(
    help: ArgumentHelp(
      "The mode of a socket with a path, in octal: who may write to it may connect.", valueName: "mode"))
  var socketMode = "660"
  @Option(
    help: ArgumentHelp(
      "The certificate, with those that vouch for it behind it, as PEM. Read again when it changes.", valueName: "file")
  )
  var tlsCertificate: String?
  @Option(help: ArgumentHelp("The certificate's key, as PEM.", valueName: "file")) var tlsKey: String?
  @Flag(
    help: ArgumentHelp(
      "Listen without encryption where others reach it.",
      discussion:
        "Only behind a proxy that speaks TLS, on a network that nobody else listens to. Who asks too often is then told apart by the "
        + "last address of X-Forwarded-For, which the proxy has to set."))
  var behindProxy = false
  @Option(
    help: ArgumentHelp(
      "A name that it is asked by, as the Host field has it. May be repeated.",
      discussion: "Beside localhost, and the addresses that it listens at.", valueName: "name"))
  var allowedHost: [String] = []
  @Option(
    help: ArgumentHelp(
      "Where there is no token yet, the first is the one in this file, in place of one that is made and shown.",
      discussion: "For what hands over secrets in files. It may do everything.", valueName: "file"))
  var firstToken: String?
  @Flag(help: "Ask nobody for a token: whoever can connect may do everything. On this host alone.") var noTokens = false
  @Option(help: ArgumentHelp("How many nodes run at the same time. Default: one a processor.", valueName: "number"))
  var jobs: Int?
  @Option(help: ArgumentHelp("How many runs may be under way at the same time.", valueName: "number"))
  var maxRuns: Int = 256
  @Option(
    help: ArgumentHelp("How long runs have to end when the server is to end: 30s, 10m.", valueName: "duration"))
  var shutdownTimeout = "10s"
  @Option(
    help: ArgumentHelp(
      "How many requests a token may make a second, five times as many at once. 0: as many as it likes.",
      valueName: "number"))
  var rateLimit: Int = 200
  @Option(
    help: ArgumentHelp("How long a file that was sent is kept while no run takes it: 1h, 7d.", valueName: "duration"))
  var uploadLifetime = "24h"
  @Option(help: "How to write the log, which is on standard error: text, or json (one object a line).")
  var logFormat: ServiceLog.Format = .text
  @OptionGroup var secrets: SecretOptions
  @OptionGroup var sandbox: SandboxOptions
  @OptionGroup var system: SystemOptions
  @OptionGroup var plugins: PluginOptions
  @OptionGroup var state: StateOptions

  func validate() throws {
    if let jobs, jobs < 1 || jobs > 1024 { throw ValidationError("--jobs must be from 1 to 1024.") }
    if maxRuns < 1 || maxRuns > 10_000 { throw ValidationError("--max-runs must be from 1 to 10000.") }
    if rateLimit < 0 || rateLimit > 1_000_000 { throw ValidationError("--rate-limit must be from 0 to 1000000.") }
    if Quantity.duration(shutdownTimeout) == nil {
      throw ValidationError(
        "--shutdown-timeout \(shutdownTimeout) is not a duration: write a whole number above 0 and one of ms, s, m, h, d."
      )
    }
    if Quantity.duration(uploadLifetime) == nil {
      throw ValidationError(
        "--upload-lifetime \(uploadLifetime) is not a duration: write a whole number above 0 and one of ms, s, m, h, d."
      )
    }
    if socketPermissions == nil {
      throw ValidationError("--socket-mode \(socketMode) is not a mode from 600 to 777.")
    }
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key belong together.")
    }
    if noTokens, firstToken != nil { throw ValidationError("--no-tokens and --first-token exclude each other.") }
  }

  /// Its owner may connect, whatever it says of others.
  var socketPermissions: UInt32? {
    UInt32(socketMode, radix: 8).flatMap { (0o600...0o777).contains($0) ? $0 : nil }
  }

  func run() async throws {
    let inheritance = try ServiceInheritance.take()
    try await ServerProgram(command: self, bootstrap: try Bootstrap(), inheritance: inheritance).run()
  }
}

extension ServiceLog.Format: ExpressibleByArgument {}
