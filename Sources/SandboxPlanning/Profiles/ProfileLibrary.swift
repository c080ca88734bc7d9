import PluginModel

/// The profiles and groups that were read, from which effective profiles are made. Pure: who reads the files decides which
/// are there.
package struct ProfileLibrary: Hashable, Sendable {
  /// Profiles that inherit from each other, the last one included.
  package static let maximumChain = 8

  package var groups = SystemCallGroups()
  /// Of one name, the first counts; the others are what it may inherit from under the same name.
  private var documents: [String: [ProfileDocument]] = [:]

  package init() {}

  package mutating func add(_ document: ProfileDocument) {
    documents[document.name, default: []].append(document)
  }

  /// Those of one name, in the order in which they count.
  package func documents(named name: String) -> [ProfileDocument] { documents[name] ?? [] }

  package var names: [String] { documents.keys.sorted() }

  /// - Throws: every problem of what comes of `document` and of those it inherits from.
  package func profile(from document: ProfileDocument) throws(Diagnostics) -> SecurityProfile {
    let chain = try chain(of: document)
    var resolution = ProfileResolution(groups: groups)
    for document in chain.reversed() { resolution.apply(document) }
    return try resolution.profile(chain: chain)
  }

  /// The document and those it inherits from, itself first.
  private func chain(of document: ProfileDocument) throws(Diagnostics) -> [ProfileDocument] {
    var chain = [document]
    var last = document
    while let parent = last.inherits {
      let names = (chain.map(\.name) + [parent.value]).joined(separator: " → ")
      guard let next = next(after: last, named: parent.value) else {
        throw Diagnostics([
          Diagnostic(
            "there is no profile \(parent.value.quoted) to inherit from",
            why: parent.value == last.name
              ? "a profile that inherits its own name stands for the one that it hides" : nil,
            hint: Suggestion.hint(for: parent.value, among: self.names.filter { $0 != last.name }), at: parent.location)
        ])
      }
      guard !chain.contains(where: { $0.file == next.file }) else {
        throw Diagnostics([
          Diagnostic(
            "the profile \(document.name.quoted) inherits from itself", why: names,
            hint: "let one of them inherit from none of the others", at: parent.location)
        ])
      }
      guard chain.count < Self.maximumChain else {
        throw Diagnostics([
          Diagnostic(
            "the profile \(document.name.quoted) inherits through more than \(Self.maximumChain) files", why: names,
            hint: "join some of them", at: parent.location)
        ])
      }
      chain.append(next)
      last = next
    }
    return chain
  }

  /// Nil: there is none.
  private func next(after document: ProfileDocument, named name: String) -> ProfileDocument? {
    let candidates = documents(named: name)
    guard name == document.name, let own = candidates.firstIndex(where: { $0.file == document.file }) else {
      return candidates.first
    }
    return own + 1 < candidates.count ? candidates[own + 1] : nil
  }
}

extension SecurityProfile {
  /// A profile that stands alone, without groups.
  /// - Throws: every problem of the file.
  package init(yaml bytes: [UInt8], file: String) throws(Diagnostics) {
    self = try ProfileLibrary().profile(from: ProfileDocument(yaml: bytes, file: file))
  }
}
