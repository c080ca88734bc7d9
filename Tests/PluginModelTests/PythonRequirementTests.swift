import PluginModel
import Testing

@Suite("Python requirements")
struct PythonRequirementTests {
  private static let one = String(repeating: "a", count: 64)
  private static let two = String(repeating: "b", count: 64)

  private func needs(
    _ dependencies: [String] = [], lock: String? = nil, file: String? = nil
  ) throws(Diagnostics) -> PythonRequirements? {
    let manifest = PluginManifest(
      name: PluginName(unchecked: "p"), version: SemanticVersion(1, 0, 0), author: "A", dependencies: dependencies,
      entryPoint: "plugin.py")
    return try PythonRequirements(
      of: manifest, lock: lock.map { Array($0.utf8) }, requirements: file.map { Array($0.utf8) }, directory: "p")
  }

  private func problems(_ body: () throws(Diagnostics) -> PythonRequirements?) -> [String] {
    do throws(Diagnostics) { return try body().map { ["\($0)"] } ?? [] } catch { return error.items.map(\.description) }
  }

  @Test(
    "takes what PEP 508 has",
    arguments: [
      ("numpy", "numpy"), ("NumPy>=1.20,<2", "numpy"), ("zope.interface == 5.*", "zope-interface"),
      ("a_b[extra-one,two]>=1", "a-b"), ("x; python_version < \"3.11\"", "x"), ("x(>=1)", "x"), ("x~=1.4.2", "x"),
      ("x!=2", "x"), ("x ===1.0", "x"),
    ])
  func accepted(_ text: String, _ name: String) throws {
    let requirement = try PythonRequirement(text)
    #expect(requirement.name == name && requirement.text == text)
  }

  @Test(
    "refuses what pip would take for an option, a file or an address",
    arguments: [
      "", "-e .", "--index-url=https://x", "x @ https://evil.example/x.whl", "x[a] @ file:///x", "./x", "/x", "x --pre",
      "x>=1 --config-settings=a=b", "x>=1 -e .", "https://evil.example/x.whl", "x y", "x\u{0}", "x\u{202E}",
      "x[a b;c]>1",
      "x[a", "birch>/../../environment/birch-1.0.tar.gz", "x>=${HOME}", "x; os_name == '/x'", "x>=1:2", "é", "x/y",
      "x\\y", "x-", String(repeating: "x", count: 1025),
    ])
  func refused(_ text: String) {
    #expect(throws: Diagnostic.self) { try PythonRequirement(text) }
  }

  @Test(
    "knows when there is one version",
    arguments: [
      ("x==1.2", "1.2"), ("x == 1.2+local", "1.2+local"), ("x[a]==1!2.0", "1!2.0"),
      ("x==1.2 ; os_name == 'posix'", "1.2"),
      ("x===1.2", "1.2"), ("x==1.*", nil), ("x>=1", nil), ("x==1,<2", nil), ("x", nil), ("x==", nil),
    ])
  func pinned(_ text: String, _ version: String?) throws { #expect(try PythonRequirement(text).pinned == version) }

  @Test("takes the manifest's dependencies and the file's lines together, each once, in one order")
  func together() throws {
    let first = try needs(["b>=1", "plugin:other>=1", "a"], file: "# comment\n\na # why\nc>=1 \\\n   ,<2\r\n")
    let second = try needs(["a", "b>=1"], file: "c>=1 ,<2\nb>=1\n")
    #expect(first == second && first?.needs == "a\nb>=1\nc>=1 ,<2\n")
    #expect(try needs(["plugin:other"]) == nil)
    #expect(try needs(file: "# nothing\n") == nil)
  }

  @Test("a lock counts in place of everything else, and names every package in one version with hashes")
  func locked() throws {
    let text = "b==2 --hash=sha256:\(Self.two) \\\n  --hash=sha256:\(Self.one)\na==1 --hash=sha256:\(Self.one)\n"
    let found = try needs(["A>=1"], lock: text, file: "z\n")
    #expect(
      found?.needs
        == "a==1 --hash=sha256:\(Self.one)\nb==2 --hash=sha256:\(Self.one) --hash=sha256:\(Self.two)\n")
    // A requirements.txt with hashes is one as well.
    #expect(try needs(["a>=1"], file: text) == found)
    guard case .locked(let lock)? = found else { return #expect(Bool(false)) }
    #expect(try PythonLock(text: Array(lock.text.utf8), file: "x") == lock)
    #expect(lock.packages == ["a 1", "b 2"])
  }

  @Test("refuses a lock that leaves something open, with the line")
  func open() {
    let hash = "--hash=sha256:\(Self.one)"
    #expect(
      problems { () throws(Diagnostics) in try needs(lock: "a==1 \(hash)\nb==2\n") }.first?.contains(
        "p/requirements.lock:2:1") == true)
    #expect(
      problems { () throws(Diagnostics) in try needs(lock: "a>=1 \(hash)\n") }.first?.contains("more than one version")
        == true)
    #expect(problems { () throws(Diagnostics) in try needs(lock: "") }.first?.contains("locks nothing") == true)
    #expect(
      problems { () throws(Diagnostics) in try needs(["c"], lock: "a==1 \(hash)\n") }.first?.contains("'c' is among")
        == true)
    #expect(
      problems { () throws(Diagnostics) in try needs(file: "a==1 --hash=md5:00\n") }.first?.contains("is not a hash")
        == true)
    #expect(
      problems { () throws(Diagnostics) in try needs(file: "a==1 --hash=sha256:\(Self.one.uppercased())\n") }.first?
        .contains("is not a hash") == true)
    #expect(
      problems { () throws(Diagnostics) in try needs(file: "a==1 \\") }.first?.contains("the last line goes on") == true
    )
    #expect(problems { () throws(Diagnostics) in try needs(file: "a\u{FFFE}\n-r x\n") }.count == 2)
  }
}
