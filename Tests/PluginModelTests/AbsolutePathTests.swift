import PluginModel
import Testing

@Suite("Absolute paths")
struct AbsolutePathTests {
  @Test(
    "are read, and written without a slash too many",
    arguments: [
      ("/", "/"), ("//", "/"), ("/a", "/a"), ("/a/", "/a"), ("//a", "/a"), ("/a//b/", "/a/b"), ("/.a/b.c", "/.a/b.c"),
      ("/...", "/..."), ("/a./b..", "/a./b.."), ("/größe/漢字 b", "/größe/漢字 b"),
    ])
  func accepted(_ text: String, _ written: String) {
    #expect(AbsolutePath(text)?.text == written)
  }

  @Test(
    "neither climb nor begin elsewhere, and hold no control characters",
    arguments: [
      "", "a", "./a", "/.", "/..", "/./a", "/a/.", "/a/..", "/a/../b", "/../a", "/a/./b", "//..", "/a\n", "/a\u{7F}",
      "/\u{0}",
      "/a/\u{1B}",
    ])
  func refused(_ text: String) { #expect(AbsolutePath(text) == nil) }

  @Test("are the same where their bytes are, and lie beneath each other only so")
  func bytes() throws {
    let (composed, decomposed) = (
      try #require(AbsolutePath("/srv/\u{e9}")), try #require(AbsolutePath("/srv/e\u{301}"))
    )
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed, composed]).count == 2)
    #expect((composed < decomposed) != (decomposed < composed))
    #expect(composed.isEqualToOrBeneath(composed))
    #expect(!composed.isEqualToOrBeneath(decomposed))
    #expect(composed.appending("a")?.isEqualToOrBeneath(composed) == true)
    #expect(composed.appending("a")?.isEqualToOrBeneath(decomposed) == false)
    let root = try #require(AbsolutePath("/"))
    #expect(composed.isEqualToOrBeneath(root) && root.isEqualToOrBeneath(root) && !root.isEqualToOrBeneath(composed))
    #expect(AbsolutePath("/srvs")?.isEqualToOrBeneath(try #require(AbsolutePath("/srv"))) == false)
  }

  @Test("have components of at most 255 bytes, and less than 4096 in all")
  func long() {
    let component = String(repeating: "c", count: 255)
    #expect(AbsolutePath("/\(component)/\(component)/a") != nil)
    #expect(AbsolutePath("/\(component)c") == nil)
    #expect(AbsolutePath("/a/\(component)c/b") == nil)
    #expect(AbsolutePath("/" + String(repeating: "é", count: 128)) == nil)
    #expect(AbsolutePath(String(repeating: "/a", count: 2047))?.components.count == 2047)
    #expect(AbsolutePath(String(repeating: "/a", count: 2048)) == nil)
  }
}
