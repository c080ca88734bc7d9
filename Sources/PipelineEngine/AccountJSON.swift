import PluginModel

// What a node used, as `--output json` and `--output jsonl` print it. Every name ends with its unit. What the host doesn't count is
// null, never 0.

extension NodeAccount {
  var jsonMembers: [JSONValue.Member] {
    [
      .init("usage", usage?.jsonValue ?? .null), .init("limits_reached", .array(limits.map(\.jsonValue))),
      .init("limits", .array(held.map(\.jsonValue))),
    ] + denialMembers + (egress.map { [.init("network", $0.jsonValue)] } ?? [])
  }
}

extension ResourceUsage {
  package var jsonValue: JSONValue {
    .object([
      .init("cpu_us", .count(processorMicroseconds)), .init("cpu_throttled_us", .count(throttledMicroseconds)),
      .init("cpu_throttled_share", throttledShare.map { .double($0.thousandths) } ?? .null),
      .init("memory_peak_bytes", .count(memoryPeak?.bytes)),
      .init("memory_peak_of", memoryPeak.map { .string($0.scope.rawValue) } ?? .null),
      .init("memory_peak_by", memoryPeak.map { $0.isSampled ? "supervisor" : "kernel" } ?? .null),
      .init("memory_pressure_us", .count(memoryPressureMicroseconds)), .init("read_bytes", .count(bytesRead)),
      .init("written_bytes", .count(bytesWritten)), .init("tasks_refused_count", .count(refusedTasks)),
    ])
  }
}

extension EgressUse {
  package var jsonValue: JSONValue {
    .object([
      .init("connections_count", .count(connections)), .init("sent_bytes", .count(bytesSent)),
      .init("received_bytes", .count(bytesReceived)), .init("failures_count", .count(failures)),
      .init(
        "denied",
        .array(
          denials.map { denial in
            .object([
              .init("destination", .string(denial.destination)), .init("why", .string(denial.why)),
              .init("hint", denial.hint.map(JSONValue.string) ?? .null), .init("times_count", .count(denial.count)),
            ])
          })), .init("denied_further_count", .count(furtherDenials)),
    ])
  }
}

extension HeldLimits {
  package var jsonValue: JSONValue {
    .object([
      .init("attempt", .integer(Int64(attempt))), .init("memory_bytes", .count(memory)),
      .init("memory_by", memoryOrigin.map { .string($0.rawValue) } ?? .null),
      .init("processors", processors.map { .double($0.thousandths) } ?? .null),
      .init("processors_by", processorsOrigin.map { .string($0.rawValue) } ?? .null),
    ])
  }
}

extension LimitReached {
  package var jsonValue: JSONValue {
    .object([.init("limit", .string(kind.rawValue)), .init("told_by", .string(witness.rawValue))] + numbers)
  }

  private var numbers: [JSONValue.Member] {
    switch self {
    case .memory(let limit, let peak, _):
      [.init("limit_bytes", .count(limit)), .init("memory_peak_bytes", .count(peak))]
    case .processors(let limit, let share):
      [.init("limit_processors", .double(limit)), .init("cpu_throttled_share", .double(share.thousandths))]
    case .tasks(let limit, let refused):
      [.init("limit_count", .count(limit)), .init("tasks_refused_count", .count(refused))]
    case .openFiles(let limit): [.init("limit_count", .count(limit))]
    case .scratch(let path, let size): [.init("path", .string(path.text)), .init("limit_bytes", .count(size))]
    case .deadline(let milliseconds): [.init("limit_ms", .integer(milliseconds))]
    }
  }
}

extension JSONValue {
  /// Null where it isn't known. JSON's integers end at 2^63 here.
  static func count(_ number: UInt64?) -> JSONValue {
    number.map { .integer(Int64(clamping: $0)) } ?? .null
  }
}

extension Double {
  fileprivate var thousandths: Double { (self * 1000).rounded() / 1000 }
}
