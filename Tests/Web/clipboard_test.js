import assert from "node:assert/strict";
import { placeFragment, readFragment } from "../../Sources/CWebAssets/web/js/model/clipboard.js";
import { fragmentText } from "../../Sources/CWebAssets/web/js/model/copying.js";
import { paste } from "../../Sources/CWebAssets/web/js/model/commands.js";
import { edgesOf, newDocument, nodesOf, placeOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { Problem, writeJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { freeName } from "../../Sources/CWebAssets/web/js/model/names.js";
import { workflow } from "./support.js";

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
  const changed = paste(fragment.nodes, fragment.places).change(sample);
  assert.deepEqual([...nodesOf(changed).keys()], ["a", "b", "c", "a_2", "b_2"]);
  const pasted = writeJSON(nodesOf(changed).get("b_2") ?? null);
  assert.match(pasted, /"x":"a_2.o","y":\["c.o","inputs.i"\]/);
  assert.match(pasted, /needs.a_2.state/);
  assert.deepEqual([placeOf(changed, "a_2"), placeOf(changed, "b_2")], [{ x: 0, y: 0 }, { x: 200, y: 50 }]);
});

Deno.test("what is pasted elsewhere loses what it took of nodes that aren't there", () => {
  const empty = newDocument("other");
  const fragment = placeFragment(empty, readFragment(fragmentText(sample, ["b"])), { x: 5, y: 5 });
  const changed = paste(fragment.nodes, fragment.places).change(empty);
  assert.deepEqual(JSON.parse(writeJSON(nodesOf(changed).get("b") ?? null)).in, { y: ["inputs.i"] });
  assert.deepEqual(edgesOf(changed), []);
});

Deno.test("a whole workflow can be pasted, also one that nobody has laid out", () => {
  const text = writeJSON(workflow({ a: { type: "t/a" }, b: { run: "x" } }));
  const fragment = placeFragment(sample, readFragment(text), { x: 0, y: 0 });
  assert.deepEqual([...fragment.nodes.keys()], ["a_2", "b_2"]);
  assert.equal(fragment.places.size, 2);
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
