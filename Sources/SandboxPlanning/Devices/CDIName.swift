import PluginModel

/// The vendor and class of a kind of device in the Container Device Interface: `nvidia.com/gpu`.
package struct CDIKind: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "CDI kind"
  package static let grammar = "vendor/class, for example 'nvidia.com/gpu'"
  package static func accepts(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, text.utf8.count <= 253 else { return false }
    return CDIGrammar.isLabel(parts[0], first: CDIGrammar.isLetter, inner: [.dot, .hyphen, .underscore])
      && CDIGrammar.isLabel(parts[1], first: CDIGrammar.isLetter, inner: [.dot, .hyphen, .underscore])
  }
}

/// The name of one device of a kind: `0`, `GPU-5a1b…`, `1:0`.
package struct CDIDeviceName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "CDI device name"
  package static let grammar = "letters, digits, '_', '-', '.' and ':', with a letter or a digit at both ends"
  package static func accepts(_ text: String) -> Bool {
    text.utf8.count <= 253
      && CDIGrammar.isLabel(text[...], first: CDIGrammar.isAlphanumeric, inner: [.dot, .hyphen, .underscore, .colon])
  }
}

extension CDIDeviceName {
  /// Of an instance of a divided GPU, as NVIDIA's tools name them: `0:1`, `mig0:1`, `MIG-5a1b…`.
  package var namesInstance: Bool {
    if text.hasPrefix("MIG-") { return true }
    let numbers = text.trimmingPrefix("mig").split(separator: ":", omittingEmptySubsequences: false)
    return numbers.count > 1 && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
  }
}

/// One device, named in full: `nvidia.com/gpu=0`.
package struct CDIDeviceReference: Hashable, Comparable, Sendable, CustomStringConvertible {
  package var kind: CDIKind
  package var device: CDIDeviceName

  package init(kind: CDIKind, device: CDIDeviceName) {
    self.kind = kind
    self.device = device
  }

  /// Nil for anything that isn't `vendor/class=name`.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let kind = CDIKind(String(parts[0])), let device = CDIDeviceName(String(parts[1])) else {
      return nil
    }
    self.init(kind: kind, device: device)
  }

  package var description: String { "\(kind)=\(device)" }
  package static func < (left: Self, right: Self) -> Bool { (left.kind, left.device) < (right.kind, right.device) }
}

private enum CDIGrammar {
  enum Inner: UInt8 {
    case hyphen = 0x2D
    case dot = 0x2E
    case colon = 0x3A
    case underscore = 0x5F
  }

  static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
  static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || (0x30...0x39).contains(byte) }

  static func isLabel(_ text: Substring, first: (UInt8) -> Bool, inner: [Inner]) -> Bool {
    let bytes = text.utf8
    guard let start = bytes.first, let end = bytes.last, first(start), isAlphanumeric(end) else { return false }
    return bytes.allSatisfy { byte in isAlphanumeric(byte) || inner.contains { $0.rawValue == byte } }
  }
}
