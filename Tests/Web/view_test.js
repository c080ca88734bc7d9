import assert from "node:assert/strict";
import {
  bounds,
  fitted,
  freeOf,
  nextIn,
  overlaps,
  resized,
  revealed,
  toCanvas,
  zoomed,
} from "../../Sources/CWebAssets/web/js/model/viewport.js";
import { portPlace, shapesOf, sizes } from "../../Sources/CWebAssets/web/js/model/shapes.js";
import { differenceOf } from "../../Sources/CWebAssets/web/js/model/difference.js";
import { moveNodes } from "../../Sources/CWebAssets/web/js/model/commands.js";
import { setParameter, showFields } from "../../Sources/CWebAssets/web/js/model/node_commands.js";
import { actionOf, keyBindings } from "../../Sources/CWebAssets/web/js/ui/keys.js";
import { partStrings } from "../../Sources/CWebAssets/web/js/ui/strings/part_strings.js";
import { catalogOf, paletteEntry, port, workflow } from "./support.js";

Deno.test("what is under the pointer stays under it when the zoom changes", () => {
  let view = { x: 10, y: -20, zoom: 1 };
  const point = { x: 300, y: 200 };
  const before = toCanvas(view, point);
  for (const factor of [1.3, 0.2, 5, 100, 0.0001]) {
    view = zoomed(view, factor, point);
    const after = toCanvas(view, point);
    assert.ok(Math.abs(after.x - before.x) < 1e-9 && Math.abs(after.y - before.y) < 1e-9);
    assert.ok(view.zoom >= 0.02 && view.zoom <= 2);
  }
});

Deno.test("what is to be seen is brought into view, and no further", () => {
  const [size, view] = [{ width: 400, height: 300 }, { x: 0, y: 0, zoom: 2 }];
  assert.equal(revealed(view, { x: 20, y: 20, width: 50, height: 50 }, size), view);
  assert.deepEqual(revealed(view, { x: 200, y: 20, width: 50, height: 50 }, size), { x: -124, y: 0, zoom: 2 });
  assert.deepEqual(revealed(view, { x: -50, y: -10, width: 900, height: 50 }, size), {
    x: 124,
    y: 44,
    zoom: 2,
  });
});

Deno.test("what is put beside other things covers none of them", () => {
  const [left, right] = [{ x: 0, y: 0, width: 100, height: 100 }, { x: 150, y: 50, width: 100, height: 100 }];
  assert.deepEqual(freeOf([left, right], { ...left }, 8), { x: 258, y: 0 });
  assert.deepEqual(freeOf([left, right], { ...left, width: 40 }, 8), { x: 108, y: 0 });
  assert.deepEqual(freeOf([], left, 8), { x: 0, y: 0 });
});

Deno.test("everything fits into what is seen, and isn't made larger than it is", () => {
  const screen = { width: 800, height: 600 };
  const content = bounds([{ x: -1000, y: 0, width: 10, height: 10 }, { x: 3000, y: 900, width: 200, height: 100 }]);
  const view = fitted(content, screen);
  const corner = toCanvas(view, { x: 0, y: 0 });
  assert.ok(corner.x <= -1000 && corner.y <= 0);
  assert.equal(fitted({ x: 0, y: 0, width: 10, height: 10 }, screen).zoom, 1);
  assert.equal(bounds([]), undefined);
  assert.ok(fitted(undefined, { width: 0, height: 0 }).zoom > 0);
});

Deno.test("a screen of another size shows all where that was seen, otherwise the same middle", () => {
  const [large, small] = [{ width: 800, height: 600 }, { width: 500, height: 200 }];
  const content = { x: 0, y: 0, width: 600, height: 400 };
  const all = fitted(content, large);
  assert.deepEqual(resized(all, large, small, content), fitted(content, small));
  assert.deepEqual(resized(fitted(content, small), small, large, content), all);
  // All was seen, although not in the middle.
  assert.deepEqual(resized({ x: 190, y: 190, zoom: 1 }, large, small, content), fitted(content, small));
  const near = { x: -400, y: -300, zoom: 2 };
  const middle = toCanvas(near, { x: 400, y: 300 });
  const after = resized(near, large, small, content);
  assert.deepEqual([after.zoom, toCanvas(after, { x: 250, y: 100 })], [2, middle]);
  assert.equal(resized(near, large, small, undefined).zoom, 2);
});

Deno.test("the arrows lead to the nearest straight ahead", () => {
  const at = (/** @type {number} */ x, /** @type {number} */ y) => ({ x, y, width: 100, height: 50 });
  const nodes = new Map([["a", at(0, 0)], ["b", at(300, 10)], ["c", at(200, 300)], ["d", at(600, 0)]]);
  assert.equal(nextIn(nodes, "a", "right"), "b");
  assert.equal(nextIn(nodes, "b", "right"), "d");
  assert.equal(nextIn(nodes, "b", "down"), "c");
  assert.equal(nextIn(nodes, "a", "left"), undefined);
  assert.ok(overlaps(at(0, 0), at(99, 49)) && !overlaps(at(0, 0), at(101, 0)));
});

