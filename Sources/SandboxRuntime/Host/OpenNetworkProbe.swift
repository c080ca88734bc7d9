import LinuxSystem
import PluginModel
import SandboxPlanning

/// What `network.socket` without an endpoint takes of this host: pasta(1), and the device that it makes interfaces with.
enum OpenNetworkProbe {
  private static let device = "/dev/net/tun"

  static func support() -> HostFacts.OpenNetworkSupport {
    // By this name: it is a link to passt, which tells by its name what it is to be.
    let candidates = HostInspector.binaryDirectories().map { (directory: $0, file: "\($0)/pasta") }
    guard let found = candidates.first(where: { HostProbes.isRegularFile($0.file) }),
      let program = AbsolutePath(found.file)
    else {
      return .unavailable(
        why: "pasta isn't installed, which would connect the worker", remedy: "install it: apt-get install passt")
    }
    do throws(FileError) {
      if let problem = try distrust(found.directory, found.file) {
        return .unavailable(
          why: problem.what + (problem.why.map { ": \($0)" } ?? ""), remedy: problem.hint ?? "let it belong to root")
      }
    } catch {
      return .unavailable(why: "\(error)", remedy: "install it again: apt-get install --reinstall passt")
    }
    guard HostProbes.isReadable(device), HostProbes.isWritable(device) else {
      return .unavailable(
        why: "\(program) needs \(device), which this process may not open",
        remedy: "load the module \"tun\" and let everybody use it, as udev does: chmod 666 \(device)")
    }
    return .available(program)
  }

  /// Of the directory that the name is in, the one that its link leads to, and the file.
  private static func distrust(_ directory: AbsolutePath, _ file: String) throws(FileError) -> Diagnostic? {
    let target = HostProbes.resolved(file).flatMap { AbsolutePath($0) }
    for place in Set([directory, target?.parent ?? directory]) {
      if let problem = try Directory(opening: place.text).status(".").distrust(at: place.text) { return problem }
    }
    guard let target, let parent = target.parent else { return nil }
    return try Directory(opening: parent.text).status(target.lastComponent).distrust(at: target.text)
  }

  /// The first nameserver of IPv4 that another network namespace can reach. Where a resolver of this host's own stands in
  /// resolv.conf(5), those that it asks: systemd-resolved(8) has them in a file of its own.
  static func resolver() -> IPv4Address? {
    for path in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
      guard let text = readSmallFile(path) else { continue }
      if let found = nameserver(in: text) { return found }
    }
    return nil
  }

  static func nameserver(in text: String) -> IPv4Address? {
    text.split(whereSeparator: \.isNewline).lazy.compactMap { line -> IPv4Address? in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count > 1, words[0] == "nameserver", let address = IPv4Address(words[1]) else { return nil }
      switch address.addressClass {
      case .loopback, .unspecified, .thisNetwork, .multicast, .broadcast, .reserved: return nil
      default: return address
      }
    }.first
  }
}
