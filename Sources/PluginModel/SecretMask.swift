/// Takes secrets out of what is written: what is a part of one becomes `***`, however many there are and however they overlap. Beside
/// the value itself these are its lines, since tools print them one by one, and the value as JSON and URLs have it.
///
/// This keeps a command from telling a secret by mistake. One that wants to tell it can: reversed, in hexadecimal.
package struct SecretMask: Sendable {
  private static let replacement = Array("***".utf8)
  private let automaton: Automaton

  /// There are no secrets.
  package static let none = SecretMask([])

  package init(_ secrets: [Secret]) {
    var patterns: Set<[UInt8]> = []
    for secret in secrets {
      let lines = secret.value.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
      let json = Array(JSONValue.string(secret.value).text().utf8.dropFirst().dropLast())
      let forms = [Array(secret.value.utf8), json, Self.percentEncoded(secret.value)] + lines.map { Array($0) }
      patterns.formUnion(forms.filter { $0.count >= Secret.minimumBytes })
    }
    automaton = Automaton(patterns)
  }

  /// RFC 3986, section 2.1.
  private static func percentEncoded(_ text: String) -> [UInt8] {
    text.utf8.flatMap { byte -> [UInt8] in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return [byte]
      default: return Array("%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))".utf8)
      }
    }
  }

  package var isEmpty: Bool { automaton.isEmpty }

  /// All of `text` is there, or what was left out is told by `…`: what stands before that may be the beginning of a secret.
  package func masked(_ text: String) -> String {
    guard !isEmpty else { return text }
    var stream = Stream(self)
    var shown: [UInt8] = []
    var rest = Array(text.utf8)[...]
    let cut = Array("…".utf8)
    while let end = rest.firstRange(of: cut) {
      shown += stream.append(rest[..<end.lowerBound])
      stream.hideBeginning()
      shown += stream.append(rest[end])
      rest = rest[end.upperBound...]
    }
    shown += stream.append(rest) + stream.finish()
    return String(decoding: shown, as: UTF8.self)
  }

  /// Whether some secret is in it.
  package func finds(in bytes: some Sequence<UInt8>) -> Bool {
    guard !isEmpty else { return false }
    var state = 0
    return bytes.contains { byte in
      state = automaton.next(state, byte)
      return automaton.longestMatch(state) > 0
    }
  }

  /// Masks a stream, wherever its pieces are cut. Takes as long as there are bytes.
  package struct Stream: Sendable {
    private let mask: SecretMask
    private var state = 0
    /// What may still turn out to be a part of a secret.
    private var pending: [UInt8] = []
    /// Of `pending`, in their order and apart from each other.
    private var hidden: [Range<Int>] = []
    /// The last byte that was given out was hidden: what follows it hidden is the same `***`.
    private var isInside = false

    package init(_ mask: SecretMask) { self.mask = mask }

    /// What of the stream so far can be shown, and wasn't yet.
    package mutating func append(_ bytes: some Collection<UInt8>) -> [UInt8] {
      guard !mask.isEmpty else { return Array(bytes) }
      for byte in bytes {
        pending.append(byte)
        state = mask.automaton.next(state, byte)
        hide(last: mask.automaton.longestMatch(state))
      }
      return take(pending.count - mask.automaton.depth(state))
    }

    /// The rest: the stream is over. What may be the beginning of a secret is taken for one.
    package mutating func finish() -> [UInt8] {
      hideBeginning()
      state = 0
      defer { isInside = false }
      return take(pending.count)
    }

    /// What the stream ends with here, where that is long enough to be the beginning of a secret.
    mutating func hideBeginning() {
      let depth = mask.automaton.depth(state)
      if depth >= Secret.minimumBytes { hide(last: depth) }
    }

    private mutating func hide(last count: Int) {
      guard count > 0 else { return }
      var range = pending.count - count..<pending.count
      while let before = hidden.last, before.upperBound >= range.lowerBound {
        range = min(before.lowerBound, range.lowerBound)..<range.upperBound
        hidden.removeLast()
      }
      hidden.append(range)
    }

    private mutating func take(_ count: Int) -> [UInt8] {
      var result: [UInt8] = []
      result.reserveCapacity(count)
      var position = 0
      for range in hidden {
        guard range.lowerBound < count else { break }
        if position < range.lowerBound {
          result += pending[position..<range.lowerBound]
          isInside = false
        }
        if !isInside { result += SecretMask.replacement }
        isInside = true
        position = min(range.upperBound, count)
      }
      if position < count {
        result += pending[position..<count]
        isInside = false
      }
      pending.removeFirst(count)
      hidden = hidden.compactMap { range in
        range.upperBound <= count ? nil : max(0, range.lowerBound - count)..<range.upperBound - count
      }
      return result
    }
  }
}

/// Finds many patterns at once: Aho and Corasick, "Efficient String Matching", Communications of the ACM 18 (1975).
private struct Automaton: Sendable {
  /// By state and byte.
  private var transitions: [UInt64: Int32] = [:]
  /// By state: that of the longest ending of what was read that is another beginning of a pattern.
  private var fallbacks: [Int32] = [0]
  private var depths: [Int32] = [0]
  /// By state: bytes of the longest pattern that ends here.
  private var longest: [Int32] = [0]
  private var beginnings = [Bool](repeating: false, count: 256)

  init(_ patterns: Set<[UInt8]>) {
    var origins: [(parent: Int, byte: UInt8)] = [(0, 0)]
    for pattern in patterns {
      var state = 0
      for byte in pattern {
        if let known = transitions[Self.key(state, byte)] {
          state = Int(known)
        } else {
          transitions[Self.key(state, byte)] = Int32(depths.count)
          depths.append(depths[state] + 1)
          origins.append((state, byte))
          state = depths.count - 1
          longest.append(0)
        }
      }
      longest[state] = Int32(pattern.count)
      if let first = pattern.first { beginnings[Int(first)] = true }
    }
    fallbacks = Array(repeating: 0, count: depths.count)
    // Those of less depth first: each looks at shorter ones alone.
    for state in depths.indices.sorted(by: { depths[$0] < depths[$1] }) where depths[state] > 1 {
      let origin = origins[state]
      let fallback = next(Int(fallbacks[origin.parent]), origin.byte)
      fallbacks[state] = Int32(fallback)
      longest[state] = max(longest[state], longest[fallback])
    }
  }

  private static func key(_ state: Int, _ byte: UInt8) -> UInt64 { UInt64(state) << 8 | UInt64(byte) }

  var isEmpty: Bool { depths.count == 1 }
  func depth(_ state: Int) -> Int { Int(depths[state]) }
  func longestMatch(_ state: Int) -> Int { Int(longest[state]) }

  func next(_ state: Int, _ byte: UInt8) -> Int {
    var state = state
    while true {
      if state == 0, !beginnings[Int(byte)] { return 0 }
      if let next = transitions[Self.key(state, byte)] { return Int(next) }
      if state == 0 { return 0 }
      state = Int(fallbacks[state])
    }
  }
}

extension JSONValue {
  /// Every text of it masked.
  package func masked(_ mask: SecretMask) -> JSONValue {
    guard !mask.isEmpty else { return self }
    switch self {
    case .null, .bool, .integer, .double: return self
    case .string(let text): return .string(mask.masked(text))
    case .array(let items): return .array(items.map { $0.masked(mask) })
    case .object(let members): return .object(members.map { Member($0.key, $0.value.masked(mask)) })
    }
  }
}
