extension Workflow {
  /// The keys of `matrix:` that are no axes.
  package enum MatrixKey: String, CaseIterable, Sendable {
    case include
    case exclude
  }
}

extension Workflow.Matrix {
  /// - Parameter inputs: what the workflow declares.
  init?(_ reader: ValueReader, inputs: [ParameterName]) {
    guard let entries = reader.entries(named: ParameterName.self, maximumCount: 64) else { return nil }
    var axes: [Axis] = []
    var lists: [Workflow.MatrixKey: [Located<Combination>]] = [:]
    for entry in entries where !entry.value.node.isNull || Workflow.MatrixKey(rawValue: entry.name.text) == nil {
      if let key = Workflow.MatrixKey(rawValue: entry.name.text) {
        lists[key] = entry.value.list()?.compactMap { $0.combination() }
      } else if let values = entry.value.axis(inputs: inputs) {
        axes.append(Axis(name: entry.name, values: values))
      }
    }
    self.init(
      axes: axes, include: lists[.include] ?? [], exclude: lists[.exclude] ?? [], location: reader.location)
    if reader.node.keys.allSatisfy({ Workflow.MatrixKey(rawValue: $0) != nil }), lists[.include]?.isEmpty ?? true {
      reader.error("\(reader.subject) has no values", hint: "write, for example, {size: [1, 2]}")
    }
    checkExclude(known: entries.map(\.name), reader)
  }

  /// A misspelt name would take nothing away, and nobody would notice.
  private func checkExclude(known names: [ParameterName], _ reader: ValueReader) {
    let known = names.map(\.text).filter { Workflow.MatrixKey(rawValue: $0) == nil }
    for item in exclude {
      for value in item.value where !known.contains(value.name.text) {
        reader.report.error(
          "'exclude' names \(value.name.text.quoted), which is no axis of the matrix",
          hint: Suggestion.hint(for: value.name.text, among: known), at: item.location)
      }
    }
  }
}

extension ReadableNames.Matrix {
  /// From the tree alone: what could not be read is named all the same, and its uses are no second mistake.
  init(written reader: ValueReader?) {
    guard let reader else {
      self = .absent
      return
    }
    guard case .mapping(let entries) = reader.node.content else {
      self = .unknown
      return
    }
    self = .names(
      entries.flatMap { entry -> [String] in
        switch (Workflow.MatrixKey(rawValue: entry.key), entry.value.content) {
        case (nil, _): [entry.key]
        case (.include, .sequence(let items)): items.flatMap(\.keys)
        case (.include, _), (.exclude, _): []
        }
      })
  }
}

extension DocumentNode {
  fileprivate var keys: [String] {
    if case .mapping(let entries) = content { entries.map(\.key) } else { [] }
  }
}

extension ValueReader {
  /// A list of values, or one expression.
  fileprivate func axis(inputs: [ParameterName]) -> Located<Workflow.Matrix.Values>? {
    if case .scalar(let scalar) = node.content, case .string(let text) = scalar.value, text.utf8.contains(0x24) {
      return expression(text, inputs: inputs).map { Located(.expression($0), at: location) }
    }
    guard case .sequence = node.content else {
      wrongType("a list of values, or one expression", hint: "write, for example, [1, 2] or ${{ inputs.NAME }}")
      return nil
    }
    guard let items = list() else { return nil }
    guard !items.isEmpty else {
      error("\(subject) has no values", why: "the node would never run", hint: "add one, or remove the axis")
      return nil
    }
    for item in items { item.refuseTemplates() }
    return Located(.list(items.map(\.node.jsonValue)), at: location)
  }

  private func expression(_ text: String, inputs: [ParameterName]) -> Expression? {
    do throws(Expression.Problem) {
      let template = try Template(text, roots: ["inputs"])
      guard template.parts.count == 1, case .expression(let expression) = template.parts[0] else {
        throw Expression.Problem(
          "\(subject) must be a list of values, or one expression", why: "there is text beside the expression",
          hint: "write ${{ … }} and nothing else, or a list")
      }
      let names = ReadableNames(inputs: inputs, matrix: .unknown)
      report(names.problems(inputs: expression.names(of: "inputs"), matrix: []), at: node)
      return expression
    } catch {
      report([error], at: node)
      return nil
    }
  }

  /// A mapping of names to values, at least one.
  fileprivate func combination() -> Located<Workflow.Matrix.Combination>? {
    guard let entries = entries(named: ParameterName.self, maximumCount: 64) else { return nil }
    guard !entries.isEmpty else {
      error("\(subject) names nothing", hint: "write, for example, {size: 1}")
      return nil
    }
    return Located(
      entries.map { entry in
        entry.value.refuseTemplates()
        return Workflow.Matrix.Value(entry.name, entry.value.node.jsonValue)
      }, at: location)
  }

  /// What a person writes as an expression must not silently stay text.
  private func refuseTemplates() {
    switch node.content {
    case .sequence, .mapping:
      for child in node.children { ValueReader(child, report: report).refuseTemplates() }
    case .scalar(let scalar):
      guard case .string(let text) = scalar.value, text.holdsExpression else { return }
      error(
        "a value of a matrix can't be an expression", why: "it is \(text.quoted)",
        hint: "let the whole axis be one:  NAME: ${{ [inputs.A, 'b'] }}")
    }
  }
}
