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
