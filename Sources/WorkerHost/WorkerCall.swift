import LinuxSystem
import PluginModel

/// What a call is about: the metadata and the inputs.
struct WorkerCall: Sendable {
  /// Contents of more bytes than this go by memfd where there is room for one.
  static let inlineLimit = 65_536

  var metadata: JSONValue
  var inputs: [NodeExecution.Input]

  static let describe = WorkerCall(metadata: ["operation": "describe"], inputs: [])

  /// The frame's body and descriptors. Values that lie in memfds go as they are; large inline ones are put into new ones.
  func encoded() throws(WorkerFailure) -> (body: [UInt8], descriptors: [FileDescriptor]) {
    let sizes = inputs.flatMap(\.values).map(\.byteCount)
    guard sizes.count <= ValueTable<FileDescriptor>.maximumValues else {
      throw .inputsTooLarge("there are \(sizes.count) values; one call carries 1024")
    }
    let shared = Self.shared(sizes)
    let inlineBytes = sizes.indices.reduce(0) { shared.contains($1) ? $0 : $0 + sizes[$1] }
    guard inlineBytes < FrameHeader.maximumBodyLength else {
      throw .inputsTooLarge("\(inlineBytes) bytes would have to go in the frame itself, which holds 16 MiB")
    }
    var values: [WireValue<FileDescriptor>] = []
    for input in inputs {
      for (position, value) in input.values.enumerated() {
        values.append(
          WireValue(
            name: input.port, position: input.isMultiple ? UInt32(position) : nil, codec: value.codec,
            label: value.label, content: try value.wireContent(isShared: shared.contains(values.count))))
      }
    }
    let encoded = ValueTable(metadata: metadata, values: values).encoded()
    guard encoded.body.count <= FrameHeader.maximumBodyLength else {
      throw .inputsTooLarge("they need \(encoded.body.count) bytes in the frame itself, which holds 16 MiB")
    }
    return encoded
  }

  /// The largest values above the inline limit, as many as one frame has descriptors for.
  private static func shared(_ sizes: [Int]) -> Set<Int> {
    let large = sizes.indices.filter { sizes[$0] > inlineLimit }
    return Set(large.sorted { sizes[$0] > sizes[$1] }.prefix(FrameHeader.maximumDescriptors))
  }
}

extension NodeValue {
  fileprivate func wireContent(
    isShared: Bool
  ) throws(WorkerFailure) -> WireValue<FileDescriptor>.Content {
    do {
      switch content {
      case .inline(let bytes):
        return isShared ? Self.wireContent(try SealedMemory(copying: bytes)) : .inline(bytes)
      case .shared(let memory as SealedMemory) where isShared:
        return Self.wireContent(memory)
      case .shared(let memory):
        let bytes = try memory.prefix(memory.byteCount)
        return isShared ? Self.wireContent(try SealedMemory(copying: bytes)) : .inline(bytes)
      }
    } catch let error as SystemError {
      throw .system(error)
    } catch {
      throw .inputsTooLarge("a value could not be read: \(error)")
    }
  }

  private static func wireContent(_ memory: SealedMemory) -> WireValue<FileDescriptor>.Content {
    .shared(memory.descriptor, byteCount: UInt64(memory.byteCount))
  }
}

extension ValueTable<FileDescriptor> {
  /// The values by port, every descriptor checked and taken over.
  func adopted() throws(ProtocolViolation) -> [(port: PortName, values: [NodeValue])] {
    var ports: [(port: PortName, values: [NodeValue])] = []
    var indices: [PortName: Int] = [:]
    for value in values {
      let content: NodeValue.Content
      switch value.content {
      case .inline(let bytes): content = .inline(bytes)
      case .shared(let descriptor, let byteCount):
        do throws(SealedMemory.Refusal) {
          content = .shared(try SealedMemory(adopting: descriptor, claimedByteCount: byteCount))
        } catch {
          throw .memoryRefused(value.name, error)
        }
      }
      let index = indices[value.name] ?? ports.count
      if index == ports.count {
        indices[value.name] = index
        ports.append((value.name, []))
      }
      ports[index].values.append(NodeValue(codec: value.codec, content: content, label: value.label))
    }
    return ports
  }
}

extension NodeOutcome {
  /// Reads the result of an execute call.
  init(_ table: ValueTable<FileDescriptor>, _ mask: SecretMask) throws(ProtocolViolation) {
    let outputs = try table.adopted()
    switch table.metadata["fallback"] {
    case nil, .null: isFallback = false
    case .bool(let flag): isFallback = flag
    default: throw .resultNotUnderstood("\"fallback\" is not a boolean")
    }
    cacheKey = try Self.cacheKey(table.metadata)
    tests = try TestReport(claimed: table.metadata["tests"]?.masked(mask), in: .result)
    self.outputs = outputs
  }

  static func cacheKey(_ metadata: JSONValue) throws(ProtocolViolation) -> String? {
    switch metadata["cache_key"] {
    case nil, .null: return nil
    case .string(let key) where key.utf8.count <= 1024: return key
    default: throw .resultNotUnderstood("\"cache_key\" is neither null nor a string of at most 1024 bytes")
    }
  }
}
