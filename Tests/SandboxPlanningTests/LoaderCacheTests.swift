import Foundation
import PluginModel
import Testing

@testable import SandboxPlanning

/// Held against the host's own ldconfig and its cache.
@Suite("The loader's cache")
struct LoaderCacheTests {
  private static func host() throws -> LoaderCache {
    try #require(LoaderCache([UInt8](Data(contentsOf: URL(filePath: "/etc/ld.so.cache")))))
  }

  /// `ldconfig -p`: each line `name (class) => path`, in the order of the file.
  private static func print(_ path: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/sbin/ldconfig")
    process.arguments = ["-p", "-C", path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(text)")
    return text.split(separator: "\n").filter { $0.contains("=>") }.map { String($0.drop { $0 == "\t" }) }
  }

  private static func print(_ cache: LoaderCache) throws -> [String] {
    let file = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID().uuidString)")
    try Data(cache.bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try print(file.path)
  }

  @Test("says what the host's own says, in its order")
  func same() throws {
    let expected = try Self.print("/etc/ld.so.cache").filter { !$0.contains("hwcap") }
    #expect(expected.count > 20)
    #expect(try Self.print(Self.host()) == expected)
  }

  @Test("has what is added before the host's own of the same name")
  func added() throws {
    let flags = LoaderCache.flags(of: .x86_64)
    let cache = try Self.host().adding([
      LoaderCache.Entry(name: "libcuda.so.1", path: "/gpu/lib/libcuda.so.550", flags: flags),
      LoaderCache.Entry(name: "libz.so.1", path: "/gpu/lib/libz.so.1", flags: flags),
    ])
    let lines = try Self.print(cache)
    #expect(lines.contains("libcuda.so.1 (libc6,x86-64) => /gpu/lib/libcuda.so.550"))
    #expect(lines.first { $0.hasPrefix("libz.so.1 ") } == "libz.so.1 (libc6,x86-64) => /gpu/lib/libz.so.1")
    #expect(LoaderCache(cache.bytes)?.hostEntries.count == lines.count)
  }

  @Test("is read or refused whatever its bytes are, and never traps")
  func hostile() throws {
    let whole = try Self.host().bytes
    var random = SplitMix64(seed: 20_261_125)
    for length in [0, 19, 47, 48, 71, 72, 100, whole.count - 1] {
      #expect(LoaderCache(Array(whole.prefix(length))) == nil)
    }
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<min(2000, bytes.count), using: &random)] = .random(in: 0...255, using: &random)
      }
      _ = LoaderCache(bytes)
    }
    #expect(LoaderCache(Array("ld.so-1.7.0\0".utf8) + whole) == nil)
  }

  @Test("orders digits by their value")
  func order() {
    let names = ["libA.so", "liba.so", "lib9.so", "lib10.so", "liba.so.2", "liba.so.10"]
    #expect(
      names.sorted { NaturalOrder.compare($0, $1) < 0 } == [
        "libA.so", "liba.so", "liba.so.2", "liba.so.10", "lib9.so", "lib10.so",
      ])
  }
}
