/// Puts intervals on as few tracks as possible, so that no two on one track overlap: each, by its start, on the lowest track that is
/// free. Half-open; an empty interval takes a track only for its instant.
struct SlotAssignment {
  /// In the order of the intervals, from 0.
  private(set) var slots: [Int]
  private(set) var slotCount = 0

  init(_ intervals: [(start: Int64, end: Int64)]) {
    slots = [Int](repeating: 0, count: intervals.count)
    var busy = Heap<Busy>()
    var free = Heap<Int>()
    let order = intervals.indices.sorted {
      (intervals[$0].start, intervals[$0].end, $0) < (intervals[$1].start, intervals[$1].end, $1)
    }
    for index in order {
      while let first = busy.first, first.end <= intervals[index].start {
        busy.removeFirst()
        free.insert(first.slot)
      }
      if let slot = free.first {
        free.removeFirst()
        slots[index] = slot
      } else {
        slots[index] = slotCount
        slotCount += 1
      }
      busy.insert(Busy(end: intervals[index].end, slot: slots[index]))
    }
  }

  private struct Busy: Comparable {
    var end: Int64
    var slot: Int
    static func < (left: Busy, right: Busy) -> Bool { (left.end, left.slot) < (right.end, right.slot) }
  }
}

/// A binary heap, the least first.
private struct Heap<Element: Comparable> {
  private var items: [Element] = []

  var first: Element? { items.first }

  mutating func insert(_ item: Element) {
    var index = items.count
    items.append(item)
    while index > 0, items[index] < items[(index - 1) / 2] {
      items.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func removeFirst() {
    guard let last = items.popLast(), !items.isEmpty else { return }
    items[0] = last
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < items.count && items[child] < items[least] {
        least = child
      }
      guard least != index else { return }
      items.swapAt(index, least)
      index = least
    }
  }
}
