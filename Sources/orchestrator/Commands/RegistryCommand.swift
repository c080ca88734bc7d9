import ArgumentParser
import HTTPAPI
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator registry …`
struct RegistryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry", abstract: "Offers a registry of plugins to others.",
    subcommands: [RegistryServeCommand.self, RegistryTokenCommand.self])
}

/// Where a registry lies.
struct RegistryDirectoryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the registry lies. It is made where it is missing.", valueName: "directory"))
  var directory: String

  /// Of those who may publish.
  static let tokensName = "tokens"
}

/// `orchestrator registry serve`
struct RegistryServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Offers the registry in a directory, until it is interrupted.",
    discussion: """
      Everybody who reaches it may search and fetch; who has a token may publish. It listens on this host alone and speaks no TLS: for \
      others, put a proxy in front that does. Its address is what it listens at, and /\(RegistryServer.path).

      Example:
        orchestrator registry token alice --directory /srv/registry --out alice.token
        orchestrator registry serve --directory /srv/registry --listen 127.0.0.1:5000
      """)

  @OptionGroup var place: RegistryDirectoryOptions
  @Option(help: ArgumentHelp("Where to listen: \(ListenAddress.grammar).", valueName: "address"))
  var listen: String = "127.0.0.1:5000"
  @Option(help: ArgumentHelp("The largest package that is taken, in MiB.", valueName: "size"))
  var maxPackageMb: Int = RegistryLimits.usualPackageBytes >> 20

  func run() async throws {
    let bootstrap = try Bootstrap()
    let address = try await asking { () throws(Diagnostic) in try ListenAddress(listen) }
    var limits = RegistryLimits()
    guard (1...limits.packageBytes >> 20).contains(maxPackageMb) else {
      throw CommandFailure(
        .invalidInput, "--max-package-mb is not from 1 to \(limits.packageBytes >> 20)")
    }
    limits.packageBytes = maxPackageMb << 20
    let directory = place.directory
    do {
      let store = try await StoredRegistry(directory: directory, on: bootstrap.files, limits: limits) {
        await bootstrap.report([Diagnostic($0, severity: .warning)])
      }
      let routes = RegistryRoutes(store: store, settings: RegistryRoutes.Settings(limits: limits)) { token in
        await bootstrap.publisher(of: token, directory)
      } report: {
        await bootstrap.report([Diagnostic("a request failed", why: $0)])
      }
      try await RegistryServer(routes, at: address).run { port in
        let shown =
          if let port { "http://\(address.address.with(port: port))/\(RegistryServer.path)" } else {
            address.description
          }
        await bootstrap.console.print("the registry in \(directory) is offered at \(shown)")
      }
    } catch let diagnostic as Diagnostic {
      throw CommandFailure(.invalidInput, [diagnostic])
    } catch {
      throw CommandFailure(
        .invalidInput, "the registry in \(directory) can't be offered at \(address)", why: "\(error)",
        hint: "see whether something listens there, and whether this user may write to the directory")
    }
  }
}

extension Bootstrap {
  /// By the file as it is now: who is struck from it publishes nothing more.
  fileprivate func publisher(of token: BearerToken, _ directory: String) async -> PublisherName? {
    let path = "\(directory)/\(RegistryDirectoryOptions.tokensName)"
    do {
      let (bytes, status) = try await files.run { () throws(FileError) in
        try Directory(opening: directory).contents(
          RegistryDirectoryOptions.tokensName, limit: RegistryTokens.maximumBytes)
      }
      guard status.isOwn, !status.isWritableByOthers else {
        await report([Diagnostic("nobody may publish", why: "others may write to \(path)", hint: "chmod 600 \(path)")])
        return nil
      }
      return try RegistryTokens(String(decoding: bytes, as: UTF8.self)).publisher(
        ContentDigest(sha256: token.secret.utf8))
    } catch let line as RegistryTokens.Line {
      await report([Diagnostic("nobody may publish", why: "line \(line.number) of \(path) is no token's")])
    } catch let error as FileError where error.isAbsence {
      return nil
    } catch {
      await report([Diagnostic("nobody may publish", why: "\(error)")])
    }
    return nil
  }
}

/// `orchestrator registry token`
struct RegistryTokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Makes a token by which somebody may publish, and prints it once.",
    discussion: """
      The registry keeps only its SHA-256, in the file \(RegistryDirectoryOptions.tokensName) of its directory: a line for each. Who \
      removes the line takes the token back, at once.
      """)

  @Argument(help: "Whose it is.") var publisher: String
  @OptionGroup var place: RegistryDirectoryOptions
  @Option(
    help: ArgumentHelp("Write it to this new file, which only you may read, instead of printing it.", valueName: "file")
  )
  var out: String?

  func run() async throws {
    let bootstrap = try Bootstrap()
    guard let name = PublisherName(publisher) else {
      throw CommandFailure(
        .invalidInput, "\(publisher.quoted) is not the name of a publisher", hint: "use \(PublisherName.grammar)")
    }
    let text: String
    do {
      text = try await bootstrap.files.run { [directory = place.directory, out] in
        _ = try Directory(making: directory, permissions: 0o700)
        let text = BearerToken.prefix + (try RandomBytes.hexadecimal(32))
        let file = try LockedFile("\(directory)/\(RegistryDirectoryOptions.tokensName)")
        // Nobody could publish by a file of which one line is none.
        let before = String(decoding: try file.contents(limit: RegistryTokens.maximumBytes), as: UTF8.self)
        _ = try RegistryTokens(before)
        if let out {
          let target = try PackageTarget(out)
          try target.directory.create(target.name, Array("\(text)\n".utf8), permissions: 0o600)
        }
        // An editor may have left the last line without its end.
        let start = before.isEmpty || before.hasSuffix("\n") ? "" : "\n"
        try file.append(start + RegistryTokens.line(name, ContentDigest(sha256: text.utf8)))
        return text
      }
    } catch let line as RegistryTokens.Line {
      throw CommandFailure(
        .invalidInput, "no token can be made in \(place.directory)",
        why: "line \(line.number) of \(place.directory)/\(RegistryDirectoryOptions.tokensName) is no token's",
        hint: "remove that line")
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    } catch {
      throw CommandFailure(.invalidInput, "no token can be made in \(place.directory)", why: "\(error)")
    }
    if out == nil { await bootstrap.console.print(text) }
  }
}
