import Testing

@testable import SandboxPlanning

@Suite("The device program")
struct DeviceProgramTests {
  @Test("allows what a rule says and nothing else, whatever is asked")
  func equalsItsRules() throws {
    var random = SplitMix64(seed: 20_261_124)
    for _ in 0..<300 {
      let rules = (0..<Int.random(in: 0...12, using: &random)).map { _ in Self.rule(&random) }
      let machine = try DeviceMachine(DeviceProgram(rules: rules).bytes)
      for _ in 0..<100 {
        var query = Self.rule(&random)
        if let near = rules.randomElement(using: &random), Bool.random(using: &random) {
          query.kind = near.kind
          query.major = near.major
          query.minor = near.minor ?? query.minor
        }
        let minor = query.minor ?? 0
        let expected = rules.contains { rule in
          rule.kind == query.kind && rule.major == query.major && (rule.minor == nil || rule.minor == minor)
            && query.access.isSubset(of: rule.access)
        }
        let answer = try machine.run(kind: query.kind, major: query.major, minor: minor, access: query.access)
        #expect(answer == expected, "\(query) with \(rules)")
      }
    }
  }

  @Test("without rules refuses everything")
  func refusesByDefault() throws {
    let machine = try DeviceMachine(DeviceProgram(rules: []).bytes)
    for kind in DeviceRule.Kind.allCases {
      #expect(try !machine.run(kind: kind, major: 1, minor: 3, access: .read))
    }
  }

  @Test("of a plan lets a worker open the devices that it sees, make a node of none, and open no other")
  func ofPlan() throws {
    let program = try #require(try plan().deviceProgram)
    #expect(program.rules.map(\.minor) == [3, 5, 7, 8, 9])
    let machine = try DeviceMachine(program.bytes)
    #expect(try machine.run(kind: .character, major: 1, minor: 3, access: [.read, .write]))
    #expect(try !machine.run(kind: .character, major: 1, minor: 3, access: .makeNode))
    #expect(try !machine.run(kind: .block, major: 1, minor: 3, access: .read))
    // /dev/mem and /dev/kmsg lie beside them.
    #expect(try !machine.run(kind: .character, major: 1, minor: 1, access: .read))
    #expect(try !machine.run(kind: .character, major: 1, minor: 11, access: .read))
  }

  @Test("of a device that is bound read-only lets nobody write to it, which the mount would allow")
  func readOnly() throws {
    var plan = try plan()
    let null = try #require(plan.bind(at: "/dev/null"))
    plan.filesystem.append(
      .bind(
        Bind(source: null.source, target: null.target, kind: .characterDevice(major: 195, minor: 7), access: .readOnly))
    )
    let machine = try DeviceMachine(try #require(plan.deviceProgram).bytes)
    #expect(try machine.run(kind: .character, major: 195, minor: 7, access: .read))
    #expect(try !machine.run(kind: .character, major: 195, minor: 7, access: .write))
  }

  @Test("is not there where the host can't have one, and the plan says what keeps devices out instead")
  func unavailable() throws {
    var host = try debianHost()
    host.deviceGuard = .mounts(why: "bpf: EPERM")
    let without = try plan(host: host)
    #expect(without.deviceProgram == nil)
    #expect(without.text.contains("  others are kept out by nodev mounts and the user namespace alone: bpf: EPERM\n"))
    #expect(without.jsonValue["devices"]?["enforcement"] == "mounts")
    #expect(without.jsonValue["devices"]?["why"] == "bpf: EPERM")
    let whole = try plan()
    #expect(whole.jsonValue["devices"]?["enforcement"] == "kernel")
    #expect(without.widenings(over: whole).count == 1 && whole.widenings(over: without) == [])
    #expect(without.ociConfiguration()["linux"]?["resources"] == whole.ociConfiguration()["linux"]?["resources"])
  }

  @Test("of the OCI configuration is the same: no device but those of the plan")
  func exported() throws {
    let devices = try plan().ociConfiguration()["linux"]?["resources"]?["devices"]?.arrayValue
    #expect(devices?.first == ["allow": false, "access": "rwm"])
    #expect(devices?.dropFirst().compactMap { $0["minor"] } == [3, 5, 7, 8, 9])
    #expect(devices?.dropFirst().allSatisfy { $0["access"] == "rw" && $0["allow"] == true } == true)
  }

  /// Few numbers, so that they meet; and numbers with the sign bit, which a jump must not extend.
  private static func rule(_ random: inout SplitMix64) -> DeviceRule {
    let numbers: [UInt32] = [0, 1, 3, 195, 255, 0x7FFF_FFFF, 0x8000_0000, .max]
    return DeviceRule(
      Bool.random(using: &random) ? .block : .character, numbers[Int.random(in: 0..<numbers.count, using: &random)],
      Int.random(in: 0..<4, using: &random) == 0 ? nil : numbers[Int.random(in: 0..<numbers.count, using: &random)],
      DeviceAccess(rawValue: UInt8.random(in: 1...7, using: &random)))
  }
}

/// Runs a program as RFC 9669 says, independently of how it was made; refuses what the kernel's verifier would.
struct DeviceMachine {
  struct Refusal: Error { var what: String }
  private struct Instruction {
    var code: UInt8
    var to: Int
    var from: Int
    var offset: Int
    var value: Int32
  }
  private let instructions: [Instruction]

  init(_ bytes: [UInt8]) throws {
    guard bytes.count % 8 == 0 else { throw Refusal(what: "half an instruction") }
    instructions = stride(from: 0, to: bytes.count, by: 8).map { start in
      let at = bytes[start..<start + 8].map { $0 }
      return Instruction(
        code: at[0], to: Int(at[1] & 15), from: Int(at[1] >> 4),
        offset: Int(Int16(bitPattern: UInt16(at[2]) | UInt16(at[3]) << 8)),
        value: Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(at[4 + $1]) << ($1 * 8) }))
    }
  }

  func run(kind: DeviceRule.Kind, major: UInt32, minor: UInt32, access: DeviceAccess) throws -> Bool {
    let wanted: UInt32 =
      (access.contains(.makeNode) ? 1 : 0) | (access.contains(.read) ? 2 : 0) | (access.contains(.write) ? 4 : 0)
    let context = [wanted << 16 | UInt32(kind.rawValue), major, minor]
    var registers = [UInt64?](repeating: nil, count: 11)
    let contextAddress: UInt64 = 1 << 40
    registers[1] = contextAddress
    func read(_ index: Int) throws -> UInt64 {
      guard let value = registers[index] else { throw Refusal(what: "r\(index) was never set") }
      return value
    }
    var at = 0
    while at < instructions.count {
      let next = instructions[at]
      at += 1
      let signed = UInt64(bitPattern: Int64(next.value))
      switch next.code {
      case 0x61:
        guard try read(next.from) == contextAddress, [0, 4, 8].contains(next.offset) else {
          throw Refusal(what: "a load outside of the context")
        }
        registers[next.to] = UInt64(context[next.offset / 4])
      case 0xBF: registers[next.to] = try read(next.from)
      case 0x77: registers[next.to] = try read(next.to) >> (signed & 63)
      case 0x57: registers[next.to] = try read(next.to) & signed
      case 0xB7: registers[next.to] = signed
      case 0x56:
        if UInt32(truncatingIfNeeded: try read(next.to)) != UInt32(bitPattern: next.value) { at += next.offset }
      case 0x45: if try read(next.to) & signed != 0 { at += next.offset }
      case 0x95: return try read(0) == 1
      default: throw Refusal(what: "the opcode \(next.code)")
      }
    }
    throw Refusal(what: "no end")
  }
}
