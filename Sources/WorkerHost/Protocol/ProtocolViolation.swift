import LinuxSystem
import PluginModel

/// A rule of the page "The worker protocol" that a worker broke. Any one of them ends the worker.
package enum ProtocolViolation: Error, Hashable, Sendable {
  // Frames.
  case unknownKind(UInt8)
  case reservedFlags(UInt8)
  case bodyTooLong(FrameKind, length: UInt32)
  case truncatedFrame
  // Descriptors.
  case tooManyDescriptors(Int)
  case descriptorsNotAllowed(FrameKind)
  case missingDescriptors(expected: Int, received: Int)
  case unclaimedDescriptors(Int)
  /// The kernel could not hand over all of them.
  case droppedDescriptors
  case notMemory(count: Int)
  case memoryRefused(PortName, SealedMemory.Refusal)
  // Order.
  case outOfOrder(FrameKind, during: String)
  case unknownCall(FrameKind, callID: UInt64)
  case unsupportedVersion(Int64)
  case tooMuchText(limit: Int)
  // Objects.
  case invalidJSON(FrameKind, JSONError)
  case invalidMessage(FrameKind, String)
  // Values.
  case valuesCutShort(String)
  case metadataTooLong(UInt32)
  case tooManyValues(UInt32)
  case unknownCodec(UInt8)
  case unknownStorage(UInt8)
  case reservedValueField
  case invalidName
  case invalidLabel(PortName)
  case repeatedName(PortName)
  case wrongPosition(PortName, expected: UInt32, actual: UInt32)
  case contentTooLong(PortName, UInt64)
  case bytesAfterValues(Int)
  case descriptorCountMismatch(entries: Int, descriptors: Int)
  case resultNotUnderstood(String)
}

extension ProtocolViolation: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknownKind(let kind): "it sent a frame of the unknown kind \(kind)"
    case .reservedFlags(let flags): "it sent a frame with the flags \(flags), which must be 0"
    case .bodyTooLong(let kind, let length):
      "it announced \(length) bytes in a frame of the kind \(kind); "
        + "the limit is \(kind.maximumBodyLength)"
    case .truncatedFrame: "its stream ended in the middle of a frame"
    case .tooManyDescriptors(let count):
      "it announced \(count) file descriptors in one frame; the limit is \(FrameHeader.maximumDescriptors)"
    case .descriptorsNotAllowed(let kind):
      "it announced file descriptors in a frame of the kind \(kind), which carries none"
    case .missingDescriptors(let expected, let received):
      "it sent a frame that claims \(expected) file descriptors, and \(received) came"
    case .unclaimedDescriptors(let count): "it sent \(count) file descriptors that belong to no frame"
    case .droppedDescriptors: "it sent more file descriptors than this process may open"
    case .notMemory(let count): "it sent \(count) file descriptors that are not memfds"
    case .memoryRefused(let name, let refusal): "the memory of its value \"\(name)\" \(refusal)"
    case .outOfOrder(let kind, let moment): "it sent \(kind) \(moment)"
    case .unknownCall(let kind, let callID): "it sent \(kind) for call \(callID), which is not open"
    case .unsupportedVersion(let version): "it speaks version \(version) of the protocol; this supervisor speaks 1"
    case .tooMuchText(let limit): "it sent more than \(limit) bytes of log and progress text in one call"
    case .invalidJSON(let kind, let error): "the JSON of its \(kind) frame is not accepted: \(error)"
    case .invalidMessage(let kind, let what): "its \(kind) frame is not understood: \(what)"
    case .valuesCutShort(let part): "the values of its result end within \(part)"
    case .metadataTooLong(let length):
      "the metadata of its result has \(length) bytes; the limit is \(ValueTable<Int>.maximumMetadataLength)"
    case .tooManyValues(let count):
      "its result has \(count) values; the limit is \(ValueTable<Int>.maximumValues)"
    case .unknownCodec(let codec): "its result has a value of the unknown codec \(codec)"
    case .unknownStorage(let storage): "its result has a value of the unknown storage \(storage)"
    case .reservedValueField: "its result has a value whose reserved fields are not 0"
    case .invalidName: "its result has a value whose name is not \(PortName.grammar)"
    case .invalidLabel(let name): "the label of its value \"\(name)\" is not a file name"
    case .repeatedName(let name): "its result names the value \"\(name)\" twice"
    case .wrongPosition(let name, let expected, let actual):
      "its value \"\(name)\" has the position \(actual) where \(expected) is due"
    case .contentTooLong(let name, let length): "its value \"\(name)\" has \(length) bytes, more than is allowed"
    case .bytesAfterValues(let count): "its result has \(count) bytes after the last value"
    case .descriptorCountMismatch(let entries, let descriptors):
      "its result has \(entries) values in memfds and \(descriptors) file descriptors"
    case .resultNotUnderstood(let what): "the metadata of its result is not understood: \(what)"
    }
  }
}

extension SealedMemory.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notMemory: "is not a memfd"
    case .unsealed(let missing): "is not sealed (F_SEAL bits 0x\(String(missing, radix: 16)) are missing)"
    case .hugePages: "lies in huge pages, which may not be there when it is read"
    case .wrongSize(let actual, let claimed): "has \(actual) bytes and not the \(claimed) that were announced"
    }
  }
}

extension UnixSocket.Received {
  /// What no end of the protocol sends: anything but memory, or more than this process may open.
  var violation: ProtocolViolation? {
    if refused > 0 { return .notMemory(count: refused) }
    return isTruncated ? .droppedDescriptors : nil
  }
}
