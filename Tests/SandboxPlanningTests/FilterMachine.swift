import SandboxPlanning

/// What a program of classic BPF answers, by the kernel's rules: seccomp(2), linux/bpf_common.h. Independent of the
/// code that assembles programs.
struct FilterMachine {
  struct Call {
    var number: UInt32
    var architecture: UInt32
    var arguments: [UInt64] = []
  }
  enum Fault: Error { case offTheEnd, unknownInstruction(UInt16), badLoad(UInt32) }

  private let instructions: [(code: UInt16, yes: Int, no: Int, operand: UInt32)]

  init(_ program: [UInt8]) {
    instructions = stride(from: 0, to: program.count, by: 8).map { start in
      let bytes = program[start..<start + 8].map { UInt32($0) }
      return (
        UInt16(bytes[0] | bytes[1] << 8), Int(bytes[2]), Int(bytes[3]),
        bytes[4] | bytes[5] << 8 | bytes[6] << 16 | bytes[7] << 24
      )
    }
  }

  func run(_ call: Call) throws(Fault) -> UInt32 {
    var data = [call.number, call.architecture, 0, 0]
    for index in 0..<6 {
      let value = index < call.arguments.count ? call.arguments[index] : 0
      data += [UInt32(truncatingIfNeeded: value), UInt32(truncatingIfNeeded: value >> 32)]
    }
    var accumulator: UInt32 = 0
    var position = 0
    while position < instructions.count {
      let step = instructions[position]
      position += 1
      switch step.code {
      case 0x20:
        guard step.operand % 4 == 0, step.operand / 4 < data.count else { throw .badLoad(step.operand) }
        accumulator = data[Int(step.operand / 4)]
      case 0x54: accumulator &= step.operand
      case 0x05: position += Int(step.operand)
      case 0x15: position += accumulator == step.operand ? step.yes : step.no
      case 0x25: position += accumulator > step.operand ? step.yes : step.no
      case 0x35: position += accumulator >= step.operand ? step.yes : step.no
      case 0x45: position += accumulator & step.operand != 0 ? step.yes : step.no
      case 0x06: return step.operand
      default: throw .unknownInstruction(step.code)
      }
    }
    throw .offTheEnd
  }
}

/// Arguments that lie on both sides of every test of a rule, each with and without a bit set in the high half.
func argumentVariants(of rule: SystemCallRule?) -> [[UInt64]] {
  var variants: [[UInt64]] = [[0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1], [.max, .max, .max, .max, .max, .max]]
  for condition in rule?.rules.flatMap(\.conditions) ?? [] {
    let interesting: [UInt32] =
      switch condition.test {
      case .equals(let value, let mask): [value, ~value, value | ~mask, value ^ (mask & (0 &- mask))]
      case .differs(let value): [value, value &+ 1]
      case .hasAnyBit(let mask): [mask, ~mask] + (0..<32).map { mask & (1 << $0) }.filter { $0 != 0 }
      }
    for value in interesting {
      // Every value with every variant so far would be too many; with the first few it covers pairs of conditions.
      for base in variants.prefix(12) {
        var arguments = base
        arguments[condition.argument] = UInt64(value)
        variants.append(arguments)
        arguments[condition.argument] = UInt64(value) | 0xABCD_0001_0000_0000
        variants.append(arguments)
      }
    }
  }
  return Array(Set(variants))
}
