import CFuzzer
import PluginModel

/// The structure, the index and the signatures of a package, and `.pluginignore`.
///
/// Whatever the bytes: they are refused with a reason, or every byte of them has one meaning, no path leads out of the package, and an index
/// is written as it was read.
@main
enum FuzzPackage {
  static func main() {
    _ = run_fuzzer(CommandLine.argc, CommandLine.unsafeArgv) { data, size in
      FuzzPackage.one(Array(UnsafeBufferPointer(start: data, count: size)))
      return 0
    }
  }

  static func one(_ bytes: [UInt8]) {
    do throws(PackageFlaw) {
      let archive = try PackageArchive(byteCount: bytes.count) { (offset, count) throws(PackageFlaw) in
        guard offset >= 0, count >= 0, offset + count <= bytes.count else {
          fatalError("\(count) bytes at \(offset) of \(bytes.count) were asked for")
        }
        return Array(bytes[offset..<offset + count])
      }
      check(archive, bytes)
    } catch {
      guard error.diagnostic(of: "a.zip").why?.isEmpty == false else { fatalError("refused without a word") }
    }
    index(bytes)
    if let signatures = try? PackageSignatures(bytes), signatures.bytes != bytes {
      fatalError("signatures that can be written in two ways")
    }
    var rules = IgnoreRules(package: PluginName(unchecked: "sample"))
    if (try? rules.add(bytes, file: ".pluginignore")) != nil {
      _ = rules.ignores("src/a/b/plugin.py", isDirectory: false)
    }
  }

  private static func check(_ archive: PackageArchive, _ bytes: [UInt8]) {
    var end = 0
    var spellings: Set<String> = []
    for member in archive.members {
      guard member.place.lowerBound >= end + 30, member.place.upperBound <= bytes.count else {
        fatalError("members overlap, or lie outside of the file")
      }
      end = member.place.upperBound
      let path = member.path.text
      guard !path.hasPrefix("/"), !path.split(separator: "/").contains(".."), !path.utf8.contains(0),
        spellings.insert(path.lowercased()).inserted
      else { fatalError("a path that leads elsewhere, or twice to one place: \(path)") }
    }
    guard archive.files.reduce(0, { $0 + $1.size }) <= PackageLimits().totalSize else { fatalError("too large") }
    index(Array(bytes[archive.index.place]))
    _ = try? PackageSignatures(Array(bytes[archive.signatures.place]))
  }

  private static func index(_ bytes: [UInt8]) {
    do throws(PackageIndex.Flaw) {
      guard try PackageIndex(bytes).bytes == bytes else { fatalError("an index that can be written in two ways") }
    } catch {
      guard !error.description.isEmpty else { fatalError("refused without a word") }
    }
  }
}
