import CLinux

/// The mapped plan. Every offset and count is checked against the mapping before it is used.
struct Plan {
  let base: UnsafeMutableRawPointer
  let size: UInt64
  let header: sandbox_plan

  static func mapped() throws(StepFailure) -> Plan {
    var address: UnsafeMutableRawPointer?
    let size = try checked(.readPlan, sandbox_map_plan(Int32(SANDBOX_FD_PLAN), &address))
    guard let address else { throw invalid() }
    let header = address.loadUnaligned(as: sandbox_plan.self)
    guard header.magic == SANDBOX_PLAN_MAGIC, header.size == UInt32(size) else { throw invalid() }
    return Plan(base: address, size: UInt64(size), header: header)
  }

  static func invalid(_ index: UInt32 = SANDBOX_NO_INDEX) -> StepFailure {
    StepFailure(step: .readPlan, code: ErrorNumber.invalid, index: index)
  }

  /// A text with the NUL that must follow it.
  func text(_ text: sandbox_text) throws(StepFailure) -> UnsafePointer<CChar> {
    let end = UInt64(text.offset) + UInt64(text.length)
    guard text.offset != 0, end < size, base.load(fromByteOffset: Int(end), as: UInt8.self) == 0 else {
      throw Plan.invalid()
    }
    return UnsafePointer((base + Int(text.offset)).assumingMemoryBound(to: CChar.self))
  }

  /// The records of a span.
  func records<Record: BitwiseCopyable>(
    _ span: sandbox_span, of type: Record.Type
  ) throws(StepFailure) -> UnsafeMutableBufferPointer<Record> {
    let length = UInt64(span.count) * UInt64(MemoryLayout<Record>.stride)
    guard span.offset % 8 == 0, UInt64(span.offset) + length <= size else { throw Plan.invalid() }
    let first = (base + Int(span.offset)).assumingMemoryBound(to: Record.self)
    return UnsafeMutableBufferPointer(start: first, count: Int(span.count))
  }

  var operations: UnsafeMutableBufferPointer<sandbox_operation> {
    get throws(StepFailure) { try records(header.operations, of: sandbox_operation.self) }
  }

  /// A list for execve(2): the offsets become addresses, in place; the last record is the terminating null.
  func stringList(_ span: sandbox_span) throws(StepFailure) -> UnsafePointer<UnsafeMutablePointer<CChar>?> {
    let pointers = try records(span, of: sandbox_pointer.self)
    guard let start = pointers.baseAddress, let last = pointers.last, last == 0 else { throw Plan.invalid() }
    guard base.load(fromByteOffset: Int(size) - 1, as: UInt8.self) == 0 else { throw Plan.invalid() }
    for index in 0..<(pointers.count - 1) {
      guard pointers[index] != 0, pointers[index] < size else { throw Plan.invalid() }
      pointers[index] += UInt64(UInt(bitPattern: base))
    }
    return UnsafeRawPointer(start).assumingMemoryBound(to: UnsafeMutablePointer<CChar>?.self)
  }
}

extension sandbox_operation {
  /// Nil for a number that is none: the importer's own initialiser accepts every one.
  var checkedKind: sandbox_operation_kind? {
    let known = sandbox_operation_kind.directory.rawValue...sandbox_operation_kind.readOnly.rawValue
    return known.contains(kind) ? sandbox_operation_kind(rawValue: kind) : nil
  }
}
