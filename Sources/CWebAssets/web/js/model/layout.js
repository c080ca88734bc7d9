/**
 * Places for nodes: in layers from left to right, such that edges go to the right, cross each other seldom and are short (Sugiyama, Tagawa
 * and Toda, 1981). Linear in nodes and edges, but for the sorting within layers.
 *
 * @typedef {import("./document.js").Place} Place
 * @typedef {{name: string, width: number, height: number}} Box
 * @typedef {{from: string, to: string}} Line
 */

const gap = { x: 80, y: 32 };
const sweeps = 6;
/** Boxes without a line that stand in one column; more of them are a grid. */
const mostInColumn = 8;

/**
 * @param {ReadonlyArray<Box>} boxes
 * @param {ReadonlyArray<Line>} lines those between other boxes are left out
 * @param {Place} [corner] where the first corner of all of them is to be
 * @returns {Map<string, Place>}
 */
export function layeredLayout(boxes, lines, corner = { x: 0, y: 0 }) {
  const index = new Map(boxes.map(({ name }, place) => [name, place]));
  const connected = new Set(
    lines.flatMap(({ from, to }) => from !== to && index.has(from) && index.has(to) ? [from, to] : []),
  );
  if (boxes.length - connected.size > mostInColumn) return withGrid(boxes, lines, corner, connected);
  /** @type {number[][]} */
  const before = boxes.map(() => []);
  /** @type {number[][]} */
  const after = boxes.map(() => []);
  for (const { from, to } of lines) {
    const [start, end] = [index.get(from), index.get(to)];
    if (start === undefined || end === undefined || start === end) continue;
    after[start]?.push(end);
    before[end]?.push(start);
  }
  const layers = layersOf(boxes.length, before, after);
  for (let sweep = 0; sweep < sweeps; sweep++) orderLayers(layers, sweep % 2 === 0 ? before : after, sweep % 2 === 0);
  return placesOf(boxes, layers, before, after, corner);
}

/**
 * What is connected as always, and beneath it a grid of all others, about as wide as a screen.
 * @param {ReadonlyArray<Box>} boxes
 * @param {ReadonlyArray<Line>} lines
 * @param {Place} corner
 * @param {ReadonlySet<string>} connected
 * @returns {Map<string, Place>}
 */
function withGrid(boxes, lines, corner, connected) {
  const rest = boxes.filter(({ name }) => connected.has(name));
  const loose = boxes.filter(({ name }) => !connected.has(name));
  const places = layeredLayout(rest, lines, corner);
  let y = rest.reduce(
    (most, { name, height }) => Math.max(most, (places.get(name)?.y ?? 0) + height + gap.y),
    corner.y,
  );
  const width = loose.reduce((most, box) => Math.max(most, box.width), 0) + gap.x;
  const area = loose.reduce((sum, { height }) => sum + width * (height + gap.y), 0);
  const columns = Math.max(1, Math.round(Math.sqrt(1.6 * area) / width));
  for (let first = 0; first < loose.length; first += columns) {
    const row = loose.slice(first, first + columns);
    row.forEach(({ name }, column) => places.set(name, { x: corner.x + column * width, y }));
    y += Math.max(...row.map(({ height }) => height)) + gap.y;
  }
  return places;
}

/**
 * Each box one layer behind the last of those that it waits for; what is in a cycle begins where the walk comes to it.
 * @param {number} count
 * @param {number[][]} before
 * @param {number[][]} after
 * @returns {number[][]}
 */
function layersOf(count, before, after) {
  const waiting = before.map((list) => list.length);
  const layer = new Array(count).fill(0);
  const isDone = new Array(count).fill(false);
  let ready = [...waiting.keys()].filter((node) => waiting[node] === 0);
  let next = 0;
  while (true) {
    if (ready.length === 0) {
      while (next < count && isDone[next]) next++;
      if (next === count) break;
      ready = [next];
    }
    const node = /** @type {number} */ (ready.pop());
    if (isDone[node]) continue;
    isDone[node] = true;
    for (const end of after[node] ?? []) {
      if (isDone[end]) continue;
      layer[end] = Math.max(layer[end], layer[node] + 1);
      if (--waiting[end] === 0) ready.push(end);
    }
  }
  // One that nothing leads to stands right before what it leads to.
  for (let node = 0; node < count; node++) {
    const ends = after[node] ?? [];
    if ((before[node] ?? []).length > 0 || ends.length === 0) continue;
    const first = Math.min(...ends.map((end) => layer[end]));
    if (first > 0) layer[node] = first - 1;
  }
  /** @type {number[][]} */
  const layers = [];
  for (let node = 0; node < count; node++) (layers[layer[node]] ??= []).push(node);
  return Array.from(layers, (list) => list ?? []).filter((list) => list.length > 0);
}

