import PluginModel

/// What is asked about files that somebody sends for runs to come.
package enum UploadOperation: String, CaseIterable, Sendable {
  case createUpload
  case listUploads
  case showUpload
  case deleteUpload

  /// Bytes of one.
  package static let mostBytes = 4 << 30
  static let identifierPattern = "^[0-9a-f]{32}$"

  var route: APIRoute {
    switch self {
    case .createUpload:
      APIRoute(
        .post, "/api/v1/uploads", .runner,
        "Sends a file for runs to come. One that no run takes is removed after a day, or as long as the server is told.",
        body: APIBody(
          [MediaType.bytes], APISchema.bytes, limit: Self.mostBytes, isStreamed: true, isRequired: false),
        success: .json("Upload", "It is kept.", status: 201, isLocated: true), refusals: [429])
    case .listUploads:
      APIRoute(
        .get, "/api/v1/uploads", .runner, "The files that were sent with this token; for admins all of them.",
        parameters: [
          .query("after", APISchema.string(pattern: Self.identifierPattern), "Only those after this one."), .pageLimit,
        ], success: .json("UploadList", "A page of them."))
    case .showUpload:
      APIRoute(
        .get, "/api/v1/uploads/{upload}", .runner,
        "A file that was sent: its size and digest, and until when it is kept.",
        success: .json("Upload", "The upload."), refusals: [404])
    case .deleteUpload:
      APIRoute(
        .delete, "/api/v1/uploads/{upload}", .runner, "Removes a file that was sent, and that no run has.",
        success: .nothing("It is removed."), refusals: [404, 409])
    }
  }
}
