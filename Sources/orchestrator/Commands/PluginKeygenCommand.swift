import ArgumentParser
import LinuxSystem
import PluginModel
import PluginRegistry

/// `orchestrator plugin keygen`
struct PluginKeygenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keygen", abstract: "Makes a key to sign packages with.",
    discussion: """
      The private key (Ed25519, PKCS #8 in PEM) is for you alone: whoever has it can sign in your name. The public one, \
      beside it in FILE.pub, goes to whoever is to trust you: into plugins.security.trust.keys of plugin_system.yaml. Nothing \
      that exists is overwritten.
      """)

  @Option(help: ArgumentHelp("Where to write the private key.", valueName: "file")) var out = "plugin-signing.key"

  func run() async throws {
    let bootstrap = try Bootstrap()
    guard let key = SigningKey.generate() else {
      throw CommandFailure(.invalidInput, "no key can be made", why: "the cryptographic library failed")
    }
    do {
      try await bootstrap.files.run { [out] in
        let target = try PackageTarget(out)
        try target.directory.create(target.name, Array(key.pem.utf8), permissions: 0o600)
        do {
          try target.directory.create(target.name + ".pub", Array("\(key.publicKey)\n".utf8))
        } catch {
          // Half a key is none.
          try? target.directory.remove(target.name)
          throw error
        }
      }
    } catch let problem as Diagnostic {
      throw CommandFailure(.invalidInput, [problem])
    } catch {
      throw CommandFailure(
        .invalidInput, "the key \(out) can't be written", why: "\(error)",
        hint: "name a file that doesn't exist with --out")
    }
    for line in [
      "\(bootstrap.console.outputStyle("✓", .good)) made the key \(key.publicKey.identifier)",
      "  private key   \(SafeText.line(out))",
      "  public key    \(key.publicKey)",
      "  trust it      plugins.security.trust.keys: [{name: NAME, public_key: \"\(key.publicKey)\", plugins: [PATTERN]}]",
    ] {
      await bootstrap.console.print(line)
    }
  }
}
