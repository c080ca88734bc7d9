/// Assembles the classic BPF program of a filter: an architecture check, then a balanced tree over runs of consecutive
/// numbers with the same answer, with the tests of arguments as leaves.
///
/// libseccomp could emit one too. It compares the calls one by one or sorted in a tree of its own, without merging runs;
/// the time to install a filter grows with its length, and every launch pays it.
enum FilterProgram {
  /// BPF_MAXINSNS of linux/bpf_common.h.
  static let maximumInstructions = 4096

  static func assemble(_ calls: [SystemCallRule], for architecture: HostFacts.Architecture) -> [UInt8] {
    var program = [
      Instruction.load(offset: 4),
      .jumpIfEqual(architecture.auditToken, yes: 1, no: 0),
      .answer(.kill),
      .load(offset: 0),
    ]
    if let foreign = architecture.foreignNumbering {
      // Number -1 is how a tracer skips a call: it is nobody's.
      program += [
        .jumpIfAtLeast(foreign, yes: 0, no: 2),
        .jumpIfEqual(.max, yes: 1, no: 0),
        .answer(.kill),
      ]
    }
    program += tree(over: runs(of: calls)[...])
    return program.flatMap(\.bytes)
  }

  /// Consecutive numbers with one answer, from `first` up to the next run.
  private struct Run {
    var first: UInt32
    var rules: [ArgumentRule]
    var otherwise: SystemCallVerdict
  }

  private static func runs(of calls: [SystemCallRule]) -> [Run] {
    let gap = SystemCallVerdict.fail(.notImplemented)
    var runs: [Run] = []
    func append(_ run: Run) {
      if let last = runs.last, last.rules == run.rules, last.otherwise == run.otherwise { return }
      runs.append(run)
    }
    var next = 0
    for call in calls {
      if call.number > next { append(Run(first: UInt32(next), rules: [], otherwise: gap)) }
      append(Run(first: UInt32(call.number), rules: call.rules, otherwise: call.otherwise))
      next = call.number + 1
    }
    append(Run(first: UInt32(next), rules: [], otherwise: gap))
    return runs
  }

  private static func tree(over runs: ArraySlice<Run>) -> [Instruction] {
    guard runs.count > 1 else { return runs.first.map(leaf) ?? [] }
    let middle = runs.startIndex + runs.count / 2
    let lower = tree(over: runs[..<middle])
    let upper = tree(over: runs[middle...])
    let pivot = runs[middle].first
    // A conditional jump reaches 255 instructions; an unconditional one reaches all.
    if lower.count <= UInt8.max {
      return [.jumpIfAtLeast(pivot, yes: UInt8(lower.count), no: 0)] + lower + upper
    }
    return [.jumpIfAtLeast(pivot, yes: 0, no: 1), .jump(UInt32(lower.count))] + lower + upper
  }

  private static func leaf(_ run: Run) -> [Instruction] {
    run.rules.flatMap(code) + [.answer(run.otherwise)]
  }

  /// Falls through to what follows when a condition doesn't hold.
  private static func code(for rule: ArgumentRule) -> [Instruction] {
    rule.conditions.reversed().reduce([.answer(rule.verdict)]) { rest, condition in
      // `seccomp_data.args` starts at byte 16; the low half of each comes first on little-endian machines.
      let load = Instruction.load(offset: UInt32(16 + 8 * condition.argument))
      let miss = UInt8(rest.count)
      switch condition.test {
      case .equals(let value, mask: .max): return [load, .jumpIfEqual(value, yes: 0, no: miss)] + rest
      case .equals(let value, let mask): return [load, .and(mask), .jumpIfEqual(value, yes: 0, no: miss)] + rest
      case .differs(let value): return [load, .jumpIfEqual(value, yes: miss, no: 0)] + rest
      case .hasAnyBit(let mask): return [load, .jumpIfAnyBit(mask, yes: 0, no: miss)] + rest
      }
    }
  }
}

/// `struct sock_filter` of linux/filter.h.
private struct Instruction {
  var code: UInt16
  var yes: UInt8 = 0
  var no: UInt8 = 0
  var operand: UInt32

  /// BPF_LD | BPF_W | BPF_ABS: 32 bits of `struct seccomp_data` at `offset`.
  static func load(offset: UInt32) -> Self { Self(code: 0x20, operand: offset) }
  /// BPF_ALU | BPF_AND | BPF_K.
  static func and(_ mask: UInt32) -> Self { Self(code: 0x54, operand: mask) }
  /// BPF_JMP | BPF_JA.
  static func jump(_ distance: UInt32) -> Self { Self(code: 0x05, operand: distance) }
  /// BPF_JMP | BPF_JEQ | BPF_K.
  static func jumpIfEqual(_ value: UInt32, yes: UInt8, no: UInt8) -> Self {
    Self(code: 0x15, yes: yes, no: no, operand: value)
  }
  /// BPF_JMP | BPF_JGE | BPF_K, unsigned.
  static func jumpIfAtLeast(_ value: UInt32, yes: UInt8, no: UInt8) -> Self {
    Self(code: 0x35, yes: yes, no: no, operand: value)
  }
  /// BPF_JMP | BPF_JSET | BPF_K.
  static func jumpIfAnyBit(_ mask: UInt32, yes: UInt8, no: UInt8) -> Self {
    Self(code: 0x45, yes: yes, no: no, operand: mask)
  }
  /// BPF_RET | BPF_K.
  static func answer(_ verdict: SystemCallVerdict) -> Self { Self(code: 0x06, operand: verdict.returnValue) }

  var bytes: [UInt8] {
    [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8), yes, no]
      + (0..<4).map { UInt8(truncatingIfNeeded: operand >> (8 * UInt32($0))) }
  }
}
