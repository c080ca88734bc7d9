import CLinux

/// Makes the new root and enters it. The sources are cloned first, while this process still is the host user who may
/// reach them; what is made in the new root is then made by, and belongs to, the worker's user.
func buildRoot(_ plan: Plan) throws(StepFailure) {
  try checked(.parentDeath, sandbox_reset_signals())
  // While the host's /proc is still there: the sandbox's own shows no /proc/sys.
  try checked(.userNamespaces, sandbox_forbid_user_namespaces())

  let operations = try plan.operations
  for index in operations.indices {
    try prepareTree(plan, operations, index)
  }

  try checked(
    .identity,
    sandbox_set_identity(plan.header.user, plan.header.group, plan.header.flags & SANDBOX_CLEAR_GROUPS.rawValue != 0))
  // A change of ids forgets it: prctl(2).
  try checked(.parentDeath, sandbox_parent_death_signal())

  var root = NewRoot(try makeRoot(plan, operations))
  for index in operations.indices.dropFirst() {
    try carryOut(operations[index], UInt32(index), plan, &root)
  }
  try checked(.pivot, sandbox_enter_root(root.descriptor))
  root.close()

  let hostname = try plan.text(plan.header.hostname)
  try checked(.hostname, sandbox_set_hostname(hostname, Int(plan.header.hostname.length)))
  try checked(.keyring, sandbox_new_session_keyring())
  try checked(.directory, sandbox_change_directory(try plan.text(plan.header.directory)))
}

/// The plan's first operation is the root itself. A second tmpfs at `/` would cover the first, which `/..` would then still
/// lead to: it is refused.
private func makeRoot(
  _ plan: Plan, _ operations: UnsafeMutableBufferPointer<sandbox_operation>
) throws(StepFailure) -> Int32 {
  guard let first = operations.first, first.checkedKind == .temporary, first.target.length == 1 else {
    throw Plan.invalid(0)
  }
  for index in operations.indices.dropFirst() where operations[index].target.length == 1 {
    guard operations[index].checkedKind == .readOnly else { throw Plan.invalid(UInt32(index)) }
  }
  let root = try checked(
    .newRoot, sandbox_new_temporary(first.size, first.inodes, first.mode, temporaryAttributes(first)), index: 0)
  try checked(.newRoot, sandbox_attach_root(root), index: 0)
  return root
}

private func temporaryAttributes(_ operation: sandbox_operation) -> UInt64 {
  operation.flags & SANDBOX_EXECUTABLE.rawValue == 0
    ? dataAttributes | SANDBOX_TREE_NO_EXECUTE.rawValue : dataAttributes
}

/// Of every mount but those of devices.
private var dataAttributes: UInt64 {
  SANDBOX_TREE_NO_SUID.rawValue | SANDBOX_TREE_NO_DEVICES.rawValue
}

/// What an operation mounts from the host, or nil for one that makes something of its own.
private func expectedType(_ operation: sandbox_operation) -> sandbox_node_type? {
  switch operation.checkedKind {
  case .bindDirectory: SANDBOX_NODE_DIRECTORY
  case .bindFile: SANDBOX_NODE_FILE
  case .bindDevice: SANDBOX_NODE_CHARACTER_DEVICE
  default: nil
  }
}

/// Clones the source of a bind as a detached, private, restricted tree, and leaves its descriptor in the operation.
private func prepareTree(
  _ plan: Plan, _ operations: UnsafeMutableBufferPointer<sandbox_operation>, _ position: Int
) throws(StepFailure) {
  let operation = operations[position]
  let index = UInt32(position)
  guard let type = expectedType(operation) else { return }

  let tree: Int32
  if operation.flags & SANDBOX_PREPARED.rawValue != 0 {
    guard operation.tree >= 0, operation.tree < plan.header.trees else { throw Plan.invalid(index) }
    tree = Int32(SANDBOX_FD_TREES) + operation.tree
    try requireKind(type, operation, tree, index)
  } else {
    let source = try checked(.source, sandbox_open_source(try plan.text(operation.other)), index: index)
    try requireKind(type, operation, source, index)
    tree = try checked(.cloneTree, sandbox_clone_tree(source), index: index)
    _ = linux_close(source)
  }

  var attributes = SANDBOX_TREE_NO_SUID.rawValue
  if type != SANDBOX_NODE_CHARACTER_DEVICE { attributes |= SANDBOX_TREE_NO_DEVICES.rawValue }
  if operation.flags & SANDBOX_WRITABLE.rawValue == 0 { attributes |= SANDBOX_TREE_READ_ONLY.rawValue }
  if operation.flags & SANDBOX_EXECUTABLE.rawValue == 0 { attributes |= SANDBOX_TREE_NO_EXECUTE.rawValue }
  try checked(.restrictTree, sandbox_restrict_tree(tree, attributes, true), index: index)
  operations[position].tree = tree
  if operation.flags & SANDBOX_STAGED.rawValue != 0 {
    try prepareStaging(plan, operations, position)
  }
}

