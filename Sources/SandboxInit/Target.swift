import CLinux

/// The new root, and the directory in it that was last made or mounted something in: neighbours follow each other in a
/// plan. Whatever was done since it was opened lies in it, so nothing has been mounted over it.
struct NewRoot {
  let descriptor: Int32
  private var directory: Int32
  /// Of `directory`: in the plan's mapping.
  private var path: UnsafePointer<CChar>?
  private var length = 0

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    directory = descriptor
  }

  /// Forgets the directory before it, and opens this one unless it is the same. A negated errno where that fails.
  mutating func enter(_ text: UnsafeMutablePointer<CChar>, length: Int) -> Int32 {
    if isCurrent(text, length) { return directory }
    if directory != descriptor { _ = linux_close(directory) }
    directory = descriptor
    path = nil
    self.length = 0
    if length == 0 { return directory }
    let end = text[length]
    text[length] = 0
    defer { text[length] = end }
    let opened = sandbox_open_target(descriptor, text)
    if opened < 0 { return opened }
    directory = opened
    path = UnsafePointer(text)
    self.length = length
    return opened
  }

  /// For the end: pid 1 keeps no way to the tree that it built.
  mutating func close() {
    if directory != descriptor { _ = linux_close(directory) }
    _ = linux_close(descriptor)
  }

  private func isCurrent(_ text: UnsafeMutablePointer<CChar>, _ length: Int) -> Bool {
    guard let path, self.length == length else { return false }
    for index in 0..<length where path[index] != text[index] { return false }
    return true
  }
}

/// A path of the new root that something is made or mounted at. It is only ever reached from the root's descriptor and
/// through no link: a bind that lies above it can't lead it elsewhere (openat2(2); CVE-2019-16884, CVE-2021-30465).
struct Target {
  /// Absolute, in the plan's private mapping: it is cut at a slash for a moment to name the directory above.
  let text: UnsafeMutablePointer<CChar>
  let length: Int
  let index: UInt32

  init(_ plan: Plan, _ operation: sandbox_operation, index: UInt32) throws(StepFailure) {
    self.text = UnsafeMutablePointer(mutating: try plan.text(operation.target))
    self.length = Int(operation.target.length)
    self.index = index
    guard length > 0, text[0] == slash else { throw Plan.invalid(index) }
  }

  private init(text: UnsafeMutablePointer<CChar>, length: Int, index: UInt32) {
    self.text = text
    self.length = length
    self.index = index
  }

  func open(in root: NewRoot) throws(StepFailure) -> Int32 {
    try checked(.target, sandbox_open_target(root.descriptor, text), index: index)
  }

  /// Attaches a detached tree here, and closes its descriptor.
  func mount(_ tree: Int32, in root: NewRoot) throws(StepFailure) {
    let place = try open(in: root)
    try checked(.mount, sandbox_attach_tree(tree, place), index: index)
    _ = linux_close(place)
    _ = linux_close(tree)
  }

  /// The directory and those above it, where they aren't there yet.
  func makeDirectory(in root: inout NewRoot) throws(StepFailure) {
    if length == 1 { return }
    try make(in: &root, existingIsFine: true) { parent, name in sandbox_make_directory(parent, name, 0o755) }
  }

  /// An empty file for a file to be mounted over.
  func makePlaceholder(in root: inout NewRoot) throws(StepFailure) {
    try make(in: &root, existingIsFine: true) { parent, name in sandbox_make_placeholder(parent, name) }
  }

  /// Calls `body` with the directory above, which is made if need be, and the last name of this path.
  func make(
    in root: inout NewRoot, existingIsFine: Bool = false, _ body: (Int32, UnsafePointer<CChar>) -> Int32
  ) throws(StepFailure) {
    var cut = length - 1
    while cut > 0, text[cut] != slash { cut -= 1 }
    guard cut + 1 < length else { throw Plan.invalid(index) }
    let name = UnsafePointer(text + cut + 1)

    var parent = root.enter(text, length: cut)
    if parent == -ErrorNumber.notFound {
      text[cut] = 0
      defer { text[cut] = slash }
      try Target(text: text, length: cut, index: index).makeDirectory(in: &root)
      parent = root.enter(text, length: cut)
    }
    let result = body(try checked(.target, parent, index: index), name)
    if result == -ErrorNumber.exists, existingIsFine { return }
    try checked(.create, result, index: index)
  }
}

private let slash = CChar(0x2F)
