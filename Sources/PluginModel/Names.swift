/// A name that was checked when it was made, so that no later code has to ask whether it is safe.
///
/// Every name in the system is untrusted text from a manifest, a workflow or a worker. None is ever used as
/// a path, a format string or markup: the grammar of each kind is stated once, in its ``pattern``.
package protocol ValidatedName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// What a diagnostic calls this kind of name, for example `plugin name`.
  static var kind: String { get }
  /// The grammar in words, for the hint of a diagnostic.
  static var grammar: String { get }
  static func accepts(_ text: String) -> Bool
  var text: String { get }
  init(unchecked text: String)
}

extension ValidatedName {
  /// Nil when `text` doesn't match the grammar.
  package init?(_ text: String) {
    guard Self.accepts(text) else { return nil }
    self.init(unchecked: text)
  }
  package var description: String { text }
  package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

private func isLowercase(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }
private func isUppercase(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }
private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

extension String {
  /// What stands before and after the first such byte, which is ASCII; nil: it isn't there. By bytes: a split by characters takes longer
  /// than the rest of reading a node.
  func halves(at separator: UInt8) -> (String, String)? {
    var text = self
    return text.withUTF8 { bytes in
      guard let place = bytes.firstIndex(of: separator) else { return nil }
      return (
        String(decoding: UnsafeBufferPointer(rebasing: bytes[..<place]), as: UTF8.self),
        String(decoding: UnsafeBufferPointer(rebasing: bytes[(place + 1)...]), as: UTF8.self)
      )
    }
  }

  /// Of its bytes where they lie, which takes a fraction of what a walk from one to the next does.
  func isEachByte(_ isAllowed: (UInt8) -> Bool) -> Bool {
    utf8.withContiguousStorageIfAvailable { $0.allSatisfy(isAllowed) } ?? utf8.allSatisfy(isAllowed)
  }
}

/// `^[A-Za-z_][A-Za-z0-9_-]{0,63}$`, the grammar of nodes, ports, parameters and node types.
private func isIdentifier(_ text: String) -> Bool {
  let bytes = text.utf8
  guard let first = bytes.first, bytes.count <= 64, isLowercase(first) || isUppercase(first) || first == 0x5F
  else { return false }
  return text.isEachByte { isLowercase($0) || isUppercase($0) || isDigit($0) || $0 == 0x5F || $0 == 0x2D }
}

/// A lower-case letter, then up to 63 of those, digits and `others`.
private func isLowercaseName(_ text: String, alsoHolding others: [UInt8]) -> Bool {
  guard let first = text.utf8.first, text.utf8.count <= 64, isLowercase(first) else { return false }
  return text.isEachByte { isLowercase($0) || isDigit($0) || others.contains($0) }
}

/// The name of a counted thing that nodes hold while they run, such as `license:matlab`: `^[a-z][a-z0-9_.:-]{0,63}$`.
package struct SemaphoreLabel: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "semaphore name"
  package static let grammar = "a lower-case letter, then up to 63 lower-case letters, digits, '_', '.', ':' or '-'"
  package static func accepts(_ text: String) -> Bool {
    isLowercaseName(text, alsoHolding: [0x5F, 0x2E, 0x3A, 0x2D])
  }
}

/// The name of a plugin: `^[a-z][a-z0-9_-]{0,63}$`. Never a path: no dot, no slash.
package struct PluginName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "plugin name"
  package static let grammar = "a lower-case letter, then up to 63 lower-case letters, digits, '_' or '-'"
  package static func accepts(_ text: String) -> Bool {
    isLowercaseName(text, alsoHolding: [0x5F, 0x2D])
  }
}

/// The name that a workflow is stored by: `^[a-z][a-z0-9_.-]{0,63}$`. It can stand in an address and be a file's name: neither a slash, nor
/// a dot in front.
package struct WorkflowName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "name of a workflow"
  package static let grammar = "a lower-case letter, then up to 63 lower-case letters, digits, '_', '.' or '-'"
  package static func accepts(_ text: String) -> Bool {
    isLowercaseName(text, alsoHolding: [0x5F, 0x2E, 0x2D])
  }
}

/// The grammar that node, port, parameter and node type names share.
private let identifierGrammar = "a letter or '_', then up to 63 letters, digits, '_' or '-'"

/// The name of a node type within its plugin.
package struct NodeTypeName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "node type"
  package static let grammar = identifierGrammar
  package static func accepts(_ text: String) -> Bool { isIdentifier(text) }
}

