/// What the filter answers to one system call. The numbers are those of seccomp(2).
package enum SystemCallVerdict: Hashable, Sendable {
  case allow
  /// The call waits until `sandbox-init` has answered it, seccomp_unotify(2).
  case notify
  /// As `fail(.notPermitted)`, by `sandbox-init`, which also tells what was tried.
  case refuse
  /// The call isn't made and fails with this error.
  case fail(Failure)
  /// The whole process is killed with SIGSYS: for calls in another architecture's numbering, which no honest
  /// program makes.
  case kill

  package enum Failure: UInt16, Sendable {
    /// Known, and forbidden on purpose.
    case notPermitted = 1
    /// As on a kernel that lacks the call, so that libraries fall back to an older one.
    case notImplemented = 38

    package var symbol: String {
      switch self {
      case .notPermitted: "EPERM"
      case .notImplemented: "ENOSYS"
      }
    }
  }

  /// SECCOMP_RET_*, with the error in the low 16 bits.
  package var returnValue: UInt32 {
    switch self {
    case .allow: 0x7FFF_0000
    case .notify, .refuse: 0x7FC0_0000
    case .fail(let failure): 0x0005_0000 | UInt32(failure.rawValue)
    case .kill: 0x8000_0000
    }
  }

  /// The error that whoever makes the call sees; nil where it isn't always one.
  package var error: Failure? {
    switch self {
    case .refuse: .notPermitted
    case .fail(let failure): failure
    case .allow, .notify, .kill: nil
    }
  }

  /// How much a worker can do with it: a larger number is the wider verdict.
  var width: Int {
    switch self {
    case .kill: 0
    case .fail, .refuse: 1
    case .notify: 2
    case .allow: 3
    }
  }
}

extension SystemCallVerdict: CustomStringConvertible {
  package var description: String {
    switch self {
    case .allow: "allow"
    case .notify: "ask sandbox-init"
    case .refuse: Failure.notPermitted.symbol
    case .fail(let failure): failure.symbol
    case .kill: "kill"
    }
  }
}

/// A test of one argument. Only the low 32 bits are looked at, because the kernel takes every argument tested here as
/// an `int` or shorter: a filter that compares all 64 bits is passed by setting a high one (CVE-2019-10063).
package struct ArgumentCondition: Hashable, Sendable {
  package enum Test: Hashable, Sendable {
    case equals(UInt32, mask: UInt32)
    case differs(from: UInt32)
    case hasAnyBit(of: UInt32)
  }
  /// From 0 to 5.
  package var argument: Int
  package var test: Test

  package init(argument: Int, _ test: Test) {
    self.argument = argument
    self.test = test
  }

  package func holds(for arguments: [UInt64]) -> Bool {
    let value = UInt32(truncatingIfNeeded: arguments.indices.contains(argument) ? arguments[argument] : 0)
    return switch test {
    case .equals(let expected, let mask): value & mask == expected
    case .differs(let other): value != other
    case .hasAnyBit(let mask): value & mask != 0
    }
  }
}

/// A verdict that holds when every condition does.
package struct ArgumentRule: Hashable, Sendable {
  package var conditions: [ArgumentCondition]
  package var verdict: SystemCallVerdict
  /// In words, for the plan: `creating a set-user-ID file`.
  package var meaning: String

  package init(_ conditions: [ArgumentCondition], _ verdict: SystemCallVerdict, meaning: String) {
    self.conditions = conditions
    self.verdict = verdict
    self.meaning = meaning
  }
}

/// How the filter answers one system call: the first rule whose conditions hold, else `otherwise`.
package struct SystemCallRule: Hashable, Sendable {
  package var name: String
  package var number: Int
  package var rules: [ArgumentRule]
  package var otherwise: SystemCallVerdict

  package init(name: String, number: Int, rules: [ArgumentRule] = [], otherwise: SystemCallVerdict) {
    self.name = name
    self.number = number
    self.rules = rules
    self.otherwise = otherwise
  }

  package func verdict(for arguments: [UInt64]) -> SystemCallVerdict {
    rules.first { $0.conditions.allSatisfy { $0.holds(for: arguments) } }?.verdict ?? otherwise
  }

  /// The widest verdict that some argument gets.
  package var widest: SystemCallVerdict {
    rules.map(\.verdict).reduce(otherwise) { $1.width > $0.width ? $1 : $0 }
  }
}

extension SeccompPlan {
  /// What the filter answers, by the rules it was assembled from. `number` is that of the plan's own architecture.
  package func verdict(number: Int, arguments: [UInt64] = []) -> SystemCallVerdict {
    rule(number: number)?.verdict(for: arguments) ?? .fail(.notImplemented)
  }

  /// The rule for a number, or nil where the profile names no such call.
  package func rule(number: Int) -> SystemCallRule? {
    var low = 0
    var high = calls.count
    while low < high {
      let middle = (low + high) / 2
      if calls[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low < calls.count && calls[low].number == number ? calls[low] : nil
  }
}
