/// Where this program listens: on this host alone, since it speaks no TLS.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  package static let grammar = "127.0.0.1:PORT, [::1]:PORT or unix:/PATH"

  /// Port 0: whichever is free.
  package let address: ServingAddress

  package init(_ text: String) throws(Diagnostic) {
    address = try ServingAddress(text)
    guard !address.isReachable else {
      throw Diagnostic(
        "\(text.quoted) is not an address of this host alone",
        why: "what is sent there isn't encrypted: whoever is on the way would learn the tokens",
        hint: "listen at 127.0.0.1, and put a proxy in front that speaks TLS")
    }
  }

  package var description: String { "\(address)" }
}
