import assert from "node:assert/strict";
import { layeredLayout } from "../../Sources/CWebAssets/web/js/model/layout.js";
import { randomNumbers } from "./support.js";

/** @param {string} name */
const box = (name, width = 200, height = 100) => ({ name, width, height });

/**
 * @param {ReturnType<typeof box>[]} boxes
 * @param {Map<string, {x: number, y: number}>} places
 */
function assertApart(boxes, places) {
  const columns = Map.groupBy(boxes, ({ name }) => places.get(name)?.x);
  for (const column of columns.values()) {
    const tops = column.map(({ name, height }) => ({ y: places.get(name)?.y ?? 0, height })).sort((a, b) => a.y - b.y);
    for (let place = 1; place < tops.length; place++) {
      assert.ok(tops[place].y >= tops[place - 1].y + tops[place - 1].height, "two lie over each other");
    }
  }
}

Deno.test("what comes later lies to the right, and a straight line is straight", () => {
  const boxes = ["a", "b", "c"].map((name) => box(name));
  const places = layeredLayout(boxes, [{ from: "a", to: "b" }, { from: "b", to: "c" }, { from: "a", to: "c" }], {
    x: 10,
    y: 20,
  });
  assert.deepEqual([...places.values()], [{ x: 10, y: 20 }, { x: 290, y: 20 }, { x: 570, y: 20 }]);
});

Deno.test("two that needn't cross don't", () => {
  const boxes = ["a", "b", "c", "d"].map((name) => box(name));
  const places = layeredLayout(boxes, [{ from: "a", to: "d" }, { from: "b", to: "c" }]);
  const y = (/** @type {string} */ name) => places.get(name)?.y ?? NaN;
  assert.equal(y("a") < y("b"), y("d") < y("c"));
});

Deno.test("cycles, edges to nowhere and to itself, and no boxes at all are laid out too", () => {
  const boxes = ["a", "b"].map((name) => box(name));
  const places = layeredLayout(boxes, [
    { from: "a", to: "b" },
    { from: "b", to: "a" },
    { from: "a", to: "a" },
    { from: "x", to: "a" },
  ]);
  assert.equal(places.size, 2);
  assert.equal(layeredLayout([], []).size, 0);
});

Deno.test("many that nothing connects are a grid beneath the others, few a column", () => {
  const boxes = Array.from({ length: 100 }, (_, index) => box(`n${index}`));
  const places = layeredLayout([...boxes, box("a"), box("b")], [{ from: "a", to: "b" }], { x: 8, y: 16 });
  assert.deepEqual([places.get("a"), places.get("b")], [{ x: 8, y: 16 }, { x: 288, y: 16 }]);
  assertApart(boxes, places);
  const [right, bottom] = ["x", "y"].map((side) =>
    Math.max(...[...places.values()].map((place) => Reflect.get(place, side)))
  );
  assert.ok(right > 1000 && right < 3 * bottom && bottom < 3 * right);
  assert.ok(boxes.every(({ name }) => (places.get(name)?.y ?? 0) > 116));
  assert.equal(new Set([...layeredLayout(boxes.slice(0, 8), []).values()].map(({ x }) => x)).size, 1);
});

Deno.test("any graph: no two lie over each other, and every edge goes to the right", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomNumbers(seed);
    const boxes = Array.from({ length: 60 }, (_, index) => box(`n${index}`, 100 + 100 * random(), 40 + 200 * random()));
    const lines = Array.from({ length: 90 }, () => [Math.floor(60 * random()), Math.floor(60 * random())])
      .filter(([from, to]) => from < to).map(([from, to]) => ({ from: `n${from}`, to: `n${to}` }));
    const places = layeredLayout(boxes, lines);
    assertApart(boxes, places);
    for (const { from, to } of lines) assert.ok((places.get(from)?.x ?? 0) < (places.get(to)?.x ?? 0), `seed ${seed}`);
  }
});

Deno.test("2,000 nodes are laid out at once", () => {
  const random = randomNumbers(1);
  const boxes = Array.from({ length: 2000 }, (_, index) => box(`n${index}`));
  const lines = Array.from({ length: 3200 }, () => {
    const from = Math.floor(1990 * random());
    return { from: `n${from}`, to: `n${from + 1 + Math.floor(9 * random())}` };
  });
  const start = performance.now();
  assertApart(boxes, layeredLayout(boxes, lines));
  const taken = performance.now() - start;
  assert.ok(taken < 1000, `${taken} ms`);
});
