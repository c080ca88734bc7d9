import PluginModel

/// For whom a proxy in front of a server asks: the field `X-Forwarded-For`, as proxies commonly write it.
package enum ForwardedFor {
  package static let name = "X-Forwarded-For"

  /// The address that the proxy itself has seen: the last, for those before it are the word of whoever asks. Nil: there is none.
  /// - Parameter fields: in the order in which they came.
  package static func address(_ fields: [String]) -> String? {
    guard let last = fields.last?.split(separator: ",", omittingEmptySubsequences: false).last else { return nil }
    return NetworkAddress(last.drop { $0 == " " })?.description
  }
}
