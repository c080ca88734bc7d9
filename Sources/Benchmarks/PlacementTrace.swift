import Scheduling

/// Hosts and nodes of a trace of a GPU cluster: `nodes.csv` and `pods.csv` as in the GPU trace v2023 of alibaba/clusterdata.
struct PlacementTrace {
  var hosts: [HostCapacity] = []
  var requests: [ResourceRequest] = []

  init(directory: String) throws {
    for (index, fields) in try Self.rows(directory + "/nodes.csv", columns: 5).enumerated() {
      let devices = (0..<(try Self.number(fields[3]))).map { GPUDevice(id: GPUIdentifier("\($0)"), memory: 0) }
      hosts.append(
        HostCapacity(
          name: HostIdentifier("\(fields[0])#\(index)"), cpuMilli: try Self.number(fields[1]),
          memory: try Self.number(fields[2]) << 20, devices: devices))
    }
    for fields in try Self.rows(directory + "/pods.csv", columns: 5) {
      let count = try Self.number(fields[3])
      let milli = fields[4].isEmpty ? 1000 : try Self.number(fields[4])
      let gpu: GPURequest =
        count == 0 ? .none : count == 1 && milli < 1000 ? .share(milli: milli) : .devices(count: count)
      requests.append(
        ResourceRequest(cpuMilli: try Self.number(fields[1]), memory: try Self.number(fields[2]) << 20, gpu: gpu))
    }
  }

  /// Thousandths of GPUs in all.
  var gpuCapacity: Int { hosts.reduce(0) { $0 + $1.devices.count * 1000 } }

  /// All requests, and more drawn from them until they ask for `load` times as many GPUs as there are; in an order drawn anew.
  func arrivals(load: Double, _ generator: inout SplitMix) -> [ResourceRequest] {
    var all = requests
    var asked = all.reduce(0) { $0 + Self.gpuMilli($1) }
    while let request = requests.randomElement(using: &generator) {
      asked += Self.gpuMilli(request)
      if Double(asked) > load * Double(gpuCapacity) { break }
      all.append(request)
    }
    return all.shuffled(using: &generator)
  }

  static func gpuMilli(_ request: ResourceRequest) -> Int {
    switch request.gpu {
    case .none: 0
    case .devices(let count, _, _): count * 1000
    case .share(let milli, _): milli
    }
  }

  private static func rows(_ path: String, columns: Int) throws -> [[Substring]] {
    let lines = String(decoding: try System.read(path), as: UTF8.self).split(separator: "\n").dropFirst()
    return try lines.map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count >= columns else { throw BenchmarkFailure("\(path): too few columns: \(line)") }
      return fields
    }
  }

  private static func number(_ text: Substring) throws -> Int {
    guard let value = Int(text), value >= 0 else { throw BenchmarkFailure("\(text) is no number") }
    return value
  }
}

/// SplitMix64: the same seed gives the same benchmark.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
