import PluginModel

extension CgroupPlan {
  /// The members of `linux.resources`. Where the specification has a word of its own that says exactly this, it is used;
  /// the rest goes by the names of the kernel's files under `unified`, which a host without cgroup v2 refuses. Weights
  /// are there because runtimes disagree in how they turn the version 1 `shares` into one.
  var ociMembers: [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if let memoryMax {
      // `swap` is memory and swap together: as much as `limit` is none.
      let limit = JSONValue.integer(Int64(clamping: memoryMax))
      members.append(JSONValue.Member("memory", ["limit": limit, "swap": limit]))
    }
    var processor: [JSONValue.Member] = []
    if let cpu {
      processor.append(JSONValue.Member("quota", .integer(Int64(clamping: cpu.quota))))
      processor.append(JSONValue.Member("period", .integer(Int64(clamping: cpu.period))))
    }
    if !processors.isEmpty { processor.append(JSONValue.Member("cpus", .string(Self.ranges(processors)))) }
    if !processor.isEmpty { members.append(JSONValue.Member("cpu", .object(processor))) }
    if let tasksMax { members.append(JSONValue.Member("pids", ["limit": .integer(Int64(clamping: tasksMax))])) }
    let unified = settings.filter { setting in
      switch setting.file {
      case .memoryMax, .cpuMax, .tasksMax, .processors: false
      case .swapMax: memoryMax == nil
      case .memoryHigh, .endsWhole, .cpuWeight, .ioWeight, .ioMax: true
      }
    }
    if !unified.isEmpty {
      members.append(
        JSONValue.Member("unified", .object(unified.map { JSONValue.Member($0.file.rawValue, .string($0.value)) })))
    }
    return members
  }
}
