/// The limits of a worker's cgroup: cgroups(7) and the kernel's cgroup-v2 documentation. Nil leaves the kernel's default, which is no limit.
package struct CgroupPlan: Hashable, Sendable {
  /// Bytes. Above it something of the worker is ended; `memory.oom.group` makes that all of it.
  package var memoryMax: UInt64?
  /// Bytes. Above it the worker is slowed down and its memory reclaimed.
  package var memoryHigh: UInt64?
  package var cpu: CPUQuota?
  /// 1 to 10,000; 100 is the kernel's default. The share of the CPU when others want it too.
  package var cpuWeight: UInt32?
  /// Processes and threads together.
  package var tasksMax: UInt64?
  /// 1 to 10,000; 100 is the kernel's default.
  package var ioWeight: UInt32?
  package var io: IOLimit?
  /// Logical processors, as in `0-3,8`.
  package var processors: [UInt32]
  /// No swap, and the end of all of the worker when memory is short, even without a limit of memory of its own. A limit
  /// comes with both anyway.
  package var forbidsSwap: Bool

  /// Microseconds of processor time in every period.
  package struct CPUQuota: Hashable, Sendable {
    /// The kernel's own.
    package static let defaultPeriod: UInt64 = 100_000
    package var quota: UInt64
    package var period: UInt64
    package init(quota: UInt64, period: UInt64 = Self.defaultPeriod) {
      self.quota = quota
      self.period = period
    }

    /// The kernel takes no quota below a millisecond.
    package init(cores: Double) {
      let microseconds = (cores * Double(Self.defaultPeriod)).rounded()
      self.init(quota: max(1_000, UInt64(max(0, min(microseconds, 1e12)))))
    }
    package var cores: Double { Double(quota) / Double(period) }
  }

  package init(
    memoryMax: UInt64? = nil, memoryHigh: UInt64? = nil, cpu: CPUQuota? = nil, cpuWeight: UInt32? = nil,
    tasksMax: UInt64? = nil, ioWeight: UInt32? = nil, io: IOLimit? = nil, processors: [UInt32] = [],
    forbidsSwap: Bool = false
  ) {
    self.memoryMax = memoryMax
    self.memoryHigh = memoryHigh
    self.cpu = cpu
    self.cpuWeight = cpuWeight
    self.tasksMax = tasksMax
    self.ioWeight = ioWeight
    self.io = io
    self.processors = processors
    self.forbidsSwap = forbidsSwap
  }

  /// A controller of the tree; each has to be enabled in every group above the worker's.
  package enum Controller: String, CaseIterable, Comparable, Sendable {
    case cpu
    case cpuset
    case io
    case memory
    case pids
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  /// A file of the worker's group that holds a limit.
  package enum File: String, CaseIterable, Sendable {
    case memoryMax = "memory.max"
    case memoryHigh = "memory.high"
    case swapMax = "memory.swap.max"
    case endsWhole = "memory.oom.group"
    case cpuMax = "cpu.max"
    case cpuWeight = "cpu.weight"
    case tasksMax = "pids.max"
    case ioWeight = "io.weight"
    case ioMax = "io.max"
    case processors = "cpuset.cpus"

    package var controller: Controller {
      switch self {
      case .memoryMax, .memoryHigh, .swapMax, .endsWhole: .memory
      case .cpuMax, .cpuWeight: .cpu
      case .tasksMax: .pids
      case .ioWeight, .ioMax: .io
      case .processors: .cpuset
      }
    }

    /// What a new group has.
    var unlimited: String {
      switch self {
      case .memoryMax, .memoryHigh, .swapMax, .tasksMax: "max"
      case .cpuMax: "max \(CPUQuota.defaultPeriod)"
      case .endsWhole: "0"
      case .cpuWeight: "100"
      case .ioWeight: "default 100"
      case .processors, .ioMax: ""
      }
    }
  }

  /// One file and what is written to it.
  package struct Setting: Hashable, Sendable {
    package var file: File
    package var value: String
    package init(_ file: File, _ value: String) {
      self.file = file
      self.value = value
    }
  }

  /// In the order in which they are written. A limit of memory comes with no swap and with the end of the whole group.
  package var settings: [Setting] { File.allCases.compactMap { file in value(of: file).map { Setting(file, $0) } } }

  var holdsMemory: Bool { forbidsSwap || memoryMax != nil }

  private func value(of file: File) -> String? {
    switch file {
    case .memoryMax: memoryMax.map(String.init)
    case .memoryHigh: memoryHigh.map(String.init)
    case .swapMax: holdsMemory ? "0" : nil
    case .endsWhole: holdsMemory ? "1" : nil
    case .cpuMax: cpu.map { "\($0.quota) \($0.period)" }
    case .cpuWeight: cpuWeight.map(String.init)
    case .tasksMax: tasksMax.map(String.init)
    case .ioWeight: ioWeight.map { "default \($0)" }
    case .ioMax: io?.text
    case .processors: processors.isEmpty ? nil : Self.ranges(processors)
    }
  }

  package var controllers: Set<Controller> { Set(settings.map(\.file.controller)) }

  /// What has to be written to turn a group that has `old` into one that has this plan. A limit that is gone is lifted.
  package func changes(from old: CgroupPlan) -> [Setting] {
    File.allCases.flatMap { file -> [Setting] in
      let (before, now) = (old.value(of: file), value(of: file))
      if before == now { return [] }
      guard file == .ioMax else { return [Setting(file, now ?? file.unlimited)] }
      // A line a disk: the old one's stays until it is lifted by name.
      let lifted = old.io.flatMap { $0.lifted == io?.lifted ? nil : $0.lifted.text }
      return [lifted, now].compactMap { $0.map { Setting(file, $0) } }
    }
  }

  /// `0-3,8`, sorted and without repetition.
  static func ranges(_ numbers: [UInt32]) -> String {
    var ranges: [ClosedRange<UInt32>] = []
    for number in Set(numbers).sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(
      separator: ",")
  }
}