/// The name of a node within its workflow, of one instance of a node that has a matrix or `foreach`: `test[0]`, or of a node of another
/// workflow that a node stands for: `test[0]/build`. Nobody can write a name with brackets or a slash in a workflow, so these never clash
/// with nodes.
package struct NodeName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "node name"
  package static let grammar = identifierGrammar
  package static func accepts(_ text: String) -> Bool { isIdentifier(text) }

  /// Of the instance at `index` of the node `node`, which has a matrix or `foreach`.
  package init(instance index: Int, of node: NodeName) { text = "\(node.text)[\(index)]" }

  /// A name as a journal or a command line has it: that of a node, of an instance, or of one within another workflow. Nil for anything else.
  package init?(stored text: String) {
    guard text.utf8.contains(UInt8(ascii: "/")) else {
      self.init(step: text)
      return
    }
    let steps = text.split(separator: "/", omittingEmptySubsequences: false)
    guard steps.count <= WorkflowFiles.maximumDepth + 1, steps.allSatisfy({ NodeName(step: String($0)) != nil }) else {
      return nil
    }
    self.init(unchecked: text)
  }

  private init?(step text: String) {
    guard let open = text.utf8.firstIndex(of: UInt8(ascii: "[")) else {
      self.init(text)
      return
    }
    guard let node = NodeName(String(text[..<open])), text.utf8.last == UInt8(ascii: "]"),
      let index = Int(text[text.utf8.index(after: open)...].dropLast()),
      (0..<Workflow.maximumForeachItems).contains(index)
    else { return nil }
    self.init(instance: index, of: node)
    // One spelling only: neither a sign nor zeros before the number.
    guard self.text == text else { return nil }
  }

  /// Where the number of an instance begins: that of the node itself, not of a node around it.
  private var bracket: String.Index? {
    text.utf8.last == UInt8(ascii: "]") ? text.utf8.lastIndex(of: UInt8(ascii: "[")) : nil
  }

  /// Which instance it is, from 0; nil where it is a node as it is written.
  package var instanceIndex: Int? {
    bracket.flatMap { Int(text[text.utf8.index(after: $0)...].dropLast()) }
  }

  /// The node that this is an instance of; nil where it is a node as it is written.
  package var matrixNode: NodeName? { bracket.map { NodeName(unchecked: String(text[..<$0])) } }
}

extension Dictionary where Key == NodeName {
  /// What is known of a node, or else of the node that it is an instance of.
  package func entry(of name: NodeName) -> Value? { self[name] ?? name.matrixNode.flatMap { self[$0] } }
}

/// The name of an input or output port.
package struct PortName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "port name"
  package static let grammar = identifierGrammar
  package static func accepts(_ text: String) -> Bool { isIdentifier(text) }
}

/// The name of a parameter, of a workflow input or output, or of a plugin's configuration key.
package struct ParameterName: ValidatedName {
  package let text: String
  package init(unchecked text: String) { self.text = text }
  package static let kind = "parameter name"
  package static let grammar = identifierGrammar
  package static func accepts(_ text: String) -> Bool { isIdentifier(text) }
}

/// A node type as a workflow names it: `plugin/node_type`.
package struct NodeTypeReference: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let plugin: PluginName
  package let nodeType: NodeTypeName

  package init(plugin: PluginName, nodeType: NodeTypeName) {
    self.plugin = plugin
    self.nodeType = nodeType
  }

  /// Nil unless `text` is two valid names with one slash between them.
  package init?(_ text: String) {
    // Neither name can hold a further slash.
    guard let (first, second) = text.halves(at: UInt8(ascii: "/")), let plugin = PluginName(first),
      let nodeType = NodeTypeName(second)
    else { return nil }
    self.init(plugin: plugin, nodeType: nodeType)
  }

  package var description: String { plugin.text + "/" + nodeType.text }
  package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// An absolute path without `.`, `..`, empty components, NUL or control characters. Lexical only: it says nothing
/// about what lies on a disk. Two are the same where their bytes are: file systems know no other.
package struct AbsolutePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let text: String

  /// Normalises repeated and trailing slashes; nil for anything that isn't absolute or that climbs.
  package init?(_ text: String) {
    guard text.utf8.first == 0x2F, text.utf8.count < 4096, text.isEachByte({ $0 >= 0x20 && $0 != 0x7F })
    else { return nil }
    guard !Self.isPlain(text) else {
      self.text = text
      return
    }
    let components = text.split(separator: "/")
    guard components.allSatisfy({ $0 != "." && $0 != ".." && $0.utf8.count <= 255 }) else { return nil }
    self.text = "/" + components.joined(separator: "/")
  }

  /// Whether nothing of it has to be changed or looked at once more, as with most: no component is empty, too long or begins with a dot.
  private static func isPlain(_ text: String) -> Bool {
    var previous = UInt8(ascii: "x")
    var length = 0
    let isPlain = text.isEachByte { byte in
      defer { previous = byte }
      if byte == 0x2F {
        length = 0
        return previous != 0x2F
      }
      length += 1
      return length <= 255 && !(byte == 0x2E && previous == 0x2F)
    }
    return isPlain && previous != 0x2F
  }

  package var description: String { text }
  package var components: [String] { text.split(separator: "/").map(String.init) }
  package var lastComponent: String { components.last ?? "/" }
  package var parent: AbsolutePath? {
    text == "/" ? nil : AbsolutePath("/" + components.dropLast().joined(separator: "/"))
  }

  /// Nil when the result would climb out or isn't valid.
  package func appending(_ relative: String) -> AbsolutePath? { AbsolutePath(text + "/" + relative) }

  /// True when `self` is `other` or lies beneath it, by whole components.
  package func isEqualToOrBeneath(_ other: AbsolutePath) -> Bool {
    let (own, others) = (text.utf8, other.text.utf8)
    return others.count == 1
      || own.starts(with: others) && (own.count == others.count || own.dropFirst(others.count).first == 0x2F)
  }
  package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }
  package static func < (left: Self, right: Self) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}
