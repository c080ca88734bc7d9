import assert from "node:assert/strict";
import * as commands from "../../Sources/CWebAssets/web/js/model/commands.js";
import * as nodeCommands from "../../Sources/CWebAssets/web/js/model/node_commands.js";
import { edgesOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { History } from "../../Sources/CWebAssets/web/js/model/history.js";
import { lineKey, pointsOf, setPoints } from "../../Sources/CWebAssets/web/js/model/points.js";
import { linePath } from "../../Sources/CWebAssets/web/js/model/shapes.js";
import { workflow } from "./support.js";

const document = workflow({
  a: { type: "t/a" },
  b: { type: "t/a", in: { x: ["a.o", "c.o"] }, needs: ["a"] },
  c: { type: "t/a" },
});
const place = { x: 10, y: 20 };
const routed = ["a.o>b.x", "c.o>b.x", "a>b"].reduce(
  (history, key) => history.perform(setPoints(key, [place])),
  new History(document),
);
/** @param {History} history */
const keys = (history) => [...pointsOf(history.document).keys()];

Deno.test("a line's points are named by what it connects, and kept when a node has another name", () => {
  assert.deepEqual(edgesOf(document).map(lineKey), ["a.o>b.x", "c.o>b.x", "a>b"]);
  const renamed = routed.perform(nodeCommands.renameNode("a", "other")).perform(nodeCommands.renameNode("b", "last"));
  assert.deepEqual(keys(renamed), ["other.o>last.x", "c.o>last.x", "other>last"]);
  assert.equal(renamed.undo().undo().document, routed.document);
});

Deno.test("points go with their line, and come back with it", () => {
  const first = edgesOf(routed.document)[0];
  const without = routed.perform(commands.disconnect([first]));
  assert.deepEqual(keys(without), ["c.o>b.x", "a>b"]);
  assert.deepEqual(keys(without.undo()), keys(routed));
  assert.deepEqual(keys(routed.perform(commands.removeNodes(["b"]))), []);
  assert.deepEqual(keys(routed.perform(commands.connect({ node: "c", port: "o" }, { node: "b", port: "x" }, false))), [
    "c.o>b.x",
    "a>b",
  ]);
  const none = ["a.o>b.x", "c.o>b.x", "a>b"].reduce((history, key) => history.perform(setPoints(key, [])), routed);
  assert.equal(none.document.has("layout"), false);
});

Deno.test("points that somebody else wrote are places, and not too many", () => {
  const odd = workflow({ a: { run: "x" }, b: { run: "y", needs: "a" } }, {}, {
    $editor: { lines: { "a>b": [[1, 2], ["x", 1], 5, [1e9, 0], ...Array(100).fill([3, 4])], x: "no list" } },
  });
  const points = pointsOf(odd).get("a>b") ?? [];
  assert.ok(points.length <= 32 && points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
  assert.equal(pointsOf(odd).size, 1);
});

Deno.test("a line passes through its points, and is level at its ends", () => {
  const text = linePath({ x: 0, y: 0 }, { x: 300, y: 0 }, [{ x: 100, y: 90 }, { x: 200, y: 90 }]);
  assert.match(text, /^M0 0C[\d.]+ 0 .* 100 90C.* 200 90C.* [\d.]+ 0 300 0$/);
  assert.ok(!linePath({ x: 0, y: 0 }, { x: 0, y: 0 }, [{ x: 0, y: 0 }]).includes("NaN"));
});
