import PluginModel

/// Digests of the values that the parameters of a type mostly have: their defaults, and those of which they may have one. Of many nodes they
/// are the same, and to compare a value takes a fraction of what it takes to hash it.
struct UsualValues: Sendable {
  /// Of each parameter. Few, so that a search among them is short.
  private let known: [[(value: JSONValue, digest: ContentDigest)]]
  private static let most = 8

  init(_ parameters: [ParameterSpecification]) {
    known = parameters.map { parameter in
      let values = [parameter.defaultValue] + (parameter.constraints?["enum"]?.arrayValue ?? [])
      return values.prefix(Self.most).map { ($0, ContentDigest(of: $0.utf8())) }
    }
  }

  /// That of the value's JSON text; nil: it is to be hashed.
  /// - Parameter parameter: in the order of the specification.
  func digest(of value: JSONValue, parameter: Int) -> ContentDigest? {
    guard known.indices.contains(parameter) else { return nil }
    let values = known[parameter]
    return values.indices.first { values[$0].value.isWritten(as: value) }.map { values[$0].digest }
  }
}

extension JSONValue {
  /// Whether both are certainly written alike. Equal is less: 0 and -0 are, and texts whose characters are made of other bytes.
  func isWritten(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.string(let left), .string(let right)):
      left.hasSameBytes(as: right)
    case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
    case (.array(let left), .array(let right)): left.elementsEqual(right) { $0.isWritten(as: $1) }
    case (.object(let left), .object(let right)):
      left.elementsEqual(right) { $0.key.hasSameBytes(as: $1.key) && $0.value.isWritten(as: $1.value) }
    case (.null, _), (.bool, _), (.integer, _), (.double, _), (.string, _), (.array, _), (.object, _): false
    }
  }
}
