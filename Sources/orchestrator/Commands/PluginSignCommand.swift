import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin sign`
struct PluginSignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Adds a signature to a package.",
    discussion: """
      What is signed is the package's index: the plugin's name and version, and the path, mode, size and SHA-256 of every \
      file. The package is replaced as a whole, and its checksum changes. Every key may sign once.

      Examples:
        orchestrator plugin sign greeter-1.0.0.zip --key plugin-signing.key
      """)

  @Argument(help: "The package.") var package: String
  @Option(help: ArgumentHelp("The private key, as keygen makes it.", valueName: "file")) var key: String

  func run() async throws {
    let bootstrap = try Bootstrap()
    let signed: (key: KeyIdentifier, checksum: ContentDigest, index: PackageIndex)
    do {
      signed = try await bootstrap.files.run { [package, key] in
        let key = try Self.key(key)
        // What the name leads to is replaced, not a link.
        guard let path = ProcessEnvironment.resolve(package) else {
          throw PackageFlaw.unreadable(SystemError("open", package, .notFound).description).diagnostic(of: package)
        }
        let target = try PackageTarget(path)
        // From reading to replacing: of two who sign at one time, one would take the other's signature away.
        let lock = try Self.lock(target.directory, package)
        defer { lock.close() }
        let file = try PackageFile(opening: package)
        guard let content = try Self.content(of: file) else {
          throw Diagnostic(
            "\(package) can't be signed",
            why: "its members are compressed, and only a package as pack makes it is signed",
            hint: "sign it first: the signature holds for the compressed package too")
        }
        _ = try content.manifest(engineVersion: engineVersion)
        let permissions = (try? target.directory.status(target.name).permissions) ?? 0o644
        let written = try content.write(
          signedBy: key, as: target.name, in: target.directory, permissions: permissions & 0o777)
        return (key.publicKey.identifier, written.checksum, file.index)
      }
    } catch let problems as Diagnostics {
      throw CommandFailure(.invalidInput, problems.items)
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    }
    for line in [
      "\(bootstrap.console.outputStyle("✓", .good)) signed \(signed.index.name) \(signed.index.version) with the key \(signed.key)",
      "  checksum   \(signed.checksum)",
      "  install it orchestrator plugin install \(SafeText.line(ShellText.word(package)))",
    ] {
      await bootstrap.console.print(line)
    }
  }

  /// - Throws: where somebody has it.
  private static func lock(_ directory: Directory, _ package: String) throws(Diagnostic) -> FileDescriptor {
    do throws(SystemError) {
      return try LinuxKernel().lockDirectory(directory.path)
    } catch {
      guard error.code == .wouldBlock || error.code == .stale else {
        throw Diagnostic("\(package) can't be signed", why: error.description)
      }
      throw Diagnostic(
        "\(package) can't be signed", why: "another package in its directory is just being signed", hint: "try again")
    }
  }

  private static func content(of file: PackageFile) throws(Diagnostic) -> PackageContent? {
    do throws(PackageFlaw) { return try file.storedContent() } catch { throw error.diagnostic(of: file.path) }
  }

  /// Blocks.
  private static func key(_ path: String) throws(Diagnostic) -> SigningKey {
    let target = try PackageTarget(ProcessEnvironment.resolve(path) ?? path)
    let file: (bytes: [UInt8], status: FileStatus)
    do throws(FileError) {
      file = try target.directory.contents(target.name, limit: SigningKey.fileLimit)
    } catch {
      throw Diagnostic(
        "the key \(path) can't be read", why: error.description, hint: "make one with: orchestrator plugin keygen")
    }
    guard file.status.permissions & 0o077 == 0 else {
      throw Diagnostic(
        "the key \(path) isn't private", why: "others than its owner may read or write it",
        hint: "chmod 600 \(path); if others have read it, make a new key and revoke this one")
    }
    guard let text = String(validating: file.bytes, as: UTF8.self), let key = SigningKey(pem: text) else {
      throw Diagnostic(
        "\(path) holds no private key", why: "it isn't an Ed25519 key, PKCS #8 in PEM",
        hint: "make one with: orchestrator plugin keygen")
    }
    return key
  }
}
