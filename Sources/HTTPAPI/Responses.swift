import HTTPTypes
import Hummingbird
import PluginModel
import PluginRegistry

extension Response {
  /// JSON, with a tag by which it needn't be sent again.
  static func document(_ value: JSONValue, to request: Request, status: HTTPResponse.Status = .ok) -> Response {
    let bytes = value.utf8()
    let tag = "\"\(ContentDigest(sha256: bytes))\""
    var headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache"]
    if request.method == .get, request.holds(tag) { return Response(status: .notModified, headers: headers) }
    headers[.contentType] = "application/json"
    headers[.xContentTypeOptions] = "nosniff"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// RFC 9457.
  static func problem(_ problem: RegistryProblem, to request: Request) -> Response {
    var headers: HTTPFields = [
      .contentType: RegistryProblem.mediaType, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
    ]
    if problem.status == 401 { headers[.wwwAuthenticate] = BearerToken.scheme }
    if problem.status == 429 { headers[.retryAfter] = "10" }
    if request.method == .put { headers[.connection] = "close" }
    return Response(
      status: HTTPResponse.Status(code: problem.status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.jsonValue.utf8())))
  }
}

extension Request {
  /// Whether its sender says that it has what the tag stands for: RFC 9110 section 13.1.2.
  func holds(_ tag: String) -> Bool {
    guard let field = headers[.ifNoneMatch] else { return false }
    return field.split(separator: ",").contains { candidate in
      let text = candidate.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
      let strong = String(text)
      return strong == "*" || strong == tag || strong == "W/\(tag)"
    }
  }
}

extension ResponseBody {
  /// Bytes that are written at one time: each has to be taken in the time of ``ConnectionPatience``.
  private static let piece = 64 << 10

  /// A part of something, which is read while it is sent.
  /// - Parameter read: at most so many bytes from an offset on; none only where there are no more.
  init(of part: Range<Int>, read: @escaping @Sendable (_ offset: Int, _ count: Int) async throws -> [UInt8]) {
    self.init(contentLength: part.count) { writer in
      var offset = part.lowerBound
      while offset < part.upperBound {
        let bytes = try await read(offset, min(Self.piece, part.upperBound - offset))
        // Cut off rather than ended: whoever reads knows the size.
        guard !bytes.isEmpty else { throw CutShort() }
        try await writer.write(ByteBuffer(bytes: bytes))
        offset += bytes.count
      }
      try await writer.finish(nil)
    }
  }

  /// It is shorter than it was.
  private struct CutShort: Error {}
}
