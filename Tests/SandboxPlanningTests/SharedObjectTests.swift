import Foundation
import PluginModel
import Testing

@testable import SandboxPlanning

@Suite("A shared library's name")
struct SharedObjectTests {
  private static func soname(_ bytes: [UInt8]) -> String? {
    SharedObject.soname { offset, count in
      guard offset <= UInt64(bytes.count) else { return [] }
      return Array(bytes[Int(offset)...].prefix(count))
    }
  }

  private static func library() throws -> [UInt8] {
    let triplet = "\(HostFacts.Architecture.current)-linux-gnu"
    return [UInt8](try Data(contentsOf: URL(filePath: "/usr/lib/\(triplet)/liblzma.so.5")))
  }

  @Test("is the one that its linker wrote")
  func real() throws {
    #expect(Self.soname(try Self.library()) == "liblzma.so.5")
    #expect(Self.soname([UInt8](try Data(contentsOf: URL(filePath: "/usr/bin/true")))) == nil)
  }

  @Test("is none in a broken file, which never traps")
  func hostile() throws {
    let whole = try Self.library()
    var random = SplitMix64(seed: 20_261_126)
    for _ in 0..<500 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...16, using: &random) {
        bytes[Int.random(in: 0..<1024, using: &random)] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
      }
      _ = Self.soname(bytes)
    }
    for length in [0, 63, 64, 200, 4000] { #expect(Self.soname(Array(whole.prefix(length))) == nil) }
  }
}

extension HostFacts.Architecture {
  #if arch(x86_64)
    static let current = HostFacts.Architecture.x86_64
  #else
    static let current = HostFacts.Architecture.aarch64
  #endif
}
