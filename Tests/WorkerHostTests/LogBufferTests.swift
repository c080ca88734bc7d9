import Testing

@testable import WorkerHost

@Suite("The buffer of a worker's output")
struct LogBufferTests {
  private let limits = OutputLimits(lineBytes: 20, callBytes: 100, quotedLines: 3)

  @Test("gives the same lines however they were split on the way", arguments: 0..<50)
  func splits(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let text = "one\r\ntwo\n\nthree – Grüße\nlast"
    var buffer = LogBuffer(limits)
    var lines: [String] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let part = rest.prefix(Int.random(in: 1...9, using: &generator))
      rest = rest.dropFirst(part.count)
      lines += buffer.append(Array(part))
    }
    #expect(lines + buffer.finish() == ["one", "two", "", "three – Grüße", "last"])
  }

  @Test("cuts a line that is too long, and keeps no more of it")
  func longLine() {
    var buffer = LogBuffer(limits)
    #expect(buffer.append(Array(repeating: 0x78, count: 50)) == [])
    #expect(buffer.append(Array("\nnext\n".utf8)) == [String(repeating: "x", count: 20) + "…", "next"])
  }

  @Test("throws away what is beyond the bound of a call, says how much, and quotes the last words")
  func bound() {
    var buffer = LogBuffer(limits)
    var lines: [String] = []
    for _ in 0..<1000 { lines += buffer.append(Array("123456789\n".utf8)) }
    lines += buffer.append(Array("last words".utf8))
    #expect(lines.count == 10)
    let rest = buffer.finish()
    #expect(rest.first == "… 9910 more bytes were thrown away; the limit is 100 a call")
    #expect(rest.last == "last words")
    // The next call has a bound of its own.
    _ = buffer.beginCall()
    #expect(buffer.append(Array("again\n".utf8)) == ["again"])
  }
}

@Suite("Text of a plugin")
struct TerminalTextTests {
  @Test("reaches a terminal without anything that a terminal obeys")
  func neutral() {
    #expect(TerminalText.line("a\u{1b}[31mb\u{9b}2Jc\u{7f}", limit: 100) == "a\\u{1b}[31mb\\u{9b}2Jc\\u{7f}")
    #expect(TerminalText.line("one\ntwo\rthree\tfour", limit: 100) == "one\\u{a}two\\u{d}three\tfour")
    #expect(TerminalText.block("one\ntwo\rthree", limit: 100) == "one\ntwo\\u{d}three")
    #expect(TerminalText.line("user\u{202e}gpj.exe", limit: 100) == "user\\u{202e}gpj.exe")
  }

  @Test("is cut at a whole character")
  func cut() {
    #expect(TerminalText.line("äöü", limit: 5) == "äö…")
    #expect(TerminalText.line("äöü", limit: 6) == "äöü")
  }
}
