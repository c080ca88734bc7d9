import HTTPTypes
import PluginModel

/// Finds what is asked for by method and path. Pure.
package struct RouteTable: Sendable {
  package enum Match: Hashable, Sendable {
    case found(APIOperation, [APIParameter.Path: String])
    /// There is such a path; it has these methods.
    case otherMethod([String])
    case none
  }

  private struct Pattern: Sendable {
    var parts: [Part]
    /// By method.
    var operations: [HTTPRequest.Method: APIOperation]
  }

  private enum Part: Hashable, Sendable {
    case word(String)
    case parameter(APIParameter.Path)
  }

  /// Those without parameters, which most are asked for by.
  private let fixed: [String: [HTTPRequest.Method: APIOperation]]
  /// By the number of their parts.
  private let patterns: [Int: [Pattern]]

  package init(_ operations: [APIOperation] = APIOperation.all) {
    var fixed: [String: [HTTPRequest.Method: APIOperation]] = [:]
    var patterns: [Int: [Pattern]] = [:]
    for operation in operations {
      let route = operation.route
      guard !route.pathParameters.isEmpty else {
        fixed[route.path, default: [:]][route.method] = operation
        continue
      }
      let parts = route.path.split(separator: "/").map { part -> Part in
        let name = part.hasPrefix("{") ? String(part.dropFirst().dropLast()) : ""
        return APIParameter.Path(rawValue: name).map { .parameter($0) } ?? .word(String(part))
      }
      var known = patterns[parts.count] ?? []
      if let index = known.firstIndex(where: { $0.parts == parts }) {
        known[index].operations[route.method] = operation
      } else {
        known.append(Pattern(parts: parts, operations: [route.method: operation]))
      }
      patterns[parts.count] = known
    }
    self.fixed = fixed
    self.patterns = patterns
  }

  /// - Parameter path: as it was sent.
  package func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
    if let operations = fixed[path] { return choose(method, operations, [:]) }
    // One that ends with a slash, or has two in a row, is another path.
    let texts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for pattern in patterns[texts.count] ?? [] {
      guard let values = Self.values(pattern.parts, Array(texts)) else { continue }
      return choose(method, pattern.operations, values)
    }
    return .none
  }

  private func choose(
    _ method: HTTPRequest.Method, _ operations: [HTTPRequest.Method: APIOperation],
    _ values: [APIParameter.Path: String]
  ) -> Match {
    // A head is that of what a GET would bring.
    guard let operation = operations[method == .head ? .get : method] else {
      let known = operations.keys.map(\.rawValue) + (operations[.get] == nil ? [] : ["HEAD"])
      return .otherMethod(known.sorted())
    }
    return .found(operation, values)
  }

  private static func values(_ parts: [Part], _ texts: [Substring]) -> [APIParameter.Path: String]? {
    var values: [APIParameter.Path: String] = [:]
    for (part, text) in zip(parts, texts) {
      switch part {
      case .word(let word): guard word == text else { return nil }
      case .parameter(let name):
        guard let value = PercentText.decoded(text), !value.isEmpty else { return nil }
        values[name] = value
      }
    }
    return values
  }
}

/// RFC 3986 section 2.1, strictly.
package enum PercentText {
  /// - Parameter isQuery: a plus sign is a blank, as forms write it.
  /// - Returns: nil where it isn't UTF-8, holds a zero byte, or a percent sign that begins nothing.
  package static func decoded(_ text: Substring, isQuery: Bool = false) -> String? {
    guard text.utf8.contains(where: { $0 == 0x25 || $0 == 0x2B }) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x25:
        guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
        bytes.append(high << 4 | low)
      case 0x2B where isQuery: bytes.append(0x20)
      default: bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// `a=1&b=2`, in its order.
  /// - Returns: nil where a part can't be decoded.
  package static func items(ofQuery query: String) -> [(name: String, value: String)]? {
    var items: [(name: String, value: String)] = []
    for part in query.split(separator: "&") {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(halves[0], isQuery: true),
        let value = halves.count == 2 ? decoded(halves[1], isQuery: true) : ""
      else { return nil }
      items.append((name, value))
    }
    return items
  }
}
