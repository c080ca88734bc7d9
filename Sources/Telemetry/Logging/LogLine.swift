import Logging
import PluginModel

/// One line of the log. Whatever a plugin says in it, it is one line, and no more than text to a terminal.
struct LogLine: Sendable {
  /// Unicode scalars; more are cut.
  static let maximumMessage = 8192
  static let maximumValue = 1024
  static let maximumMetadata = 32
  /// Lists and mappings within each other.
  static let maximumDepth = 4

  /// RFC 3339, UTC, with milliseconds.
  var time: String
  var level: Logger.Level
  var label: String
  var message: String
  var metadata: Logger.Metadata

  /// Without its end.
  func text(_ format: ServiceLog.Format) -> String {
    switch format {
    case .text: words
    case .json: json.text()
    }
  }

  /// `2026-01-31T23:59:59.123Z info server: a run began run=20260131T235959Z-00000000 node=clean`
  private var words: String {
    let fields = fields.map { field in " \(Self.plain(field.key))=\(Self.word(field.value))" }
    return "\(time) \(level.rawValue) \(Self.plain(label)): "
      + Self.escaped(Self.cut(message, to: Self.maximumMessage)) + fields.joined()
  }

  private var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("time", .string(time)), .init("level", .string(level.rawValue)), .init("label", .string(label)),
      .init("message", .string(Self.cut(message, to: Self.maximumMessage))),
    ]
    if !metadata.isEmpty { members.append(.init("metadata", .object(fields))) }
    return .object(members)
  }

  /// In the order of their names.
  private var fields: [JSONValue.Member] {
    metadata.sorted { $0.key < $1.key }.prefix(Self.maximumMetadata).map { key, value in
      JSONValue.Member(Self.cut(key, to: Self.maximumValue), Self.value(value, depth: 1))
    }
  }

  private static func value(_ value: Logger.MetadataValue, depth: Int) -> JSONValue {
    switch value {
    case .string(let text): .string(cut(text, to: maximumValue))
    case .stringConvertible(let value): .string(cut("\(value)", to: maximumValue))
    case .array where depth >= maximumDepth: "…"
    case .dictionary where depth >= maximumDepth: "…"
    case .array(let items): .array(items.prefix(maximumMetadata).map { self.value($0, depth: depth + 1) })
    case .dictionary(let members):
      .object(
        members.sorted { $0.key < $1.key }.prefix(maximumMetadata).map { key, value in
          JSONValue.Member(cut(key, to: maximumValue), self.value(value, depth: depth + 1))
        })
    }
  }

  /// As it is, where that can't be taken for anything else.
  private static func word(_ value: JSONValue) -> String {
    guard case .string(let text) = value, !text.isEmpty, text == plain(text) else { return value.text() }
    return text
  }

  /// A name, of which what could be taken for something else becomes `_`.
  private static func plain(_ text: String) -> String {
    let isPlain: (UInt8) -> Bool = { $0.isLetter || $0.isDigit || "-._~/:@+[]".utf8.contains($0) }
    guard !text.utf8.allSatisfy(isPlain) else { return text }
    return String(
      decoding: cut(text, to: maximumValue).utf8.map { isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
  }

  /// `\u{…}` for what ends lines, turns the direction of text or commands a terminal.
  private static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: \.isControl) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.isControl {
        result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func cut(_ text: String, to count: Int) -> String {
    guard text.utf8.count > count else { return text }
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: count, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return text }
    return String(String.UnicodeScalarView(scalars[..<end])) + "…"
  }
}
