import CWebAssets
import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import PluginModel
import PluginRegistry

/// The editor: files that are in the program, the same for everybody. They hold no data, so no token is asked for; what the editor shows
/// it asks for itself, with the token that whoever uses it signs in with.
package struct WebPages: Sendable {
  package struct Page: Sendable {
    package var mediaType: String
    package var bytes: ByteBuffer
    /// By which it needn't be sent again.
    package var tag: String
  }

  /// Where the files are, but for the page itself, which is at `/`.
  package static let prefix = "/assets/"
  private static let index = "index.html"

  /// By the path that is asked for.
  package let pages: [String: Page]

  package init() {
    var pages: [String: Page] = [:]
    for index in 0..<web_asset_count() {
      let asset = web_asset_at(index)
      guard let name = asset.path, let mediaType = Self.mediaType(of: String(cString: name)) else { continue }
      let bytes = ByteBuffer(bytes: UnsafeBufferPointer(start: asset.bytes, count: asset.count))
      let tag = ContentDigest(sha256: bytes.readableBytesView).tag
      let path = String(cString: name)
      pages[path == Self.index ? "/" : Self.prefix + path] = Page(mediaType: mediaType, bytes: bytes, tag: tag)
    }
    self.pages = pages
  }

  /// Nil: it is none that a browser is given.
  private static func mediaType(of path: String) -> String? {
    switch path.split(separator: ".").last {
    case "html": MediaType.page
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "svg": MediaType.picture
    default: nil
    }
  }

  /// Nil where none is asked for: every other path is the API's matter.
  package func response(to request: Request) -> Response? {
    guard request.method == .get || request.method == .head, let page = pages[request.uri.path] else { return nil }
    var headers: HTTPFields = [.eTag: page.tag, .cacheControl: "no-cache", .contentSecurityPolicy: Self.policy]
    if let name = HTTPField.Name("Cross-Origin-Opener-Policy") { headers[name] = "same-origin" }
    if request.holds(page.tag) { return Response(status: .notModified, headers: headers) }
    headers[.contentType] = page.mediaType
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: page.bytes))
  }

  /// Nothing but the files here, and what the server itself is asked for. No text becomes markup or code, whoever wrote it: Trusted Types
  /// (<https://www.w3.org/TR/trusted-types/>) without a policy leave no way to.
  static let policy = """
    default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
    """
}
