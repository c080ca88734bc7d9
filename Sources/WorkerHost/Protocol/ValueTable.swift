import PluginModel

/// One entry of a value table. The content is either in the frame or behind a descriptor of it.
package struct WireValue<Descriptor> {
  package enum Content {
    case inline([UInt8])
    case shared(Descriptor, byteCount: UInt64)
  }

  package var name: PortName
  /// The place in a port that takes several values, from 0; nil for a single value.
  package var position: UInt32?
  package var codec: ValueCodec
  package var label: String
  package var content: Content

  package init(
    name: PortName, position: UInt32? = nil, codec: ValueCodec, label: String = "", content: Content
  ) {
    self.name = name
    self.position = position
    self.codec = codec
    self.label = label
    self.content = content
  }
}

extension WireValue: Sendable where Descriptor: Sendable {}
extension WireValue.Content: Sendable where Descriptor: Sendable {}
extension WireValue: Equatable where Descriptor: Equatable {}
extension WireValue.Content: Equatable where Descriptor: Equatable {}

/// The body of a call or result: JSON metadata and values, section "Values" of the page.
package struct ValueTable<Descriptor> {
  package static var maximumMetadataLength: Int { 1_048_576 }
  package static var maximumValues: Int { 1024 }
  package static var maximumLabelLength: Int { 255 }
  /// No value is longer, whatever a descriptor's owner says: its consumer will want to hold it in memory.
  package static var maximumContentLength: UInt64 { 1 << 40 }
  static var singlePosition: UInt32 { .max }
  static var entryLength: Int { 24 }

  package var metadata: JSONValue
  package var values: [WireValue<Descriptor>]

  package init(metadata: JSONValue, values: [WireValue<Descriptor>] = []) {
    self.metadata = metadata
    self.values = values
  }

  /// The body, and the descriptors in the order in which the frame must carry them.
  package func encoded() -> (body: [UInt8], descriptors: [Descriptor]) {
    var writer = ByteWriter()
    var contents: [[UInt8]] = []
    var descriptors: [Descriptor] = []
    let metadata = metadata.utf8()
    writer.append(UInt32(metadata.count))
    writer.append(metadata)
    writer.append(UInt32(values.count))
    for value in values {
      let length: UInt64
      let storage: UInt8
      switch value.content {
      case .inline(let bytes):
        (length, storage) = (UInt64(bytes.count), 0)
        contents.append(bytes)
      case .shared(let descriptor, let byteCount):
        (length, storage) = (byteCount, 1)
        descriptors.append(descriptor)
      }
      writer.append(value.codec.rawValue)
      writer.append(storage)
      writer.append(UInt16(value.name.text.utf8.count))
      writer.append(UInt16(value.label.utf8.count))
      writer.append(UInt16(0))
      writer.append(value.position ?? Self.singlePosition)
      writer.append(UInt32(0))
      writer.append(length)
      writer.append(value.name.text.utf8)
      writer.append(value.label.utf8)
    }
    for content in contents { writer.append(content) }
    return (writer.bytes, descriptors)
  }

  /// Reads a body that came with `descriptors`. Every length is checked against what is there before anything is made of it.
  package init(_ body: [UInt8], descriptors: [Descriptor]) throws(ProtocolViolation) {
    var reader = ByteReader(body[...])
    self.metadata = try Self.metadata(&reader)
    guard let count = reader.integer(UInt32.self) else { throw .valuesCutShort("the number of values") }
    guard count <= Self.maximumValues else { throw .tooManyValues(count) }
    var entries: [Entry] = []
    var positions: [PortName: UInt32] = [:]
    for _ in 0..<count {
      let entry = try Entry(&reader)
      try Self.checkPosition(entry, &positions)
      entries.append(entry)
    }
    let shared = entries.count { $0.isShared }
    guard shared == descriptors.count else {
      throw .descriptorCountMismatch(entries: shared, descriptors: descriptors.count)
    }
    var remaining = descriptors[...]
    values = []
    for entry in entries {
      let content: WireValue<Descriptor>.Content
      if entry.isShared, let descriptor = remaining.popFirst() {
        content = .shared(descriptor, byteCount: entry.length)
      } else {
        guard let length = Int(exactly: entry.length), let bytes = reader.take(length) else {
          throw .valuesCutShort("the content of \"\(entry.name)\"")
        }
        content = .inline(Array(bytes))
      }
      let position = entry.position == Self.singlePosition ? nil : entry.position
      values.append(
        WireValue(
          name: entry.name, position: position, codec: entry.codec, label: entry.label, content: content))
    }
    guard reader.remaining == 0 else { throw .bytesAfterValues(reader.remaining) }
  }

  private static func metadata(_ reader: inout ByteReader) throws(ProtocolViolation) -> JSONValue {
    guard let length = reader.integer(UInt32.self) else { throw .valuesCutShort("the length of the metadata") }
    guard length <= maximumMetadataLength else { throw .metadataTooLong(length) }
    guard let bytes = reader.take(Int(length)) else { throw .valuesCutShort("the metadata") }
    return try Message.object(Array(bytes), in: .result)
  }

  /// A name appears once without a position, or with the positions 0, 1, 2, … in this order.
  private static func checkPosition(
    _ entry: Entry, _ positions: inout [PortName: UInt32]
  ) throws(ProtocolViolation) {
    guard let expected = positions[entry.name] else {
      guard entry.position == singlePosition || entry.position == 0 else {
        throw .wrongPosition(entry.name, expected: 0, actual: entry.position)
      }
      positions[entry.name] = entry.position == singlePosition ? singlePosition : 1
      return
    }
    guard expected != singlePosition, entry.position != singlePosition else { throw .repeatedName(entry.name) }
    guard entry.position == expected else {
      throw .wrongPosition(entry.name, expected: expected, actual: entry.position)
    }
    positions[entry.name] = expected + 1
  }
}