/// Both layers of an overlay that are written lie on one mount, in a directory that only the supervisor's user may enter.
private func prepareStaging(
  _ plan: Plan, _ operations: UnsafeMutableBufferPointer<sandbox_operation>, _ position: Int
) throws(StepFailure) {
  let index = UInt32(position)
  let source = try checked(
    .source, sandbox_open_source(try plan.text(operations[position].staging)), index: index)
  let tree = try checked(.cloneTree, sandbox_clone_tree(source), index: index)
  _ = linux_close(source)
  let attributes = dataAttributes | SANDBOX_TREE_NO_EXECUTE.rawValue
  try checked(.restrictTree, sandbox_restrict_tree(tree, attributes, true), index: index)
  operations[position].upper = try checked(.source, sandbox_open_upper(tree), index: index)
  operations[position].work = try checked(.source, sandbox_open_work(tree), index: index)
  operations[position].staging_tree = tree
}

/// Mounts the staging directory, on it the source, and on both the overlay of the two, which alone can be reached. Before
/// Linux 6.15 the layers of an overlay must lie on mounts of the same namespace.
private func mountStaged(_ operation: sandbox_operation, _ target: Target, in root: NewRoot) throws(StepFailure) {
  let index = target.index
  let lower = try checked(.source, sandbox_open_again(operation.tree), index: index)
  try target.mount(operation.staging_tree, in: root)
  try target.mount(operation.tree, in: root)
  // Beneath it nothing can be started whatever the plan says: it can't be reached there.
  let isExecutable = operation.flags & SANDBOX_EXECUTABLE.rawValue != 0
  let attributes = isExecutable ? dataAttributes : dataAttributes | SANDBOX_TREE_NO_EXECUTE.rawValue
  try target.mount(
    try checked(
      .overlay, sandbox_new_overlay(lower, operation.upper, operation.work, attributes), index: index),
    in: root)
  _ = linux_close(lower)
  _ = linux_close(operation.upper)
  _ = linux_close(operation.work)
}

/// The very descriptor that is cloned is asked what it is: nothing can be swapped in between.
private func requireKind(
  _ type: sandbox_node_type, _ operation: sandbox_operation, _ descriptor: Int32, _ index: UInt32
) throws(StepFailure) {
  var node = sandbox_node()
  try checked(.sourceKind, sandbox_inspect(descriptor, &node), index: index)
  let isDevice = type == SANDBOX_NODE_CHARACTER_DEVICE
  let matches =
    node.type == type.rawValue
    && (!isDevice || (node.device_major == operation.device_major && node.device_minor == operation.device_minor))
  guard matches else {
    let code =
      isDevice
      ? ErrorNumber.noDevice : type == SANDBOX_NODE_DIRECTORY ? ErrorNumber.notADirectory : ErrorNumber.invalid
    throw StepFailure(step: .sourceKind, code: code, index: index)
  }
}

private func carryOut(
  _ operation: sandbox_operation, _ index: UInt32, _ plan: Plan, _ root: inout NewRoot
) throws(StepFailure) {
  guard let kind = operation.checkedKind else { throw Plan.invalid(index) }
  let target = try Target(plan, operation, index: index)
  switch kind {
  case .directory:
    try target.makeDirectory(in: &root)
  case .symbolicLink:
    let destination = try plan.text(operation.other)
    try target.make(in: &root) { parent, name in sandbox_make_link(parent, name, destination) }
  case .file:
    let contents = try plan.text(operation.other)
    try target.make(in: &root) { parent, name in
      sandbox_make_file(parent, name, 0o444, contents, Int(operation.other.length))
    }
  case .bindDirectory:
    try target.makeDirectory(in: &root)
    if operation.flags & SANDBOX_STAGED.rawValue != 0 {
      try mountStaged(operation, target, in: root)
    } else {
      try target.mount(operation.tree, in: root)
    }
  case .bindFile, .bindDevice:
    try target.makePlaceholder(in: &root)
    try target.mount(operation.tree, in: root)
  case .temporary:
    try target.makeDirectory(in: &root)
    try target.mount(
      try checked(
        .mount,
        sandbox_new_temporary(operation.size, operation.inodes, operation.mode, temporaryAttributes(operation)),
        index: index), in: root)
  case .process:
    try target.makeDirectory(in: &root)
    try target.mount(try checked(.mount, sandbox_new_process(), index: index), in: root)
  case .readOnly:
    let place = try target.open(in: root)
    try checked(
      .readOnly, sandbox_restrict_tree(place, SANDBOX_TREE_READ_ONLY.rawValue, false), index: index)
    _ = linux_close(place)
  }
}
