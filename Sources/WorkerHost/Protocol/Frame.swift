import PluginModel

/// What a frame is. The numbers are those of the page "The worker protocol".
package enum FrameKind: UInt8, CaseIterable, Sendable {
  case hello = 1
  case initialize = 2
  case ready = 3
  case call = 4
  case ack = 5
  case result = 6
  case error = 7
  case progress = 8
  case log = 9
  case cancel = 10
  case shutdown = 11

  /// What a frame of this kind carries.
  package enum Body: Sendable {
    case empty
    case object
    case values
  }

  package var body: Body {
    switch self {
    case .hello, .initialize, .ready, .error, .progress, .log, .cancel: .object
    case .call, .result: .values
    case .ack, .shutdown: .empty
    }
  }

  package var isFromWorker: Bool {
    switch self {
    case .hello, .ready, .ack, .result, .error, .progress, .log: true
    case .initialize, .call, .cancel, .shutdown: false
    }
  }

  /// The longest body, in bytes.
  package var maximumBodyLength: Int {
    switch body {
    case .empty: 0
    case .object: FrameHeader.maximumObjectLength
    case .values: FrameHeader.maximumBodyLength
    }
  }
}

/// The 16 bytes before every body. It is checked whole before anything is allocated for the body.
package struct FrameHeader: Hashable, Sendable {
  package static let byteCount = 16
  package static let maximumBodyLength = 16_777_216
  package static let maximumObjectLength = 1_048_576
  package static let maximumDescriptors = 64

  package var kind: FrameKind
  package var bodyLength: Int
  package var descriptorCount: Int
  package var callID: UInt64

  package init(kind: FrameKind, bodyLength: Int, descriptorCount: Int = 0, callID: UInt64 = 0) {
    self.kind = kind
    self.bodyLength = bodyLength
    self.descriptorCount = descriptorCount
    self.callID = callID
  }

  /// Reads 16 bytes.
  package init(_ bytes: ArraySlice<UInt8>) throws(ProtocolViolation) {
    var reader = ByteReader(bytes)
    guard let length = reader.integer(UInt32.self), let rawKind = reader.integer(UInt8.self),
      let flags = reader.integer(UInt8.self), let descriptors = reader.integer(UInt16.self),
      let callID = reader.integer(UInt64.self)
    else { throw .truncatedFrame }
    guard let kind = FrameKind(rawValue: rawKind) else { throw .unknownKind(rawKind) }
    guard flags == 0 else { throw .reservedFlags(flags) }
    guard length <= kind.maximumBodyLength else { throw .bodyTooLong(kind, length: length) }
    guard descriptors <= Self.maximumDescriptors else { throw .tooManyDescriptors(Int(descriptors)) }
    guard descriptors == 0 || kind.body == .values else { throw .descriptorsNotAllowed(kind) }
    self.init(kind: kind, bodyLength: Int(length), descriptorCount: Int(descriptors), callID: callID)
  }

  package var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt32(bodyLength))
    writer.append(kind.rawValue)
    writer.append(UInt8(0))
    writer.append(UInt16(descriptorCount))
    writer.append(callID)
    return writer.bytes
  }
}

/// A whole frame. `Descriptor` is a file descriptor in the program, and anything in a test: this module never touches one.
package struct Frame<Descriptor> {
  package var kind: FrameKind
  package var callID: UInt64
  package var body: [UInt8]
  package var descriptors: [Descriptor]

  package init(_ kind: FrameKind, callID: UInt64 = 0, body: [UInt8] = [], descriptors: [Descriptor] = []) {
    self.kind = kind
    self.callID = callID
    self.body = body
    self.descriptors = descriptors
  }

  /// A frame whose body is a JSON object.
  package init(_ kind: FrameKind, callID: UInt64 = 0, object: JSONValue) {
    self.init(kind, callID: callID, body: object.utf8())
  }

  /// The frame as it goes over the wire; the descriptors go with its first byte.
  package var bytes: [UInt8] {
    FrameHeader(
      kind: kind, bodyLength: body.count, descriptorCount: descriptors.count, callID: callID
    ).bytes + body
  }
}

extension Frame: Sendable where Descriptor: Sendable {}
extension Frame: Equatable where Descriptor: Equatable {}

/// Takes little-endian integers and bytes from the front; nil when there aren't enough left.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var index: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    index = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - index }

  mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(_: Integer.Type) -> Integer? {
    let width = Integer.bitWidth / 8
    guard remaining >= width else { return nil }
    var value: Integer = 0
    for position in 0..<width {
      value |= Integer(bytes[index + position]) << Integer(8 * position)
    }
    index += width
    return value
  }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, remaining >= count else { return nil }
    defer { index += count }
    return bytes[index..<index + count]
  }
}

/// Appends little-endian integers and bytes.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func append<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
    for position in 0..<Integer.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: value >> Integer(8 * position)))
    }
  }
  mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
}
