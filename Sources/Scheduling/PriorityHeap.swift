/// A binary heap: the first by `precedes` is at the top.
struct PriorityHeap<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private let precedes: @Sendable (Element, Element) -> Bool

  init(by precedes: @escaping @Sendable (Element, Element) -> Bool) { self.precedes = precedes }

  var top: Element? { elements.first }
  /// In no order.
  var unordered: [Element] { elements }

  mutating func push(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      guard precedes(elements[index], elements[parent]) else { return }
      elements.swapAt(index, parent)
      index = parent
    }
  }

  mutating func popTop() {
    guard let last = elements.popLast(), !elements.isEmpty else { return }
    elements[0] = last
    var index = 0
    while true {
      var first = index
      for child in [2 * index + 1, 2 * index + 2] where child < elements.count {
        if precedes(elements[child], elements[first]) { first = child }
      }
      if first == index { return }
      elements.swapAt(index, first)
      index = first
    }
  }
}
