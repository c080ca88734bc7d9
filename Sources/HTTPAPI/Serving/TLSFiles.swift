import LinuxSystem
import NIOSSL
import PluginModel

/// The certificate and key of a server, from files. A connection has those that there were when it began.
package final class TLSFiles: Sendable {
  /// Why they can't be used.
  package struct Problem: Error, Hashable, Sendable {
    package var why: String
  }

  private let certificate: String
  private let key: String
  private let current: Lock<NIOSSLContext>

  /// - Parameters:
  ///   - certificate: with those that vouch for it behind it, as PEM.
  ///   - key: as PEM.
  package init(certificate: String, key: String) throws(Problem) {
    self.certificate = certificate
    self.key = key
    current = Lock(try Self.read(certificate, key))
  }

  package var context: NIOSSLContext { current.withLock { $0 } }

  /// Blocks.
  /// - Throws: why the new ones can't be used; those before stay.
  package func reload() throws(Problem) {
    let context = try Self.read(certificate, key)
    current.withLock { $0 = context }
  }

  /// Changes when one of the files does. Blocks.
  package var stamp: [String] {
    [certificate, key].map { path in
      guard let resolved = ProcessEnvironment.resolve(path).flatMap({ AbsolutePath($0) }), let parent = resolved.parent,
        let status = try? Directory(opening: parent.text).status(resolved.lastComponent)
      else { return "\(path) is absent" }
      return "\(resolved) \(status.size) \(status.modified)"
    }
  }

  private static func read(_ certificate: String, _ key: String) throws(Problem) -> NIOSSLContext {
    do {
      let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
      guard !chain.isEmpty else { throw Problem(why: "\(certificate) holds no certificate") }
      let privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain, privateKey: .privateKey(privateKey))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      return try NIOSSLContext(configuration: configuration)
    } catch let problem as Problem {
      throw problem
    } catch {
      throw Problem(why: "\(certificate) and \(key) can't be used together: \(error)")
    }
  }
}
