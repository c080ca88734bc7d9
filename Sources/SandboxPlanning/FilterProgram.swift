/// Assembles the classic BPF program of a filter: an architecture check, then a balanced tree over runs of consecutive
/// numbers with the same answer, with the tests of arguments as leaves. Equal parts are there once.
///
/// libseccomp could emit one too. It compares the calls one by one or sorted in a tree of its own, without merging runs;
/// the time to install a filter grows with its length, and every launch pays it.
enum FilterProgram {
  /// BPF_MAXINSNS of linux/bpf_common.h.
  static let maximumInstructions = 4096

  static func assemble(_ calls: [SystemCallRule], for architecture: HostFacts.Architecture) -> [UInt8] {
    var code = FilterCode()
    var start = tree(over: runs(of: calls)[...], in: &code)
    if let foreign = architecture.foreignNumbering {
      // Number -1 is how a tracer skips a call: it is nobody's.
      let foreigner = code.test(.equals(.max), yes: start, no: code.answer(.kill))
      start = code.test(.isAtLeast(foreign), yes: foreigner, no: start)
    }
    start = code.load(offset: 0, then: start)
    let own = code.test(.equals(architecture.auditToken), yes: start, no: code.answer(.kill))
    return code.bytes(from: code.load(offset: 4, then: own))
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

  private static func tree(over runs: ArraySlice<Run>, in code: inout FilterCode) -> FilterCode.Position {
    guard runs.count > 1 else { return runs.first.map { leaf($0, in: &code) } ?? code.answer(.kill) }
    let middle = runs.startIndex + runs.count / 2
    let upper = tree(over: runs[middle...], in: &code)
    let lower = tree(over: runs[..<middle], in: &code)
    return code.test(.isAtLeast(runs[middle].first), yes: upper, no: lower)
  }

  /// The first rule whose conditions all hold answers, else what is left.
  private static func leaf(_ run: Run, in code: inout FilterCode) -> FilterCode.Position {
    var next = code.answer(run.otherwise)
    for rule in run.rules.reversed() {
      let miss = next
      next = code.answer(rule.verdict)
      for condition in rule.conditions.reversed() { next = test(condition, yes: next, no: miss, in: &code) }
    }
    return next
  }

  private static func test(
    _ condition: ArgumentCondition, yes: FilterCode.Position, no: FilterCode.Position, in code: inout FilterCode
  ) -> FilterCode.Position {
    // `seccomp_data.args` starts at byte 16; the low half of each comes first on little-endian machines.
    let offset = UInt32(16 + 8 * condition.argument)
    switch condition.test {
    case .equals(let value, mask: .max):
      return code.load(offset: offset, then: code.test(.equals(value), yes: yes, no: no))
    case .equals(let value, let mask):
      return code.load(offset: offset, then: code.and(mask, then: code.test(.equals(value), yes: yes, no: no)))
    case .differs(let value):
      return code.load(offset: offset, then: code.test(.equals(value), yes: no, no: yes))
    case .hasAnyBit(let mask):
      return code.load(offset: offset, then: code.test(.hasAnyBit(of: mask), yes: yes, no: no))
    }
  }
}
