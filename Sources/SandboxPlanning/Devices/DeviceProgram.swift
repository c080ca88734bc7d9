/// One device that a worker's cgroup may use; every other is refused by the kernel, whatever nodes the worker can see.
package struct DeviceRule: Hashable, Sendable {
  package enum Kind: UInt16, CaseIterable, Sendable {
    // BPF_DEVCG_DEV_BLOCK and BPF_DEVCG_DEV_CHAR of linux/bpf.h.
    case block = 1
    case character = 2
  }
  package var kind: Kind
  package var major: UInt32
  /// Nil: every minor of the major.
  package var minor: UInt32?
  package var access: DeviceAccess

  package init(_ kind: Kind, _ major: UInt32, _ minor: UInt32?, _ access: DeviceAccess) {
    self.kind = kind
    self.major = major
    self.minor = minor
    self.access = access
  }
}

/// The program of type BPF_PROG_TYPE_CGROUP_DEVICE that allows what its rules say and nothing else, bpf(2).
///
/// The kernel runs it for each open and mknod of a device in the cgroup; it answers 1 for yes and 0 for EPERM. Its context is
/// `struct bpf_cgroup_dev_ctx`: the access in the upper and the kind in the lower half of the first word, the major, the minor.
package struct DeviceProgram: Hashable, Sendable {
  package var rules: [DeviceRule]

  package init(rules: [DeviceRule]) { self.rules = rules }

  /// `struct bpf_insn`, 8 bytes each, little-endian.
  package var bytes: [UInt8] {
    var program = [
      Instruction(.loadWord, to: .kind, from: .context, offset: 0),
      Instruction(.copy, to: .access, from: .kind),
      Instruction(.shiftRight, to: .access, value: 16),
      Instruction(.and, to: .kind, value: 0xFFFF),
      Instruction(.loadWord, to: .major, from: .context, offset: 4),
      Instruction(.loadWord, to: .minor, from: .context, offset: 8),
    ]
    for rule in rules { program += Self.test(rule) }
    program += Self.answer(0)
    return program.flatMap(\.bytes)
  }

  /// Each test that fails leads to the next rule.
  private static func test(_ rule: DeviceRule) -> [Instruction] {
    var tests = [
      Instruction(.jumpIfNot, to: .kind, value: Int32(rule.kind.rawValue)),
      Instruction(.jumpIfNot, to: .major, value: Int32(bitPattern: rule.major)),
    ]
    if let minor = rule.minor { tests.append(Instruction(.jumpIfNot, to: .minor, value: Int32(bitPattern: minor))) }
    let refused = kernelAccess(DeviceAccess.all.subtracting(rule.access))
    if refused != 0 { tests.append(Instruction(.jumpIfAny, to: .access, value: refused)) }
    let answer = Self.answer(1)
    for index in tests.indices { tests[index].offset = Int16(tests.count - index - 1 + answer.count) }
    return tests + answer
  }

  private static func answer(_ value: Int32) -> [Instruction] {
    [Instruction(.set, to: .result, value: value), Instruction(.exit, to: .result)]
  }

  /// BPF_DEVCG_ACC_MKNOD, _READ and _WRITE.
  private static func kernelAccess(_ access: DeviceAccess) -> Int32 {
    (access.contains(.makeNode) ? 1 : 0) | (access.contains(.read) ? 2 : 0) | (access.contains(.write) ? 4 : 0)
  }

  private struct Instruction {
    /// Opcodes of the instruction set's standard, RFC 9669.
    enum Operation: UInt8 {
      /// `to = *(u32 *)(from + offset)`
      case loadWord = 0x61
      /// `to = from`
      case copy = 0xBF
      case shiftRight = 0x77
      case and = 0x57
      case set = 0xB7
      /// `if (u32)to != value`
      case jumpIfNot = 0x56
      /// `if to & value`
      case jumpIfAny = 0x45
      case exit = 0x95
    }
    enum Register: UInt8 {
      case result = 0
      case context = 1
      case kind = 2
      case access = 3
      case major = 4
      case minor = 5
    }
    var operation: Operation
    var to: Register
    var from = Register.result
    var offset: Int16 = 0
    var value: Int32 = 0

    init(_ operation: Operation, to: Register, from: Register = .result, offset: Int16 = 0, value: Int32 = 0) {
      self.operation = operation
      self.to = to
      self.from = from
      self.offset = offset
      self.value = value
    }

    var bytes: [UInt8] {
      let offset = UInt16(bitPattern: offset)
      let value = UInt32(bitPattern: value)
      return [operation.rawValue, from.rawValue << 4 | to.rawValue, UInt8(offset & 0xFF), UInt8(offset >> 8)]
        + (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
  }
}
