import assert from "node:assert/strict";
import { paste, placeFragment, readFragment } from "../../Sources/CWebAssets/web/js/model/clipboard.js";
import { fragmentText } from "../../Sources/CWebAssets/web/js/model/copying.js";
import { edgesOf, newDocument, nodesOf, placeOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { Problem, writeJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { contentOf, removeContent } from "../../Sources/CWebAssets/web/js/model/drawings.js";
import { drawingAt, shownDrawings } from "../../Sources/CWebAssets/web/js/model/shown_drawings.js";
import { freeName } from "../../Sources/CWebAssets/web/js/model/names.js";
import { workflow } from "./support.js";

const oneComment = {
  kind: /** @type {const} */ ("comments"),
  id: "1",
  key: "comments 1",
  title: "",
  color: undefined,
  x: 0,
  y: 0,
  width: 96,
  height: 64,
};
const sample = workflow(
  {
    a: { type: "t/a", with: { p: 1 } },
    b: { type: "t/b", in: { x: "a.o", y: ["c.o", "inputs.i"] }, needs: "c", if: "needs.a.state == 'failed'" },
    c: { type: "t/c" },
  },
  {},
  { a: { x: 100, y: 100 }, b: { x: 300, y: 150 } },
);

Deno.test("what is pasted beside itself has names of its own, and its edges among itself", () => {
  const fragment = placeFragment(sample, readFragment(fragmentText(sample, ["a", "b"])), { x: 0, y: 0 });
  const changed = paste(fragment).change(sample);
  assert.deepEqual([...nodesOf(changed).keys()], ["a", "b", "c", "a_2", "b_2"]);
  const pasted = writeJSON(nodesOf(changed).get("b_2") ?? null);
  assert.match(pasted, /"x":"a_2.o","y":\["c.o","inputs.i"\]/);
  assert.match(pasted, /needs.a_2.state/);
  assert.deepEqual([placeOf(changed, "a_2"), placeOf(changed, "b_2")], [{ x: 0, y: 0 }, { x: 200, y: 50 }]);
});

Deno.test("what is pasted elsewhere loses what it took of nodes that aren't there", () => {
  const empty = newDocument("other");
  const fragment = placeFragment(empty, readFragment(fragmentText(sample, ["b"])), { x: 5, y: 5 });
  const changed = paste(fragment).change(empty);
  assert.deepEqual(JSON.parse(writeJSON(nodesOf(changed).get("b") ?? null)).in, { y: ["inputs.i"] });
  assert.deepEqual(edgesOf(changed), []);
});

Deno.test("a whole workflow can be pasted, also one that nobody has laid out", () => {
  const text = writeJSON(workflow({ a: { type: "t/a" }, b: { run: "x" } }));
  const fragment = placeFragment(sample, readFragment(text), { x: 0, y: 0 });
  assert.deepEqual([...fragment.nodes.keys()], ["a_2", "b_2"]);
  assert.equal(fragment.places.size, 2);
});

Deno.test("a group takes along what lies in it, and none of it has a name that there is already", () => {
  const document = workflow({ a: { type: "t/a" }, b: { type: "t/b" } }, {}, {
    a: { x: 40, y: 60 },
    b: { x: 900, y: 0 },
    $editor: {
      groups: { 1: { x: 0, y: 0, width: 400, height: 300, title: "G", color: "#4a7bd0", later: 1 } },
      comments: {
        n: { x: 10, y: 200, width: 96, height: 64, text: "two\nlines" },
        far: { x: 999, y: 0, width: 96, height: 64 },
      },
    },
  });
  const group = drawingAt(document, "groups 1");
  assert.ok(group);
  const { nodes, drawings } = contentOf(document, group, new Map([["a", { x: 40, y: 60, width: 220, height: 80 }]]));
  const text = fragmentText(document, nodes.keys(), [...drawings.values()]);
  const fragment = placeFragment(document, readFragment(text), { x: 1000, y: 0 });
  const changed = paste(fragment).change(document);
  assert.deepEqual([...nodesOf(changed).keys()], ["a", "b", "a_2"]);
  assert.deepEqual(placeOf(changed, "a_2"), { x: 1040, y: 60 });
  assert.deepEqual(fragment.drawings.map(({ key }) => key), ["groups 2", "comments 1"]);
  const made = drawingAt(changed, "groups 2");
  assert.deepEqual([made?.x, made?.y, made?.width, made?.title, made?.color], [1000, 0, 400, "G", "#4a7bd0"]);
  assert.equal(drawingAt(changed, "comments 1")?.text, "two\nlines");
  assert.equal(shownDrawings(changed).length, 5);
  // What is cut goes, and nothing else.
  const left = removeContent({ nodes, drawings }).change(document);
  assert.deepEqual([[...nodesOf(left).keys()], shownDrawings(left).map(({ key }) => key)], [["b"], ["comments far"]]);
});

Deno.test("a comment alone can be pasted, and of drawings only so much as can be shown", () => {
  const text = fragmentText(sample, [], [{ ...oneComment, text: "x".repeat(9000) }]);
  const fragment = placeFragment(sample, readFragment(text), { x: 8, y: 8 });
  const command = paste(fragment);
  assert.equal(command.label, "Paste comment");
  assert.equal(drawingAt(command.change(sample), "comments 1")?.text.length, 4000);
  /** @param {unknown} drawings */
  const read = (drawings) =>
    readFragment(
      JSON.stringify({ apiVersion: "orchestrator/v1", kind: "WorkflowFragment", layout: { $editor: drawings } }),
    );
  const area = { x: 0, y: 0, width: 100, height: 100 };
  for (
    const odd of [
      { comments: 1 },
      { comments: { a: 1, b: { ...area, x: "0" }, c: { ...area, y: 1e300 } } },
      { others: { a: area } },
    ]
  ) assert.throws(() => read(odd), Problem);
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`c${index}`, area]));
  assert.equal(read({ comments: many }).drawings.length, 1000);
  const strange =
    read({ groups: { "<b>": { ...area, width: 1e9, title: "a\u202eb", color: "url(x)" }, __proto__: area } }).drawings;
  assert.deepEqual(strange.map(({ width, color }) => [width, color]), [[1e5, undefined]]);
  assert.ok(!strange[0]?.title.includes("\u202e"));
});

Deno.test("what isn't a part of a workflow is refused, whatever it is", () => {
  const head = '{"apiVersion":"orchestrator/v1","kind":"WorkflowFragment","spec":{"nodes":';
  for (
    const text of [
      "",
      "hello",
      "[]",
      "{}",
      '{"kind":"WorkflowFragment"}',
      `${head}{}}}`,
      `${head}{"a":1}}}`,
      `${head}{"<img src=x>":{}}}}`,
      `${head}{"inputs":{}}}}`,
      `${head}{"a":${"[".repeat(100)}${"]".repeat(100)}}}}`,
      " ".repeat(5 << 20) + "{",
    ]
  ) assert.throws(() => readFragment(text), Problem, text.slice(0, 80));
});

Deno.test("a name that is free is made of any word", () => {
  const taken = new Set(["read", "read_2", "node"]);
  /** @param {string} wish */
  const free = (wish) => freeName(wish, (name) => taken.has(name));
  assert.deepEqual(["read", "Read many", "1st", "", "<b>", "inputs", "x".repeat(80)].map(free), [
    "read_3",
    "Read_many",
    "st",
    "node_2",
    "_b_",
    "node_2",
    "x".repeat(56),
  ]);
});
