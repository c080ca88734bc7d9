import PluginModel

/// Where spans are sent, by the variables that OpenTelemetry names: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
package struct ExportSettings: Sendable, CustomStringConvertible {
  package enum Variable: String, CaseIterable, Sendable {
    case endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
    case tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    case headers = "OTEL_EXPORTER_OTLP_HEADERS"
    case protocolName = "OTEL_EXPORTER_OTLP_PROTOCOL"
    case serviceName = "OTEL_SERVICE_NAME"
    case isDisabled = "OTEL_SDK_DISABLED"
  }

  /// Sent with each request; values may be secrets.
  package struct Header: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }

    package var description: String { "\(name): …" }
    package var debugDescription: String { description }
  }

  static let maximumHeaders = 32
  static let maximumHeaderBytes = 8192
  package static let usualServiceName = "orchestrator"

  /// Where they are posted to.
  package var address: RegistryAddress
  package var headers: [Header]
  package var serviceName: String

  package init(address: RegistryAddress, headers: [Header] = [], serviceName: String = usualServiceName) {
    self.address = address
    self.headers = headers
    self.serviceName = serviceName
  }

  /// Nil where nothing says where to.
  /// - Parameter variable: nil for one that is absent or empty.
  /// - Throws: which of them can't be used. Never a value of a header.
  package init?(_ variable: (Variable) -> String?) throws(Diagnostic) {
    guard variable(.isDisabled)?.lowercased() != "true" else { return nil }
    // What is said of traces alone is the whole address; otherwise they lie below the common one.
    let whole = variable(.tracesEndpoint)
    guard let text = whole ?? variable(.endpoint) else { return nil }
    let name: Variable = whole == nil ? .endpoint : .tracesEndpoint
    if let word = variable(.protocolName), !word.hasPrefix("http/") {
      throw Diagnostic(
        "\(Variable.protocolName.rawValue) says \(word.quoted)", why: "spans are sent by http/json alone",
        hint: "name the collector's address of OTLP over HTTP, usually port 4318, and http/json")
    }
    do throws(RegistryAddress.Problem) {
      let base = try RegistryAddress(text)
      address = whole == nil ? try RegistryAddress("\(base)/v1/traces") : base
    } catch {
      throw Diagnostic(
        "\(name.rawValue) is no address: \(text.quoted)", why: error.words, hint: "for example http://127.0.0.1:4318")
    }
    headers = try variable(.headers).map(Self.headers) ?? []
    serviceName = variable(.serviceName) ?? Self.usualServiceName
  }

  package var description: String { "spans to \(address)" }

  /// `name=value,name=value`, values as in addresses: `%20` is a blank.
  private static func headers(_ text: String) throws(Diagnostic) -> [Header] {
    let name = Variable.headers.rawValue
    let hint = "write NAME=VALUE,NAME=VALUE; a comma in a value is %2C"
    let parts = text.split(separator: ",")
    guard text.utf8.count <= maximumHeaderBytes, parts.count <= maximumHeaders else {
      throw Diagnostic("\(name) is longer than \(maximumHeaderBytes) bytes or \(maximumHeaders) headers")
    }
    var headers: [Header] = []
    for (position, part) in parts.enumerated() {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, let key = fieldName(trimmed(halves[0])), let value = decoded(trimmed(halves[1])) else {
        throw Diagnostic("header \(position + 1) of \(name) can't be read", hint: hint)
      }
      guard !reserved.contains(key) else {
        throw Diagnostic("\(name) has the header \(key)", why: "it belongs to the request itself", hint: "leave it out")
      }
      headers.append(Header(key, value))
    }
    return headers
  }

  private static let reserved: Set = [
    "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
  ]

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }

  /// RFC 9110 section 5.6.2, in lower case.
  private static func fieldName(_ text: Substring) -> String? {
    let isToken = text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    return text.isEmpty || !isToken ? nil : text.lowercased()
  }

  /// Printable, whatever it was written as: no value ends its line.
  private static func decoded(_ text: Substring) -> String? {
    guard let bytes = PercentText.bytes(of: text) else { return nil }
    return bytes.allSatisfy { (0x20..<0x7F).contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
