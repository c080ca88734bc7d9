import PluginModel

/// A short look at a value, for people. At most a few kilobytes are ever copied out of it.
struct ValuePreview: Sendable {
  private static let limit = 4096
  let value: NodeValue

  private var start: [UInt8] {
    switch value.content {
    case .inline(let bytes): Array(bytes.prefix(Self.limit))
    case .shared(let shared): (try? shared.prefix(Self.limit)) ?? []
    }
  }

  /// One line.
  var line: String {
    switch value.codec {
    case .json where value.byteCount <= Self.limit:
      let text = String(decoding: start, as: UTF8.self)
      // A text is shown as it reads, everything else as it is written.
      return SafeText.line((try? JSONValue(json: start))?.stringValue ?? text, limit: 200)
    case .json: return SafeText.line(String(decoding: start, as: UTF8.self), limit: 200)
    case .file: return "file \(SafeText.line(value.label, limit: 200)), \(size)"
    case .bytes: return "\(size) of bytes"
    case .numpy: return "NumPy array, \(size)"
    case .arrow: return "Arrow table, \(size)"
    }
  }

  private var size: String {
    let bytes = value.byteCount
    if bytes < 1024 { return "\(bytes) B" }
    let units = ["KiB", "MiB", "GiB", "TiB"]
    var (amount, unit) = (Double(bytes) / 1024, 0)
    while amount >= 1024, unit < units.count - 1 {
      amount /= 1024
      unit += 1
    }
    let tenths = Int((amount * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
