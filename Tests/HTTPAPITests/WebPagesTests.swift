import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import HTTPAPI

@Suite("The editor's files")
struct WebPagesTests {
  private let pages = WebPages()
  /// `Sources/CWebAssets/web` of this very checkout.
  private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Sources/CWebAssets/web")

  private func ask(_ path: String, _ method: HTTPRequest.Method = .get, tag: String? = nil) -> Response? {
    var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
    if let tag { head.headerFields[.ifNoneMatch] = tag }
    return pages.response(to: Request(head: head, body: RequestBody(buffer: ByteBuffer())))
  }

  @Test("are all in the program, byte for byte, each with its media type")
  func complete() throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: Self.directory.path).filter { $0.contains(".") }
    #expect(Set(names.map { $0 == "index.html" ? "/" : "/assets/\($0)" }) == Set(pages.pages.keys))
    for name in names {
      let page = try #require(pages.pages[name == "index.html" ? "/" : "/assets/\(name)"], "\(name)")
      #expect(try Data(contentsOf: Self.directory.appendingPathComponent(name)) == Data(page.bytes.readableBytesView))
    }
    let types = Set(pages.pages.values.map(\.mediaType))
    #expect(
      types.isSubset(of: ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"]))
    // The program carries all of them. What the first load takes, Tests/Web/editor_pages.py measures.
    #expect(pages.pages.values.reduce(0) { $0 + $1.bytes.readableBytes } < 1_000_000)
  }

  @Test("let nothing become markup or code, and load nothing from elsewhere")
  func policy() throws {
    let policy = try #require(ask("/")?.headers[.contentSecurityPolicy])
    for directive in [
      "default-src 'none'", "script-src 'self'", "img-src 'self' data: blob:;", "base-uri 'none'", "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'", "trusted-types 'none'",
    ] { #expect(policy.contains(directive), "\(directive)") }
    #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
  }

  @Test("aren't sent again to who has them")
  func tags() throws {
    let tag = try #require(ask("/")?.headers[.eTag])
    #expect(ask("/", tag: tag)?.status == .notModified)
    #expect(ask("/", tag: "\"other\"")?.status == .ok)
  }

  @Test("are only read, and only those that there are")
  func others() {
    for method in [HTTPRequest.Method.post, .put, .delete] { #expect(ask("/", method) == nil) }
    for path in ["/index.html", "/assets", "/assets/", "/assets/../index.html", "/assets/js", "/api/v1/runs", "//"] {
      #expect(ask(path) == nil, "\(path)")
    }
    #expect(ask("/", .head)?.status == .ok)
  }
}
