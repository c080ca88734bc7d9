import CLinux

/// A path of the new root that something is made or mounted at. It is only ever reached from the root's descriptor and
/// through no link: a bind that lies above it can't lead it elsewhere (openat2(2); CVE-2019-16884, CVE-2021-30465).
struct Target {
  /// Absolute, in the plan's private mapping: it is cut at a slash for a moment to name the directory above.
  let text: UnsafeMutablePointer<CChar>
  let length: Int
  let root: Int32
  let index: UInt32

  init(_ plan: Plan, _ operation: sandbox_operation, root: Int32, index: UInt32) throws(StepFailure) {
    self.text = UnsafeMutablePointer(mutating: try plan.text(operation.target))
    self.length = Int(operation.target.length)
    self.root = root
    self.index = index
    guard length > 0, text[0] == slash else { throw Plan.invalid(index) }
  }

  private init(text: UnsafeMutablePointer<CChar>, length: Int, root: Int32, index: UInt32) {
    self.text = text
    self.length = length
    self.root = root
    self.index = index
  }

  func open() throws(StepFailure) -> Int32 {
    try checked(.target, sandbox_open_target(root, text), index: index)
  }

  /// Attaches a detached tree here, and closes its descriptor.
  func mount(_ tree: Int32) throws(StepFailure) {
    let place = try open()
    try checked(.mount, sandbox_attach_tree(tree, place), index: index)
    _ = linux_close(place)
    _ = linux_close(tree)
  }

  /// The directory and those above it, where they aren't there yet.
  func makeDirectory() throws(StepFailure) {
    if length == 1 { return }
    try make(existingIsFine: true) { parent, name in sandbox_make_directory(parent, name, 0o755) }
  }

  /// An empty file for a file to be mounted over.
  func makePlaceholder() throws(StepFailure) {
    try make(existingIsFine: true) { parent, name in sandbox_make_placeholder(parent, name) }
  }

  /// Calls `body` with the directory above, which is made if need be, and the last name of this path.
  func make(
    existingIsFine: Bool = false, _ body: (Int32, UnsafePointer<CChar>) -> Int32
  ) throws(StepFailure) {
    var cut = length - 1
    while cut > 0, text[cut] != slash { cut -= 1 }
    guard cut + 1 < length else { throw Plan.invalid(index) }
    let name = UnsafePointer(text + cut + 1)

    var parent = root
    if cut > 0 {
      text[cut] = 0
      defer { text[cut] = slash }
      parent = sandbox_open_target(root, text)
      if parent == -ErrorNumber.notFound {
        try Target(text: text, length: cut, root: root, index: index).makeDirectory()
        parent = sandbox_open_target(root, text)
      }
      try checked(.target, parent, index: index)
    }
    let result = body(parent, name)
    if parent != root { _ = linux_close(parent) }
    if result == -ErrorNumber.exists, existingIsFine { return }
    try checked(.create, result, index: index)
  }
}

private let slash = CChar(0x2F)
