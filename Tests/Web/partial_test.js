import assert from "node:assert/strict";
import { nodesOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { objectAt } from "../../Sources/CWebAssets/web/js/model/objects.js";
import { documentTo, hasResultsBefore } from "../../Sources/CWebAssets/web/js/model/partial.js";
import { workflow } from "./support.js";

const nodes = {
  a: { type: "t/a" },
  b: { type: "t/b", in: { x: "a.o" } },
  c: { type: "t/c", in: { x: ["a.o", "inputs.path"] }, needs: ["d"] },
  d: { type: "t/d", needs: "e" },
  e: { run: "true" },
  f: { type: "t/f", in: { x: ["b.o", "c.o"] } },
};
const whole = workflow(nodes, {
  inputs: { path: { type: "string" } },
  outputs: { end: "f.o", middle: "c.o", both: ["a.o", "b.o"], given: "inputs.path" },
}, { a: { x: 0, y: 0 } });

Deno.test("a part has the nodes that were chosen, all that they wait for, and the outputs that it can give", () => {
  const part = documentTo(whole, ["c"]);
  assert.deepEqual([...nodesOf(part).keys()], ["a", "c", "d", "e"]);
  assert.equal(nodesOf(part).get("c"), nodesOf(whole).get("c"));
  assert.deepEqual([...objectAt(part, ["spec", "outputs"])], [["middle", "c.o"], ["given", "inputs.path"]]);
  assert.equal(part.get("layout"), whole.get("layout"));
  assert.deepEqual([...nodesOf(documentTo(whole, ["b", "e"])).keys()], ["a", "b", "e"]);
  assert.equal(
    objectAt(documentTo(workflow(nodes, { outputs: { end: "f.o" } }), ["b"]), ["spec"]).has("outputs"),
    false,
  );
});

Deno.test("to the last node it is all of it", () => {
  assert.equal(documentTo(whole, ["f"]), whole);
});

Deno.test("what follows can be run where something of what lies before has a result, or nothing lies before", () => {
  assert.equal(hasResultsBefore(whole, "f", (name) => name === "a" ? "succeeded" : "failed"), true);
  assert.equal(hasResultsBefore(whole, "f", () => "failed"), false);
  assert.equal(hasResultsBefore(whole, "b", (name) => name === "b" ? "succeeded" : undefined), false);
  assert.equal(hasResultsBefore(whole, "a", () => undefined), true);
});
