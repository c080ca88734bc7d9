/// Which files of a plugin's directory are no part of its package: the patterns of `.pluginignore`, a subset of gitignore(5), behind those
/// that always hold. The last pattern that matches decides.
///
/// `#` begins a comment; `!` takes a file in again; `/` at the end means directories only, anywhere else that the pattern is for a path
/// from the top, not for a name anywhere; `*` and `?` match within a name, `**` any number of directories.
package struct IgnoreRules: Hashable, Sendable {
  package static let fileName = ".pluginignore"
  /// Bytes of the file.
  package static let fileLimit = 64 << 10
  private static let maximumCount = 1000
  private static let maximumLength = 512

  /// What tools leave in a directory, and what a package is made of.
  package static let always = [
    ".git", ".hg", ".svn", "/.pluginignore", "__pycache__", "*.pyc", "*.pyo", ".venv/", "venv/", "node_modules/",
    ".tox/", ".nox/", ".pytest_cache/", ".mypy_cache/",
    ".ruff_cache/", "*.egg-info/", ".DS_Store", "*~", "*.swp", "*.swo", ".#*", "#*#",
  ]

  private struct Rule: Hashable, Sendable {
    var isException: Bool
    var isForDirectories: Bool
    /// Each matches one name; nil: any number of them, `**`.
    var steps: [GlobPattern?]
  }

  private var rules: [Rule] = []

  /// - Parameter package: the name of the plugin, whose packages in its own directory are no part of the next.
  package init(package name: PluginName? = nil) {
    rules = (Self.always + (name.map { ["/\($0)-*.zip"] } ?? [])).compactMap { Self.rule($0) }
  }

  /// Adds those of a `.pluginignore`.
  /// - Throws: everything that is wrong with it.
  package mutating func add(_ bytes: [UInt8], file: String) throws(Diagnostics) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Diagnostics([Diagnostic("\(file) is not UTF-8", hint: "save it as UTF-8")])
    }
    var problems: [Diagnostic] = []
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    for (position, line) in lines.enumerated() {
      var line = line
      while line.last == " " || line.last == "\t" { line.removeLast() }
      guard !line.isEmpty, line.first != "#" else { continue }
      let location = SourceLocation(file: file, line: position + 1, column: 1)
      if let problem = Self.problem(line) {
        problems.append(
          Diagnostic("the pattern \(String(line).quoted) can't be used", why: problem, hint: nil, at: location))
      } else if rules.count >= Self.maximumCount {
        problems.append(Diagnostic("there are more than \(Self.maximumCount) patterns", at: location))
        break
      } else if let rule = Self.rule(String(line)) {
        rules.append(rule)
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
  }

  private static func problem(_ line: Substring) -> String? {
    if line.utf8.count > maximumLength { return "it is longer than \(maximumLength) bytes" }
    if line.contains("[") || line.contains("\\") { return "'[' and '\\' have no meaning here: write more patterns" }
    if line.allSatisfy({ $0 == "/" || $0 == "!" }) { return "it names nothing" }
    let isOdd = line.split(separator: "/").contains { $0.contains("**") && $0 != "**" && $0 != "!**" }
    return isOdd ? "'**' stands for directories, between slashes" : nil
  }

  private static func rule(_ text: String) -> Rule? {
    var rest = text[...]
    let isException = rest.first == "!"
    if isException { rest.removeFirst() }
    let isForDirectories = rest.last == "/"
    if isForDirectories { rest.removeLast() }
    let isFromTop = rest.contains("/")
    let steps = rest.split(separator: "/").map { $0 == "**" ? nil : GlobPattern(String($0)) }
    guard !steps.isEmpty else { return nil }
    return Rule(
      isException: isException, isForDirectories: isForDirectories, steps: isFromTop ? steps : [nil] + steps)
  }

  /// Whether what lies at `path` is left out, with everything beneath it.
  /// - Parameter path: from the top, without a slash in front.
  package func ignores(_ path: String, isDirectory: Bool) -> Bool {
    let names = path.split(separator: "/").map(String.init)
    let last = rules.last { rule in
      (isDirectory || !rule.isForDirectories) && Self.matches(rule.steps[...], names[...])
    }
    return last.map { !$0.isException } ?? false
  }

  /// The directory that is left out with what lies at `path`, the path of which is given from the top; nil: none is.
  package func ignoredDirectory(above path: String) -> String? {
    let names = path.split(separator: "/")
    return names.indices.dropLast().lazy.map { names[...$0].joined(separator: "/") }
      .first { ignores($0, isDirectory: true) }
  }

  /// Only the last `**` ever has to be tried again: time grows with the product of both lengths.
  private static func matches(_ steps: ArraySlice<GlobPattern?>, _ names: ArraySlice<String>) -> Bool {
    var (step, name) = (steps.startIndex, names.startIndex)
    var retry: (step: Int, name: Int)?
    while name < names.endIndex {
      if step < steps.endIndex, steps[step] == nil {
        retry = (step + 1, name)
        step += 1
      } else if step < steps.endIndex, let pattern = steps[step], pattern.matches(names[name]) {
        step += 1
        name += 1
      } else if let last = retry {
        retry = (last.step, last.name + 1)
        (step, name) = (last.step, last.name + 1)
      } else {
        return false
      }
    }
    // `a/**` is what lies in `a`, not `a`.
    return step == steps.endIndex
  }
}

/// `*` any characters, `?` any one; everything else is itself. For single names.
package struct GlobPattern: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  private let scalars: [Unicode.Scalar]

  package init(_ text: String) {
    description = text
    scalars = Array(text.unicodeScalars)
  }

  /// In time that grows with the product of both lengths.
  package func matches(_ text: String) -> Bool {
    let text = Array(text.unicodeScalars)
    var (here, there) = (0, 0)
    var retry: (pattern: Int, text: Int)?
    while there < text.count {
      if here < scalars.count, scalars[here] == "*" {
        retry = (here + 1, there)
        here += 1
      } else if here < scalars.count, scalars[here] == "?" || scalars[here] == text[there] {
        here += 1
        there += 1
      } else if let last = retry {
        retry = (last.pattern, last.text + 1)
        (here, there) = (last.pattern, last.text + 1)
      } else {
        return false
      }
    }
    return scalars[here...].allSatisfy { $0 == "*" }
  }
}
