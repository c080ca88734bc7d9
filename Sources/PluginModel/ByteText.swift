/// A text that is the same as another only where its bytes are. `String` takes canonically equivalent ones for one (Unicode TR 15): `é` is one
/// character or two. To a file system, a digest and whoever reads a parameter they differ.
package struct ByteText: Hashable, Sendable {
  package let text: String
  package init(_ text: String) { self.text = text }

  // What is equal by its bytes is equal as text: the hash of that serves.
  package static func == (left: Self, right: Self) -> Bool { left.text.hasSameBytes(as: right.text) }
}

extension String {
  package func hasSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}
