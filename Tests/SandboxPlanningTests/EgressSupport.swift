import PluginModel
import SandboxPlanning
import Testing

func egressPolicy(_ granted: [String], _ network: OperatorNetwork = OperatorNetwork()) throws -> EgressPolicy {
  try EgressPolicy(granted: granted.map { try Permission($0) }, operator: network)
}

func privateNetworks(_ texts: String...) throws -> OperatorNetwork {
  let place = PluginModel.SourceLocation(file: "s.yaml", line: 1, column: 1)
  return OperatorNetwork(privateNetworks: try texts.map { Located(try PrivateNetwork($0), at: place) })
}

func allowedHosts(_ texts: String...) throws -> OperatorNetwork {
  let place = PluginModel.SourceLocation(file: "s.yaml", line: 4, column: 9)
  return OperatorNetwork(allowedHosts: Located(try texts.map { try HostPattern($0) }, at: place))
}

func address(_ text: String) throws -> NetworkAddress { try #require(NetworkAddress(text), "\(text) is no address") }

func bytes(hex: String) -> [UInt8] {
  let digits = Array(hex.utf8.filter { $0 != 32 && $0 != 10 })
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
    UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
  }
}

/// The bytes in pieces of random size, none of them empty.
func pieces(_ bytes: [UInt8], _ random: inout SplitMix64, upTo size: Int = 40) -> [[UInt8]] {
  var result: [[UInt8]] = []
  var start = 0
  while start < bytes.count {
    let end = min(bytes.count, start + Int.random(in: 1...size, using: &random))
    result.append(Array(bytes[start..<end]))
    start = end
  }
  return result
}

/// With some bytes changed, taken out or put in.
func damaged(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.remove(at: place)
    case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    default: bytes.removeSubrange(place...)
    }
  }
  return bytes
}

/// Messages of TLS as a client writes them.
enum MadeHello {
  static func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
    (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
  }

  static func serverName(_ name: [UInt8], kind: UInt8 = 0) -> [UInt8] { [kind] + vector(name, lengthBytes: 2) }

  static func serverNameExtension(_ names: [[UInt8]]) -> [UInt8] {
    [0, 0] + vector(vector(Array(names.joined()), lengthBytes: 2), lengthBytes: 2)
  }

  /// The message with its head of four bytes, without a record.
  static func message(_ extensions: [[UInt8]]?) -> [UInt8] {
    var body: [UInt8] = [3, 3] + Array(repeating: 7, count: 32)
    body += vector([], lengthBytes: 1) + vector([0x13, 0x01], lengthBytes: 2) + vector([0], lengthBytes: 1)
    if let extensions { body += vector(Array(extensions.joined()), lengthBytes: 2) }
    return [1] + vector(body, lengthBytes: 3)
  }

  static func record(_ fragment: [UInt8]) -> [UInt8] { [22, 3, 1] + vector(fragment, lengthBytes: 2) }

  static func hello(_ name: String?) -> [UInt8] {
    let other: [UInt8] = [0, 0x2B] + vector([2, 3, 4], lengthBytes: 2)
    return record(message((name.map { [serverNameExtension([serverName(Array($0.utf8))])] } ?? []) + [other]))
  }
}