/**
 * Each box beside the middle of those that it is connected to.
 * @param {number[][]} layers
 * @param {number[][]} neighbours
 * @param {boolean} isForward
 */
function orderLayers(layers, neighbours, isForward) {
  /** @type {Map<number, number>} */
  const places = new Map();
  for (const list of layers) list.forEach((node, place) => places.set(node, place / list.length));
  const order = isForward ? layers : [...layers].reverse();
  for (const list of order) {
    const middle = new Map(list.map((node) => {
      const known = (neighbours[node] ?? []).map((other) => places.get(other) ?? 0);
      const own = places.get(node) ?? 0;
      return [node, known.length === 0 ? own : known.reduce((sum, value) => sum + value, 0) / known.length];
    }));
    list.sort((left, right) => (middle.get(left) ?? 0) - (middle.get(right) ?? 0) || left - right);
    list.forEach((node, place) => places.set(node, place / list.length));
  }
}

/**
 * @param {ReadonlyArray<Box>} boxes
 * @param {number[][]} layers
 * @param {number[][]} before
 * @param {number[][]} after
 * @param {Place} corner
 * @returns {Map<string, Place>}
 */
function placesOf(boxes, layers, before, after, corner) {
  const top = new Array(boxes.length).fill(0);
  const height = (/** @type {number} */ node) => boxes[node]?.height ?? 0;
  for (const list of layers) {
    let y = 0;
    for (const node of list) {
      top[node] = y;
      y += height(node) + gap.y;
    }
  }
  // Towards what they are connected to, as far as their neighbours in the layer let them.
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const neighbours = sweep % 2 === 0 ? before : after;
    for (const list of sweep % 2 === 0 ? layers : [...layers].reverse()) align(list, neighbours, top, height);
  }
  const least = top.reduce((smallest, y) => Math.min(smallest, y), Infinity);
  /** @type {Map<string, Place>} */
  const places = new Map();
  let x = corner.x;
  for (const list of layers) {
    let widest = 0;
    for (const node of list) {
      const box = boxes[node];
      if (!box) continue;
      places.set(box.name, { x, y: Math.round(top[node] - least + corner.y) });
      widest = Math.max(widest, box.width);
    }
    x += widest + gap.x;
  }
  return places;
}

/**
 * Each as near to its wish as its order allows. Where wishes collide, those in a row share the middle of theirs (pool adjacent violators).
 * @param {number[]} list
 * @param {number[][]} neighbours
 * @param {number[]} top changed
 * @param {(node: number) => number} height
 */
function align(list, neighbours, top, height) {
  /** @type {{nodes: number[], offset: number, sum: number, extent: number}[]} */
  const blocks = [];
  for (const node of list) {
    const others = neighbours[node] ?? [];
    const middle = others.map((other) => (top[other] ?? 0) + height(other) / 2);
    const wish = others.length === 0
      ? top[node] ?? 0
      : middle.reduce((sum, value) => sum + value, 0) / middle.length - height(node) / 2;
    let block = { nodes: [node], offset: wish, sum: wish, extent: height(node) + gap.y };
    for (let last = blocks.at(-1); last && last.offset + last.extent > block.offset; last = blocks.at(-1)) {
      blocks.pop();
      // The wishes of the second for the beginning of both.
      const sum = last.sum + block.sum - last.extent * block.nodes.length;
      const nodes = [...last.nodes, ...block.nodes];
      block = { nodes, sum, offset: sum / nodes.length, extent: last.extent + block.extent };
    }
    blocks.push(block);
  }
  for (const block of blocks) {
    let y = block.offset;
    for (const node of block.nodes) {
      top[node] = y;
      y += height(node) + gap.y;
    }
  }
}