const catalog = catalogOf(
  paletteEntry("t/a", {
    inputs: [port("x", "string"), port("y", "string", { default: "" })],
    outputs: [port("o", "string")],
    parameters: [
      { name: "key", type: "string", default: "", constraints: { secret: true } },
      { name: "n", type: "integer", default: 0 },
    ],
  }),
);
const document = workflow({
  a: { type: "t/a", with: { key: "hidden", n: 0 } },
  b: { type: "gone/b", in: { p: "a.extra", q: ["c.out"] } },
  c: { run: "echo hello" },
});

Deno.test("a node shows what its type has, and what is connected to it although nobody knows it", () => {
  const shapes = shapesOf(document, catalog);
  const [a, b, c] = [shapes.get("a"), shapes.get("b"), shapes.get("c")];
  assert.deepEqual(a?.outputs.map(({ name }) => name), ["o", "extra"]);
  assert.deepEqual(a?.inputs.map(({ required }) => required), [true, false]);
  assert.deepEqual(a?.values.map(({ text }) => text), ["••••", "0"]);
  assert.deepEqual([b?.isMissing, b?.inputs.map(({ name }) => name)], [true, ["p", "q"]]);
  assert.deepEqual([c?.kind, c?.isMissing, c?.outputs.map(({ name }) => name)], ["command", false, ["out"]]);
  assert.deepEqual(a && portPlace(a, "outputs", "extra"), { x: sizes.width, y: sizes.header + 1.5 * sizes.row });
});

Deno.test("a node has a line for what can be edited in one, given or not, and for what else was given", () => {
  const parameters = [
    { name: "level", type: "number", default: 1, constraints: { min: 0, max: 4 }, ui_component: "slider" },
    { name: "data", type: "mapping", default: {} },
    { name: "active", type: "boolean", default: true },
    { name: "mode", type: "string", default: "a", constraints: { enum: ["a", "b"] } },
    { name: "more", type: "string", default: "" },
  ];
  const many = catalogOf(paletteEntry("t/many", { parameters }));
  const plain = workflow({
    a: { type: "t/many" },
    b: { type: "t/many", with: { data: {}, more: "x", level: "${{ 1 }}" } },
  });
  const [a, b] = [...shapesOf(plain, many).values()];
  assert.deepEqual(a.values.map(({ name, kind, fraction, isOn }) => [name, kind, fraction, isOn]), [
    ["level", "slider", 0.25, false],
    ["active", "checkbox", undefined, true],
    ["mode", "select", undefined, false],
  ]);
  assert.deepEqual(b.values.map(({ name, kind }) => [name, kind]), [["level", "other"], ["data", "other"], [
    "more",
    "text",
  ]]);
  assert.equal(a.height, sizes.header + 3 * sizes.value + sizes.padding);
  const bare = shapesOf(showFields(false).change(plain), many);
  assert.deepEqual(bare.get("a")?.values, []);
  assert.equal(bare.get("b")?.values.length, 3);
  assert.equal(shapesOf(plain, many).get("a"), a);
});

Deno.test("shapes are made once: moving nodes makes none, changing one makes one", () => {
  const plain = workflow({ a: { type: "t/a" }, b: { type: "t/a" } });
  const shapes = shapesOf(plain, catalog);
  assert.equal(shapesOf(moveNodes(new Map([["a", { x: 1, y: 1 }]])).change(plain), catalog), shapes);
  const changed = shapesOf(setParameter("a", "n", 5).change(plain), catalog);
  assert.equal(changed.get("b"), shapes.get("b"));
  assert.notEqual(changed.get("a"), shapes.get("a"));
});

Deno.test("two versions differ in what somebody would name", () => {
  const other = moveNodes(new Map([["a", { x: 5, y: 5 }]])).change(
    workflow({ a: { type: "t/a", with: { key: "other" } }, c: { run: "echo hello" }, d: { run: "x" } }, { inputs: {} }),
  );
  assert.deepEqual(differenceOf(document, other), {
    added: ["d"],
    removed: ["b"],
    changed: ["a"],
    moved: ["a"],
    hasOther: true,
  });
});

Deno.test("no key means two things at one place", () => {
  for (const place of ["anywhere", "canvas"]) {
    const keys = keyBindings.filter(({ where }) => where === "anywhere" || where === place).flatMap(({ keys }) => keys);
    assert.equal(new Set(keys).size, keys.length);
    for (const { action } of keyBindings) assert.ok(partStrings.keys[action], action);
  }
  const event = { key: "Z", ctrlKey: false, metaKey: true, altKey: false, shiftKey: true };
  assert.equal(actionOf(/** @type {KeyboardEvent} */ (event), false), "redo");
  assert.equal(actionOf(/** @type {KeyboardEvent} */ ({ ...event, key: "?", metaKey: false }), false), "help");
  assert.equal(
    actionOf(/** @type {KeyboardEvent} */ ({ ...event, key: "d", metaKey: false, shiftKey: false }), false),
    undefined,
  );
});