extension ValueTable: Sendable where Descriptor: Sendable {}
extension ValueTable: Equatable where Descriptor: Equatable {}

/// The fixed part of an entry, its name and its label.
private struct Entry {
  let codec: ValueCodec
  let isShared: Bool
  let name: PortName
  let label: String
  let position: UInt32
  let length: UInt64

  init(_ reader: inout ByteReader) throws(ProtocolViolation) {
    guard let rawCodec = reader.integer(UInt8.self), let storage = reader.integer(UInt8.self),
      let nameLength = reader.integer(UInt16.self), let labelLength = reader.integer(UInt16.self),
      let reserved = reader.integer(UInt16.self), let position = reader.integer(UInt32.self),
      let alsoReserved = reader.integer(UInt32.self), let length = reader.integer(UInt64.self)
    else { throw .valuesCutShort("an entry") }
    guard let codec = ValueCodec(rawValue: rawCodec) else { throw .unknownCodec(rawCodec) }
    guard storage <= 1 else { throw .unknownStorage(storage) }
    guard reserved == 0, alsoReserved == 0 else { throw .reservedValueField }
    guard let nameBytes = reader.take(Int(nameLength)) else { throw .valuesCutShort("a name") }
    guard let nameText = String(validating: nameBytes, as: UTF8.self), let name = PortName(nameText) else {
      throw .invalidName
    }
    guard let labelBytes = reader.take(Int(labelLength)) else { throw .valuesCutShort("a label") }
    guard let label = String(validating: labelBytes, as: UTF8.self), Self.isLabel(label, codec) else {
      throw .invalidLabel(name)
    }
    guard length <= ValueTable<Int>.maximumContentLength else { throw .contentTooLong(name, length) }
    self.codec = codec
    self.isShared = storage == 1
    self.name = name
    self.label = label
    self.position = position
    self.length = length
  }

  /// A label is a file's name or empty: never a path, never something that a terminal would obey.
  private static func isLabel(_ label: String, _ codec: ValueCodec) -> Bool {
    guard codec == .file else { return label.isEmpty }
    return label.utf8.count <= ValueTable<Int>.maximumLabelLength && label != "." && label != ".."
      && label.unicodeScalars.allSatisfy { $0 != "/" && !TerminalText.isHostile($0) }
  }
}
