/// How the bytes of a value are to be read. The numbers are those of the wire protocol.
package enum ValueCodec: UInt8, CaseIterable, Sendable {
  /// UTF-8 JSON text.
  case json = 0
  /// Raw bytes.
  case bytes = 1
  /// The `.npy` format of NumPy, versions 1 to 3.
  case numpy = 2
  /// The content of a file; the label is its name.
  case file = 3
  /// An Arrow IPC stream.
  case arrow = 4
}

/// Bytes that live outside this process's heap: in a sealed memfd, whose owner closes it when the last reference goes, or in the store
/// of results.
package protocol SharedBytes: AnyObject, Sendable {
  /// Whether it takes a descriptor of this process for as long as it is there.
  var holdsDescriptor: Bool { get }
  var byteCount: Int { get }
  /// Copies out at most `limit` bytes from the start, for previews and reports.
  func prefix(_ limit: Int) throws -> [UInt8]
  /// Copies out at most `count` bytes from `offset` on; fewer only where they end.
  func bytes(at offset: Int, count: Int) throws -> [UInt8]
}

extension SharedBytes {
  package var holdsDescriptor: Bool { true }
}

/// A value on its way from one node to the next. The supervisor forwards it and never decodes it.
package struct NodeValue: Sendable {
  package enum Content: Sendable {
    case inline([UInt8])
    case shared(any SharedBytes)
  }

  package var codec: ValueCodec
  package var content: Content
  /// The file's name for ``ValueCodec/file``, otherwise empty.
  package var label: String
  /// Of its bytes, where they were kept or come from where they are kept; nil: nobody has looked.
  package var digest: ContentDigest?

  package init(codec: ValueCodec, content: Content, label: String = "", digest: ContentDigest? = nil) {
    self.codec = codec
    self.content = content
    self.label = label
    self.digest = digest
  }

  package var byteCount: Int {
    switch content {
    case .inline(let bytes): bytes.count
    case .shared(let shared): shared.byteCount
    }
  }
}
