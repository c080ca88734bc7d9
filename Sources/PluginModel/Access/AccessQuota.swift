/// How much one access token may have at one time. Nil: no bound of its own.
package struct AccessQuota: Hashable, Sendable {
  package static let runLimits = 1...100_000
  /// Thousandths of a processor.
  package static let cpuLimits = 10...Int(ResourceRequirement.maximumCPUCores) * 1000
  package static let gpuLimits = 0...ResourceRequirement.maximumGPUCount

  /// Runs that haven't ended.
  package var runs: Int?
  /// Thousandths of a processor that the token's nodes hold together.
  package var cpuMilli: Int?
  /// Mebibytes that they hold together.
  package var memoryMB: Int?
  /// GPUs that they hold together; 0: none. Parts of GPUs count as such parts.
  package var gpus: Int?

  package init(runs: Int? = nil, cpuMilli: Int? = nil, memoryMB: Int? = nil, gpus: Int? = nil) {
    self.runs = runs
    self.cpuMilli = cpuMilli
    self.memoryMB = memoryMB
    self.gpus = gpus
  }

  package var isEmpty: Bool { self == AccessQuota() }
}

// MARK: Text

extension AccessQuota: CustomStringConvertible {
  private enum Word: String, CaseIterable { case runs, cpu, memory, gpus }

  package static let grammar = "amounts of \(Word.allCases.map(\.rawValue).joined(separator: ", ")), each at most once"
  package static let example = "runs=4,cpu=2,memory=8Gi,gpus=1"
  private static let hint = "use \(grammar): \(example)"

  /// Of a command line: `runs=4,cpu=2,memory=8Gi,gpus=1`.
  package init(_ text: String) throws(Diagnostic) {
    self.init()
    var words: Set<Word> = []
    guard text.utf8.count <= 256 else {
      throw Diagnostic("the quota is longer than 256 bytes", hint: Self.hint)
    }
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard halves.count == 2 else {
        throw Diagnostic("\(String(part).quoted) in the quota is no amount", hint: Self.hint)
      }
      guard let word = Word(rawValue: halves[0]) else {
        throw Diagnostic(
          "the quota knows no \(halves[0].quoted)",
          hint: Suggestion.hint(for: halves[0], among: Word.allCases.map(\.rawValue)) ?? Self.hint)
      }
      guard words.insert(word).inserted else {
        throw Diagnostic("the quota says \(word.rawValue) twice", hint: "say it once")
      }
      try set(word, halves[1])
    }
  }

  private mutating func set(_ word: Word, _ text: String) throws(Diagnostic) {
    switch word {
    case .runs: runs = try Self.whole(word, text, Self.runLimits)
    case .gpus: gpus = try Self.whole(word, text, Self.gpuLimits)
    case .cpu:
      guard let milli = Self.thousandths(text), Self.cpuLimits.contains(milli) else {
        let limits = "\(LimitBounds.cpuCores.lowerBound) to \(Self.cpuLimits.upperBound / 1000)"
        throw Diagnostic(
          "\(text.quoted) processors can't be a quota", hint: "write a number from \(limits), for example cpu=1.5")
      }
      cpuMilli = milli
    case .memory:
      guard let bytes = Quantity.memory(text), case let mebibytes = Int((bytes + (1 << 20) - 1) >> 20),
        LimitBounds.memoryMB.contains(mebibytes)
      else {
        throw Diagnostic(
          "\(text.quoted) of memory can't be a quota",
          hint: "write a whole number and one of Ki, Mi, Gi, Ti, K, M, G, T, for example memory=8Gi; "
            + "from \(LimitBounds.memoryMB.lowerBound)Mi to 1024Ti")
      }
      memoryMB = mebibytes
    }
  }

  private static func whole(_ word: Word, _ text: String, _ limits: ClosedRange<Int>) throws(Diagnostic) -> Int {
    guard let number = StrictDecimal.value(text.utf8, maximum: limits.upperBound), limits.contains(number) else {
      throw Diagnostic(
        "\(text.quoted) \(word.rawValue) can't be a quota",
        hint: "write a whole number from \(limits.lowerBound) to \(limits.upperBound)")
    }
    return number
  }

  /// Of a number with at most three digits after its point.
  private static func thousandths(_ text: String) -> Int? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let first = parts.first, let whole = StrictDecimal.value(first.utf8, maximum: 1 << 20)
    else {
      return nil
    }
    guard parts.count == 2, let last = parts.last else { return whole * 1000 }
    let isFraction = (1...3).contains(last.utf8.count) && last.utf8.allSatisfy(\.isDigit)
    guard isFraction, let fraction = Int(last + String(repeating: "0", count: 3 - last.utf8.count)) else { return nil }
    return whole * 1000 + fraction
  }

  /// What reads as itself; empty where nothing is bounded.
  package var description: String {
    var parts: [(Word, String)] = []
    if let runs { parts.append((.runs, "\(runs)")) }
    if let cpuMilli { parts.append((.cpu, Self.decimal(cpuMilli))) }
    if let memoryMB {
      parts.append((.memory, memoryMB.isMultiple(of: 1024) ? "\(memoryMB / 1024)Gi" : "\(memoryMB)Mi"))
    }
    if let gpus { parts.append((.gpus, "\(gpus)")) }
    return parts.map { "\($0.0.rawValue)=\($0.1)" }.joined(separator: ",")
  }

  private static func decimal(_ milli: Int) -> String {
    guard !milli.isMultiple(of: 1000) else { return "\(milli / 1000)" }
    var digits = String(String(milli % 1000 + 1000).dropFirst())
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(milli / 1000).\(digits)"
  }
}

// MARK: JSON

extension AccessQuota {
  private enum Key: String, CaseIterable {
    case runs, gpus
    case cpuMilli = "cpu_milli"
    case memoryMB = "memory_mb"
  }

  /// What isn't bounded isn't there.
  package var jsonValue: JSONValue {
    let amounts: [(Key, Int?)] = [(.runs, runs), (.cpuMilli, cpuMilli), (.memoryMB, memoryMB), (.gpus, gpus)]
    return .object(
      amounts.compactMap { key, amount in amount.map { JSONValue.Member(key.rawValue, .integer(Int64($0))) } })
  }

  /// What is wrong is reported at its place.
  package init?(_ value: ValueReader) {
    guard let fields = value.mapping(Key.self) else { return nil }
    self.init(
      runs: fields.optional(.runs)?.integer(in: Self.runLimits),
      cpuMilli: fields.optional(.cpuMilli)?.integer(in: Self.cpuLimits),
      memoryMB: fields.optional(.memoryMB)?.integer(in: LimitBounds.memoryMB),
      gpus: fields.optional(.gpus)?.integer(in: Self.gpuLimits))
  }

  /// Reads what ``jsonValue`` wrote.
  package init(json bytes: [UInt8]) throws(Diagnostics) {
    let report = DocumentReport(file: "quota", limits: .message)
    let quota = report.read(bytes, syntax: .json).flatMap { AccessQuota($0) }
    try report.check()
    guard let quota else { throw Diagnostics([Diagnostic("the quota can't be read")]) }
    self = quota
  }
}
