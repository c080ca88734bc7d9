import Testing

@testable import SandboxPlanning

@Suite("The limits of a cgroup")
struct CgroupPlanTests {
  private static let full = CgroupPlan(
    memoryMax: 256 << 20, memoryHigh: 200 << 20, cpu: .init(cores: 0.5), cpuWeight: 50, tasksMax: 64, ioWeight: 20,
    io: IOLimit(major: 8, minor: 16, readBytes: 1 << 20, writes: 100), processors: [8, 0, 1, 2, 2])

  @Test("are written as the kernel reads them")
  func values() {
    #expect(
      Self.full.settings.map { "\($0.file.rawValue)=\($0.value)" } == [
        "memory.max=268435456", "memory.high=209715200", "memory.swap.max=0", "memory.oom.group=1",
        "cpu.max=50000 100000", "cpu.weight=50", "pids.max=64", "io.weight=default 20",
        "io.max=8:16 rbps=1048576 wbps=max riops=max wiops=100", "cpuset.cpus=0-2,8",
      ])
    #expect(Self.full.controllers == Set(CgroupPlan.Controller.allCases))
    #expect(CgroupPlan().settings.isEmpty)
  }

  @Test("of memory never come without the end of swap, and of all of the worker")
  func memory() {
    let files = Set(CgroupPlan(memoryMax: 1 << 20).settings.map(\.file))
    #expect(files == [.memoryMax, .swapMax, .endsWhole])
    #expect(CgroupPlan(forbidsSwap: true).settings.map(\.file) == [.swapMax, .endsWhole])
    #expect(CgroupPlan(memoryHigh: 1 << 20).settings.map(\.file) == [.memoryHigh])
  }

  @Test("are written only where they changed, and lifted where they are gone")
  func changes() {
    #expect(Self.full.changes(from: Self.full).isEmpty)
    #expect(Self.full.changes(from: CgroupPlan()) == Self.full.settings)
    let lifted = CgroupPlan().changes(from: Self.full)
    #expect(lifted.map(\.file) == CgroupPlan.File.allCases)
    #expect(lifted.first { $0.file == .ioWeight }?.value == "default 100")
    var more = Self.full
    more.memoryMax = 512 << 20
    #expect(more.changes(from: Self.full) == [.init(.memoryMax, "536870912")])
    var other = Self.full
    other.io = IOLimit(major: 8, minor: 0, reads: 50)
    #expect(
      other.changes(from: Self.full).map(\.value) == [
        "8:16 rbps=max wbps=max riops=max wiops=max", "8:0 rbps=max wbps=max riops=50 wiops=max",
      ])
  }

  @Test("of a disk are wider when any amount is, when one is missing, and when it is another disk")
  func disks() {
    let limit = IOLimit(major: 8, minor: 0, readBytes: 1 << 20, reads: 50)
    #expect(!limit.isWider(than: limit) && !limit.isWider(than: limit.lifted))
    #expect(limit.lifted.isWider(than: limit))
    #expect(IOLimit(major: 8, minor: 0, readBytes: 1 << 20, reads: 51).isWider(than: limit))
    #expect(IOLimit(major: 8, minor: 1, readBytes: 1 << 20, reads: 50).isWider(than: limit))
    #expect(limit.words == "8:0, 1Mi read, 50 reads a second")
  }

  @Test(
    "of processor time stay within what the kernel takes, whatever is asked",
    arguments: [
      (0.0, 1_000), (0.001, 1_000), (0.5, 50_000), (1.0, 100_000), (64.0, 6_400_000), (1e300, 1_000_000_000_000),
      (-1.0, 1_000),
    ])
  func quota(cores: Double, microseconds: UInt64) {
    #expect(CgroupPlan.CPUQuota(cores: cores).quota == microseconds)
  }
}
