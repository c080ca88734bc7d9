/// A classic BPF program in the making, from its end to its start: a jump only leads forward, so what it leads to is
/// there first. A part that is asked for twice is emitted once.
struct FilterCode {
  /// Of an instruction, counted from the end of the program.
  typealias Position = Int

  enum Test: Hashable {
    case equals(UInt32)
    /// Unsigned.
    case isAtLeast(UInt32)
    case hasAnyBit(of: UInt32)
  }

  private enum Part: Hashable {
    case answer(SystemCallVerdict)
    case test(Test, yes: Position, no: Position)
    case load(offset: UInt32, then: Position)
    case and(UInt32, then: Position)
  }

  /// How far a conditional jump reaches, less the two instructions that bringing its own targets near may add.
  private static let reach = Int(UInt8.max) - 2

  private var reversed: [Instruction] = []
  private var known: [Part: Position] = [:]
  /// The latest instruction that does the same as the one at a position, which was too far away.
  private var copies: [Position: Position] = [:]

  /// Ends the filter: SECCOMP_RET_* of seccomp(2).
  mutating func answer(_ verdict: SystemCallVerdict) -> Position {
    emitOnce(.answer(verdict)) { $0.append(.answer(verdict)) }
  }

  /// What goes on at `yes` when the loaded word passes `test`, and at `no` otherwise.
  mutating func test(_ test: Test, yes: Position, no: Position) -> Position {
    emitOnce(.test(test, yes: yes, no: no)) { code in
      let yes = code.near(yes)
      let no = code.near(no)
      return code.append(.jump(if: test, yes: UInt8(code.distance(to: yes)), no: UInt8(code.distance(to: no))))
    }
  }

  /// Loads 32 bits of `struct seccomp_data`.
  mutating func load(offset: UInt32, then next: Position) -> Position {
    emitOnce(.load(offset: offset, then: next)) { code in
      code.adjoin(next)
      return code.append(.load(offset: offset))
    }
  }

  /// Keeps those bits of the loaded word.
  mutating func and(_ mask: UInt32, then next: Position) -> Position {
    emitOnce(.and(mask, then: next)) { code in
      code.adjoin(next)
      return code.append(.and(mask))
    }
  }

  /// The program, as the kernel takes it, that starts at `start`.
  mutating func bytes(from start: Position) -> [UInt8] {
    adjoin(start)
    return reversed.reversed().flatMap(\.bytes)
  }

  private mutating func emitOnce(_ part: Part, _ emit: (inout FilterCode) -> Position) -> Position {
    if let position = known[part] { return position }
    let position = emit(&self)
    known[part] = position
    return position
  }

  private mutating func append(_ instruction: Instruction) -> Position {
    reversed.append(instruction)
    return reversed.count - 1
  }

  /// How many instructions the next one to be emitted has to jump over.
  private func distance(to position: Position) -> Int { reversed.count - 1 - position }

  /// `position`, or an instruction that does the same and is near enough for a conditional jump.
  private mutating func near(_ position: Position) -> Position {
    let nearest = copies[position] ?? position
    if distance(to: nearest) <= Self.reach { return nearest }
    let target = reversed[position]
    let copy = append(target.endsFilter ? target : .jump(UInt32(distance(to: position))))
    copies[position] = copy
    return copy
  }

  /// The next instruction to be emitted falls through to `position`.
  private mutating func adjoin(_ position: Position) {
    if distance(to: position) > 0 { _ = append(.jump(UInt32(distance(to: position)))) }
  }
}

/// `struct sock_filter` of linux/filter.h.
private struct Instruction {
  var code: UInt16
  var yes: UInt8 = 0
  var no: UInt8 = 0
  var operand: UInt32

  /// BPF_LD | BPF_W | BPF_ABS.
  static func load(offset: UInt32) -> Self { Self(code: 0x20, operand: offset) }
  /// BPF_ALU | BPF_AND | BPF_K.
  static func and(_ mask: UInt32) -> Self { Self(code: 0x54, operand: mask) }
  /// BPF_JMP | BPF_JA.
  static func jump(_ distance: UInt32) -> Self { Self(code: 0x05, operand: distance) }
  /// BPF_JMP with BPF_JEQ, BPF_JGE or BPF_JSET | BPF_K.
  static func jump(if test: FilterCode.Test, yes: UInt8, no: UInt8) -> Self {
    switch test {
    case .equals(let value): Self(code: 0x15, yes: yes, no: no, operand: value)
    case .isAtLeast(let value): Self(code: 0x35, yes: yes, no: no, operand: value)
    case .hasAnyBit(let mask): Self(code: 0x45, yes: yes, no: no, operand: mask)
    }
  }
  /// BPF_RET | BPF_K.
  static func answer(_ verdict: SystemCallVerdict) -> Self { Self(code: 0x06, operand: verdict.returnValue) }

  var endsFilter: Bool { code == 0x06 }

  var bytes: [UInt8] {
    [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8), yes, no]
      + (0..<4).map { UInt8(truncatingIfNeeded: operand >> (8 * UInt32($0))) }
  }
}
