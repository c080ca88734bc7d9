/// What a metric is to Prometheus.
package enum MetricKind: Hashable, Sendable {
  case counter
  case gauge
  /// With the upper bounds of its buckets, ascending, without +Inf.
  case histogram([Double])

  var word: String {
    switch self {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }
}

/// The name of a metric as Prometheus has it: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
struct MetricName: Hashable, Comparable {
  static let maximumBytes = 200
  let text: String

  /// What can't stand in a name becomes `_`. - Parameter suffix: a unit or `_total`, where the label doesn't end with it.
  init(_ label: String, suffix: String = "") {
    let name = Self.cleaned(label, alsoHolding: UInt8(ascii: ":"))
    text = name.hasSuffix(suffix) ? name : name + suffix
  }

  /// The names of its samples: no other metric may have one of them.
  func samples(_ kind: MetricKind) -> [String] {
    switch kind {
    case .counter, .gauge: [text]
    case .histogram: [text, "\(text)_bucket", "\(text)_sum", "\(text)_count"]
    }
  }

  static func < (left: Self, right: Self) -> Bool { left.text < right.text }

  fileprivate static func cleaned(_ text: String, alsoHolding other: UInt8? = nil) -> String {
    var bytes = text.utf8.prefix(maximumBytes).map { $0.isNameByte || $0 == other ? $0 : UInt8(ascii: "_") }
    if bytes.first.map(\.isDecimalDigit) ?? true { bytes.insert(UInt8(ascii: "_"), at: 0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What tells one series of a metric from the others, in the order of the names: `method="GET",status="200"`.
struct LabelSet: Hashable, Comparable {
  static let maximumCount = 16
  /// Unicode scalars of a value; more are cut.
  static let maximumValue = 256
  /// Of all that came after a metric had as many series as it may.
  static let overflow = LabelSet([("overflow", "true")])

  let text: String

  /// Of a name that comes twice the first counts; what is beyond the number is left out.
  init(_ dimensions: [(String, String)]) {
    var pairs: [(name: String, value: String)] = []
    for (name, value) in dimensions.prefix(Self.maximumCount) {
      let name = Self.name(name)
      if !pairs.contains(where: { $0.name == name }) { pairs.append((name, value)) }
    }
    text = pairs.sorted { $0.name < $1.name }.map { name, value in
      "\(name)=\"\(ExpositionText.escaped(value, limit: Self.maximumValue))\""
    }.joined(separator: ",")
  }

  /// With the bound of a bucket, which no label of ours has the name of.
  func text(within bound: String) -> String { text + (text.isEmpty ? "" : ",") + "le=\"\(bound)\"" }

  static func < (left: Self, right: Self) -> Bool { left.text < right.text }

  /// `[a-zA-Z_][a-zA-Z0-9_]*`; what begins with `__` is Prometheus' own, and `le` the bucket's.
  private static func name(_ text: String) -> String {
    let name = MetricName.cleaned(text)
    return name.hasPrefix("__") || name == "le" ? "label_" + name : name
  }
}

extension UInt8 {
  fileprivate var isDecimalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  fileprivate var isNameByte: Bool {
    isDecimalDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
  }
}

extension Unicode.Scalar {
  /// C0, DEL and C1, and what ends lines or turns the direction of text.
  var isControl: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
