import Testing

@testable import PluginModel

@Suite("What a service manager and its service tell each other")
struct ServiceTests {
  private func read(_ variables: [String: String]) throws -> ServiceVariables {
    try ServiceVariables(variables, process: 42)
  }

  @Test("nothing is told to whoever says nothing")
  func none() throws {
    let given = try read([:])
    #expect(given.notices == nil && given.watchdog == nil && given.sockets.isEmpty)
  }

  @Test("a socket for notices has a path, or a name in the abstract space")
  func notices() throws {
    #expect(try read(["NOTIFY_SOCKET": "/run/systemd/notify"]).notices?.bytes == Array("/run/systemd/notify".utf8))
    #expect(try read(["NOTIFY_SOCKET": "@name"]).notices?.bytes == [0] + Array("name".utf8))
    let long = String(repeating: "x", count: 106)
    #expect(try read(["NOTIFY_SOCKET": "/" + long]).notices?.bytes.count == 107)
    for text in ["/" + long + "x", "run/notify", "@", "/", "vsock:2:1234", "a\0b"] {
      #expect(throws: Diagnostic.self, "\(text)") { try read(["NOTIFY_SOCKET": text]) }
    }
  }

  @Test("a watchdog of another process isn't ours")
  func watchdog() throws {
    #expect(try read(["WATCHDOG_USEC": "30000000"]).watchdog == .seconds(30))
    #expect(try read(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]).watchdog == .seconds(30))
    #expect(try read(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"]).watchdog == nil)
    #expect(try read(["WATCHDOG_USEC": "x", "WATCHDOG_PID": "43"]).watchdog == nil)
    for text in ["0", "-1", "x", "1.5", "99999999999999999999"] {
      #expect(throws: Diagnostic.self, "\(text)") { try read(["WATCHDOG_USEC": text]) }
    }
  }

  @Test("sockets of another process aren't ours, and of ours each has its name")
  func sockets() throws {
    let two = ["LISTEN_FDS": "2", "LISTEN_PID": "42"]
    #expect(try read(two).sockets.map(\.number) == [3, 4])
    let named = try read(two.merging(["LISTEN_FDNAMES": "http:"]) { $1 })
    #expect(named.sockets.map(\.name) == ["http", ""])
    #expect(named.sockets.map(\.words).first == "the socket 'http'")
    #expect(try read(["LISTEN_FDS": "2", "LISTEN_PID": "43"]).sockets.isEmpty)
    #expect(try read(["LISTEN_FDS": "2"]).sockets.isEmpty)
    #expect(try read(["LISTEN_FDS": "0", "LISTEN_PID": "42", "LISTEN_FDNAMES": ""]).sockets.isEmpty)
    for text in ["65", "-1", "x", "", "03", "999999999999"] {
      #expect(throws: Diagnostic.self, "\(text)") { try read(["LISTEN_FDS": text, "LISTEN_PID": "42"]) }
    }
    #expect(throws: Diagnostic.self) { try read(two.merging(["LISTEN_FDNAMES": "one"]) { $1 }) }
  }

  @Test("it is ready once, and nothing comes after its end")
  func phases() {
    var notices = ServiceNotices()
    #expect(notices.message(for: .alive) == nil && notices.message(for: .status("early")) == nil)
    #expect(notices.message(for: .listening("at x")) == "READY=1\nSTATUS=at x\n")
    #expect(notices.message(for: .listening("at x")) == nil)
    #expect(notices.message(for: .status("at x")) == nil)
    #expect(notices.message(for: .status("2 runs")) == "STATUS=2 runs\n")
    #expect(notices.message(for: .alive) == "WATCHDOG=1\n")
    let ending = "STOPPING=1\nSTATUS=ending\nEXTEND_TIMEOUT_USEC=40500000\n"
    #expect(notices.message(for: .ending(within: .milliseconds(40_500))) == ending)
    for event: ServiceNotices.Event in [
      .listening("x"), .status("x"), .alive, .reloading(at: 1), .reloaded, .ending(within: .seconds(1)),
    ] {
      #expect(notices.message(for: event) == nil, "\(event)")
    }
  }

  @Test("it is ready again when the last of the reloads has ended, each of which was told")
  func reloads() {
    var notices = ServiceNotices()
    #expect(notices.message(for: .reloading(at: 1)) == nil && notices.message(for: .reloaded) == nil)
    _ = notices.message(for: .listening(""))
    #expect(notices.message(for: .reloading(at: 5)) == "RELOADING=1\nMONOTONIC_USEC=5\n")
    #expect(notices.message(for: .reloading(at: 6)) == "RELOADING=1\nMONOTONIC_USEC=6\n")
    #expect(notices.message(for: .reloaded) == nil)
    #expect(notices.message(for: .alive) == "WATCHDOG=1\n")
    #expect(notices.message(for: .reloaded) == "READY=1\n")
  }

  @Test("what it says for people is one line, whatever is in it")
  func lines() {
    var notices = ServiceNotices()
    #expect(notices.message(for: .listening("a\nSTOPPING=1\r\nb")) == "READY=1\nSTATUS=a STOPPING=1 b\n")
    let long = notices.message(for: .status(String(repeating: "é", count: 1000))) ?? ""
    #expect(long.utf8.count == "STATUS=\n".utf8.count + ServiceNotices.longestStatus)
  }
}
