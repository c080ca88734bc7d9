import PluginModel
import Testing

/// SplitMix64: the same seed gives the same run.
struct SplitMix64: RandomNumberGenerator {
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

/// The diagnostics that `body` throws, one line each without hints; empty where it throws nothing.
func problems(_ body: () throws(Diagnostics) -> Void) -> [String] {
  do throws(Diagnostics) {
    try body()
    return []
  } catch {
    return error.items.map { String($0.description.prefix { $0 != "\n" }) }
  }
}

/// The hints of the diagnostics that `body` throws.
func hints(_ body: () throws(Diagnostics) -> Void) -> [String] {
  do throws(Diagnostics) {
    try body()
    return []
  } catch {
    return error.items.compactMap(\.hint)
  }
}

func yaml(_ text: String, limits: DocumentLimits = .file) throws(Diagnostics) -> DocumentNode {
  try DocumentNode(yaml: Array(text.utf8), file: "f.yaml", limits: limits)
}

/// A random value, for round trips.
func randomValue(_ generator: inout SplitMix64, depth: Int = 4) -> JSONValue {
  switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &generator) {
  case 0: return .null
  case 1: return .bool(.random(using: &generator))
  case 2: return .integer(Int64(bitPattern: generator.next()) >> Int64.random(in: 0...63, using: &generator))
  case 3:
    let number = Double(bitPattern: generator.next())
    return .double(number.isFinite ? number : 0.5)
  case 4: return .string(randomText(&generator))
  case 5:
    return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in randomValue(&generator, depth: depth - 1) })
  default:
    return .object(
      (0..<Int.random(in: 0...20, using: &generator)).map { position in
        JSONValue.Member("\(position):" + randomText(&generator), randomValue(&generator, depth: depth - 1))
      })
  }
}

func randomText(_ generator: inout SplitMix64) -> String {
  var text = ""
  for _ in 0..<Int.random(in: 0...8, using: &generator) {
    let range: ClosedRange<UInt32> =
      [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF].randomElement(using: &generator) ?? 0...0
    if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) { text.unicodeScalars.append(scalar) }
  }
  return text
}
