/// Cuts what arrives into frames, however it was split on the way.
///
/// It holds at most one unfinished frame and one received chunk. The header is checked as soon as its 16 bytes are there, and
/// room for the body is made as the body arrives: a length that is only claimed costs nothing.
package struct FrameDecoder<Descriptor> {
  private var chunk: [UInt8] = []
  private var chunkIndex = 0
  private var headerBytes: [UInt8] = []
  private var header: FrameHeader?
  private var body: [UInt8] = []
  private var descriptors: [Descriptor] = []
  private var violation: ProtocolViolation?

  package init() {}

  /// True when the stream ends here without cutting a frame.
  package var isAtBoundary: Bool {
    headerBytes.isEmpty && header == nil && chunkIndex == chunk.count && descriptors.isEmpty
  }

  /// Takes the bytes of one recvmsg(2) and the descriptors that came with them. Call ``next()`` until it returns nil before
  /// the next chunk.
  package mutating func append(_ bytes: [UInt8], _ received: [Descriptor] = []) {
    chunk = chunkIndex == chunk.count ? bytes : Array(chunk[chunkIndex...]) + bytes
    chunkIndex = 0
    descriptors.append(contentsOf: received)
  }

  /// The next whole frame, or nil when more has to arrive. After a violation every call throws the same again.
  package mutating func next() throws(ProtocolViolation) -> Frame<Descriptor>? {
    if let violation { throw violation }
    do throws(ProtocolViolation) {
      return try nextFrame()
    } catch {
      violation = error
      // Nothing that a broken peer sent is kept.
      chunk = []
      chunkIndex = 0
      body = []
      descriptors = []
      throw error
    }
  }

  private mutating func nextFrame() throws(ProtocolViolation) -> Frame<Descriptor>? {
    guard let header = try completeHeader() else {
      // Descriptors come with the first byte of their frame, and no read goes past the bytes that carry descriptors:
      // what no frame has claimed belongs to the one that has begun, if one has.
      let allowed = headerBytes.isEmpty ? 0 : FrameHeader.maximumDescriptors
      guard descriptors.count <= allowed else { throw .unclaimedDescriptors(descriptors.count - allowed) }
      return nil
    }
    body.append(contentsOf: take(header.bodyLength - body.count))
    guard body.count == header.bodyLength else {
      guard descriptors.count <= header.descriptorCount else {
        throw .unclaimedDescriptors(descriptors.count - header.descriptorCount)
      }
      return nil
    }
    guard descriptors.count >= header.descriptorCount else {
      throw .missingDescriptors(expected: header.descriptorCount, received: descriptors.count)
    }
    let claimed = Array(descriptors.prefix(header.descriptorCount))
    descriptors.removeFirst(header.descriptorCount)
    // No later frame has begun among the bytes they came with.
    guard descriptors.isEmpty || chunkIndex < chunk.count else { throw .unclaimedDescriptors(descriptors.count) }
    defer {
      self.header = nil
      body = []
      headerBytes = []
    }
    return Frame(header.kind, callID: header.callID, body: body, descriptors: claimed)
  }

  private mutating func completeHeader() throws(ProtocolViolation) -> FrameHeader? {
    if let header { return header }
    headerBytes.append(contentsOf: take(FrameHeader.byteCount - headerBytes.count))
    guard headerBytes.count == FrameHeader.byteCount else { return nil }
    let header = try FrameHeader(headerBytes[...])
    self.header = header
    return header
  }

  private mutating func take(_ wanted: Int) -> ArraySlice<UInt8> {
    let end = min(chunk.count, chunkIndex + wanted)
    defer {
      chunkIndex = end
      if chunkIndex == chunk.count {
        chunk = []
        chunkIndex = 0
      }
    }
    return chunk[chunkIndex..<end]
  }
}

extension FrameDecoder: Sendable where Descriptor: Sendable {}
