import NIOCore
import PluginModel
import StateStore

/// Server-sent events, as the HTML standard has them (section 9.2).
package enum EventText {
  /// What keeps a connection from being taken for dead; readers ignore it.
  static let keepAlive = ByteBuffer(string: ":\n\n")

  /// A record of the journal. Its number is the event's id: who has seen it asks for what comes after.
  static func append(_ entry: JournalEntry, to buffer: inout ByteBuffer) {
    buffer.writeString("id: \(entry.sequence)\nevent: \(entry.kind.rawValue)\ndata: ")
    buffer.writeString(#"{"sequence":\#(entry.sequence),"time_ms":\#(entry.time),"kind":"\#(entry.kind.rawValue)""#)
    if let node = entry.node {
      buffer.writeString(",\"node\":")
      buffer.writeString(JSONValue.string(node).text())
    }
    // JSON as this program writes it has no line ends.
    buffer.writeString(",\"detail\":")
    buffer.writeString(entry.body)
    buffer.writeString("}\n\n")
  }

  static func buffer(of entries: [JournalEntry]) -> ByteBuffer {
    var buffer = ByteBuffer()
    for entry in entries { append(entry, to: &buffer) }
    return buffer
  }

  /// Something that isn't kept: it has no id, so that nobody asks for what comes after it.
  package static func transient(_ kind: String, _ value: JSONValue, to buffer: inout ByteBuffer) {
    buffer.writeString("event: \(kind)\ndata: \(value.text())\n\n")
  }
}
