import Testing

@Suite("The repository is tidy")
struct TidyTests {
  static let gates: [Gate] = [
    .imports, .length, .text, .portable, .links, .decisions, .scripts, .noForking, .noTraps, .visibleLocks,
    .packageAccess, .noPrinting, .purity, .boundedC, .noPickle, .defences,
  ]

  @Test("holds", arguments: gates)
  func holds(_ gate: Gate) throws {
    let found = gate.violations(in: try Repository.ofThisCheckout())
    #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
  }

  @Test("the gate rejects every file that breaks its rule", arguments: gates)
  func rejects(_ gate: Gate) {
    #expect(!gate.rejects.isEmpty)
    for file in gate.rejects {
      let repository = Repository(files: gate.surroundings + [file])
      #expect(!gate.violations(file, repository).isEmpty, "accepted \(file.path): \(file.text.prefix(200))")
    }
  }

  @Test("the gate accepts what only looks like a breach", arguments: gates)
  func accepts(_ gate: Gate) {
    for file in gate.accepts {
      let repository = Repository(files: gate.surroundings + [file])
      let found = gate.violations(file, repository)
      #expect(found.isEmpty, "rejected \(file.text.prefix(200)): \(found)")
    }
  }

  @Test("the checkout is really read")
  func readsTheCheckout() throws {
    let repository = try Repository.ofThisCheckout()
    #expect(repository.contains("Package.swift"))
    #expect(repository.modules.isSuperset(of: ["PluginModel", "SandboxPlanning", "orchestrator"]))
  }

  @Test("comments and strings are told from code")
  func tellsCodeFromText() {
    let text = """
      a // b
      /* c /* d */ e */ f
      "g \\(h + "i") j" k
      #"l \\(m) \\#(n) o"# p
      \"\"\"
      q
      \"\"\" r
      """
    let code = SwiftCode.withoutCommentsAndStrings(text)
    let letters = code.filter(\.isLetter)
    #expect(letters == "afhknpr")
    #expect(code.filter(\.isNewline).count == text.filter(\.isNewline).count)
  }

  @Test("the import table has a row for every module and no row for an absent one")
  func tableIsComplete() throws {
    let repository = try Repository.ofThisCheckout()
    let listed = Set(Gate.importTable(repository).keys)
    #expect(listed.subtracting(repository.modules).subtracting(["CLinux", "CWebAssets"]).isEmpty)
    #expect(repository.modules.subtracting(listed).isEmpty)
  }
}
