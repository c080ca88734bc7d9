import LinuxSystem
import PluginModel

package enum FetchedPackages {
  /// What is in packages is unpacked into memory, all of them at one time, before any of it is installed.
  /// - Parameter maximum: bytes, of all of them.
  package static func demandRoom(for packages: [PackageFile], maximum: Int) throws(Diagnostic) {
    var left = maximum
    for package in packages {
      left -= min(left, package.memory.byteCount)
      guard package.index.totalSize <= left else {
        throw Diagnostic(
          "\(packages.map(\.path).joined(separator: ", ")) hold more than \(maximum) bytes, the most that is installed at one time",
          hint: "install what is needed before what needs it")
      }
      left -= package.index.totalSize
    }
  }
}

extension PackageFile {
  /// A package that a registry sent: whole, and the one that was asked for. Who vouches for it a ``TrustPolicy`` says.
  /// - Parameters:
  ///   - version: what the registry says of it; size and checksum were compared.
  ///   - place: for messages.
  package init(
    _ memory: SealedMemory, of name: PluginName, _ version: RegistryVersion, from place: String
  ) throws(Diagnostic) {
    let title = "\(name) \(version.version) of \(place)"
    do throws(PackageFlaw) {
      try self.init(memory, path: title)
    } catch {
      throw error.diagnostic(of: title)
    }
    let what = "\(title) is another package than the one that was asked for"
    guard index.name == name, index.version == version.version else {
      throw Diagnostic(
        what, why: "its index says \(index.name) \(index.version)", hint: "tell whoever runs the registry")
    }
    guard checksum == version.checksum, contents == version.contents else {
      throw Diagnostic(
        what, why: "its contents are \(contents), and the registry says \(version.contents)",
        hint: "tell whoever runs the registry")
    }
  }
}
