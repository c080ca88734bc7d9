import PluginModel

/// Why a value isn't a list of items, or values can't become one list.
struct ListProblem: Error, Hashable {
  /// After the name of an output.
  var what: String
  var hint: String
}

extension NodeValue {
  /// The items of a list, each as it is written.
  /// - Returns: at most ``Workflow/maximumForeachItems`` of them, and how many there are.
  func listItems() throws(ListProblem) -> (items: [NodeValue], count: Int) {
    let isNoList = "let it return a list, or run the node once: remove 'foreach'"
    guard codec == .json else { throw ListProblem(what: "yielded \(words), not a list", hint: isNoList) }
    guard byteCount <= Workflow.maximumListBytes else {
      throw ListProblem(
        what: "yielded a list of \(byteCount) bytes, and one may have \(Workflow.maximumListBytes)",
        hint: "let its items be names or numbers of what is large: each instance reads its own")
    }
    let bytes = try whole()
    do throws(JSONListText.Problem) {
      let found = try JSONListText.items(of: bytes, limit: Workflow.maximumForeachItems)
      return (found.items.map { NodeValue(codec: .json, content: .inline($0)) }, found.count)
    } catch {
      switch error {
      case .isNoList(let kind?): throw ListProblem(what: "yielded a \(kind), not a list", hint: isNoList)
      case .isNoList(nil), .isBroken:
        throw ListProblem(what: "yielded a list that isn't JSON", hint: "its plugin must return what JSON has")
      }
    }
  }

  /// The list of `values`, of which each must be JSON.
  init(listOf values: [NodeValue]) throws(ListProblem) {
    let several = "connect an input that takes several values"
    if let other = values.first(where: { $0.codec != .json }) {
      throw ListProblem(what: "yielded \(other.words), which no list can hold", hint: several)
    }
    let size = values.reduce(0) { $0 + $1.byteCount }
    guard size <= Workflow.maximumListBytes else {
      throw ListProblem(
        what: "yielded \(size) bytes in all, and a list may have \(Workflow.maximumListBytes)", hint: several)
    }
    var items: [[UInt8]] = []
    items.reserveCapacity(values.count)
    for value in values { items.append(try value.whole()) }
    do throws(JSONListText.Problem) {
      let list = try JSONListText.list(of: items)
      // Told once: whoever asks for a key of each reader need not read it again.
      self.init(codec: .json, content: .inline(list), digest: ContentDigest(of: list))
    } catch {
      throw ListProblem(what: "yielded a value that isn't JSON", hint: "its plugin must return what JSON has")
    }
  }

  /// All its bytes.
  private func whole() throws(ListProblem) -> [UInt8] {
    switch content {
    case .inline(let bytes): return bytes
    case .shared(let shared):
      guard let bytes = try? shared.bytes(at: 0, count: shared.byteCount), bytes.count == shared.byteCount else {
        throw ListProblem(what: "yielded a value that can't be read any more", hint: "begin a new run")
      }
      return bytes
    }
  }

  private var words: String {
    switch codec {
    case .json: "JSON"
    case .bytes: "bytes"
    case .numpy: "an array"
    case .file: "a file"
    case .arrow: "a table"
    }
  }
}
