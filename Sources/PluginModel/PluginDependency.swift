/// One line of a manifest's `dependencies`.
package enum PluginDependency: Hashable, Sendable {
  /// `plugin:files>=1.0,<2`: another plugin that has to be there. Without a range any version will do.
  case plugin(PluginName, VersionRange?)
  /// `numpy>=1.20`: a Python package, as PEP 508 writes it.
  case python(String)

  package static let pluginPrefix = "plugin:"

  /// - Throws: why it is neither.
  package init(_ text: String) throws(Diagnostic) {
    let what = "\(text.quoted) is not a dependency"
    guard text.hasPrefix(Self.pluginPrefix) else {
      // A line that begins otherwise would be an option of pip's, or a place to install from.
      guard let first = text.utf8.first, first.isLetterOrDigit, text.isEachByte({ (0x20..<0x7F).contains($0) }) else {
        throw Diagnostic(
          what, why: "it doesn't begin with the name of a Python package",
          hint: "write a requirement, for example 'numpy>=1.20', or another plugin, for example 'plugin:files>=1.0'")
      }
      self = .python(text)
      return
    }
    let rest = text.dropFirst(Self.pluginPrefix.utf8.count).drop { $0 == " " }
    let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    let range = rest.dropFirst(name.count).drop { $0 == " " }
    guard let plugin = PluginName(String(name)) else {
      throw Diagnostic(what, why: "\(String(name).quoted) is not a plugin name", hint: "use \(PluginName.grammar)")
    }
    guard !range.isEmpty else {
      self = .plugin(plugin, nil)
      return
    }
    guard let versions = VersionRange(String(range)) else {
      throw Diagnostic(
        what, why: "\(String(range).quoted) is not a range of versions", hint: "use \(VersionRange.grammar)")
    }
    self = .plugin(plugin, versions)
  }
}

extension UInt8 {
  var isLetterOrDigit: Bool {
    (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
  }
}

extension PluginDependency {
  /// Those of a manifest's `dependencies` that are other plugins.
  static func plugins(in dependencies: [String]) -> [(name: PluginName, range: VersionRange?)] {
    dependencies.compactMap { text in
      if case .plugin(let name, let range)? = try? PluginDependency(text) { (name, range) } else { nil }
    }
  }
}

extension PluginManifest {
  /// The other plugins that it needs.
  package var requiredPlugins: [(name: PluginName, range: VersionRange?)] { PluginDependency.plugins(in: dependencies) }

  /// The Python packages that it needs.
  package var requirements: [String] {
    dependencies.compactMap { text in
      if case .python(let requirement)? = try? PluginDependency(text) { requirement } else { nil }
    }
  }
}
