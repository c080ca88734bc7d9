import assert from "node:assert/strict";
import {
  drawingsOf,
  edgesOf,
  newDocument,
  nodesOf,
  placeOf,
  reachable,
  readDocument,
  writeDocument,
} from "../../Sources/CWebAssets/web/js/model/document.js";
import * as commands from "../../Sources/CWebAssets/web/js/model/commands.js";
import * as nodeCommands from "../../Sources/CWebAssets/web/js/model/node_commands.js";
import * as drawings from "../../Sources/CWebAssets/web/js/model/drawings.js";
import { fromPlain, isEqual, Problem, readJSON, writeJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { workflow } from "./support.js";

/** @typedef {import("../../Sources/CWebAssets/web/js/model/document.js").WorkflowDocument} WorkflowDocument */

/**
 * @param {WorkflowDocument} document
 * @param {string} name
 */
const plain = (document, name) => JSON.parse(writeJSON(nodesOf(document).get(name) ?? null));

const sample = workflow(
  {
    load: { type: "files/read", with: { path: "${{ inputs.path }}" }, future: { kept: 1 } },
    clean: {
      type: "text/clean",
      in: { text: "load.content", list: ["load.content", "load.size"], own: "inputs.path" },
    },
    test: { run: "pytest", needs: ["clean", "load"], if: "needs.clean.state == 'needs.clean' && needs.cleaner.x" },
  },
  { inputs: { path: { type: "string" } }, outputs: { result: "clean.output", all: ["clean.output", "load.content"] } },
  { clean: { x: 10, y: 20, note: "kept" }, absent: { x: 1, y: 1 }, $reactFlow: { root: {} } },
);

Deno.test("a document is written as it was read, whatever it has", () => {
  const text = writeDocument(sample);
  assert.equal(writeDocument(readDocument(text)), text);
  const odd =
    '{"apiVersion":"orchestrator/v1","kind":"Workflow","x":1.0,"spec":{"nodes":{"a":{"with":{"2":1,"1":2}}}}}';
  assert.equal(writeJSON(readDocument(odd)), odd);
});

Deno.test("what can't be drawn is refused", () => {
  for (
    const value of [
      null,
      [],
      {},
      { apiVersion: "orchestrator/v1", kind: "Workflow" },
      { apiVersion: "orchestrator/v2", kind: "Workflow", spec: { nodes: {} } },
      { apiVersion: "orchestrator/v1", kind: "Workflow", spec: { nodes: [] } },
      { apiVersion: "orchestrator/v1", kind: "Workflow", spec: { nodes: { a: 1 } } },
      { apiVersion: "orchestrator/v1", kind: "Workflow", spec: { nodes: { inputs: {} } } },
      { apiVersion: "orchestrator/v1", kind: "Workflow", spec: { nodes: { "<b>": {} } } },
    ]
  ) assert.throws(() => readDocument(JSON.stringify(value)), Problem);
  assert.equal(nodesOf(newDocument("empty")).size, 0);
});

Deno.test("edges are what flows between nodes, and who waits for whom", () => {
  const edges = edgesOf(sample).map((edge) =>
    edge.kind === "value"
      ? `${edge.from.node}.${edge.from.port}>${edge.to.node}.${edge.to.port}#${edge.index}`
      : `${edge.from.node}>${edge.to.node}`
  );
  assert.deepEqual(edges, [
    "load.content>clean.text#0",
    "load.content>clean.list#0",
    "load.size>clean.list#1",
    "clean>test",
    "load>test",
  ]);
  assert.equal(edgesOf(sample), edgesOf(sample));
  assert.deepEqual([...reachable(sample, ["load"], "after")].sort(), ["clean", "load", "test"]);
  assert.deepEqual([...reachable(sample, ["clean"], "before")].sort(), ["clean", "load"]);
});

Deno.test("renaming a node renames it wherever it is meant, and nowhere else", () => {
  const changed = nodeCommands.renameNode("clean", "tidy").change(sample);
  assert.deepEqual([...nodesOf(changed).keys()], ["load", "tidy", "test"]);
  assert.deepEqual(plain(changed, "test").needs, ["tidy", "load"]);
  assert.equal(plain(changed, "test").if, "needs.tidy.state == 'needs.clean' && needs.cleaner.x");
  assert.deepEqual(placeOf(changed, "tidy"), { x: 10, y: 20 });
  const outputs = readJSON(writeJSON(changed.get("spec") ?? null));
  assert.match(writeJSON(outputs), /"result":"tidy.output","all":\["tidy.output","load.content"\]/);
  for (const name of ["load", "inputs", "", "1a", "a b", "x".repeat(65)]) {
    assert.ok(nodeCommands.renamingProblem(sample, "clean", name));
    assert.equal(nodeCommands.renameNode("clean", name).change(sample), sample);
  }
});

Deno.test("removing a node removes its edges, and leaves what isn't its own", () => {
  const changed = commands.removeNodes(["load", "absent"]).change(sample);
  assert.deepEqual(plain(changed, "clean").in, { own: "inputs.path" });
  assert.deepEqual(plain(changed, "test").needs, ["clean"]);
  assert.match(writeJSON(changed), /"outputs":\{"result":"clean.output","all":\["clean.output"\]\}/);
  assert.match(writeJSON(changed), /\$reactFlow/);
  assert.equal(commands.removeNodes(["nobody"]).change(sample), sample);
});

Deno.test("an input that takes one value gets another in its place, one that takes several gets one more", () => {
  const from = { node: "load", port: "size" };
  const single = commands.connect(from, { node: "clean", port: "text" }, false).change(sample);
  assert.equal(plain(single, "clean").in.text, "load.size");
  const several = commands.connect(from, { node: "clean", port: "text" }, true).change(sample);
  assert.deepEqual(plain(several, "clean").in.text, ["load.content", "load.size"]);
  const twice = commands.connect(from, { node: "clean", port: "list" }, true);
  assert.equal(twice.change(sample), sample);
  const absent = { node: "nobody", port: "a" };
  assert.equal(commands.connect(absent, { node: "clean", port: "text" }, false).change(sample), sample);
});

Deno.test("disconnecting takes out these edges, several of one input too", () => {
  const edges = edgesOf(sample);
  const changed = commands.disconnect(edges).change(sample);
  assert.deepEqual(edgesOf(changed), []);
  assert.deepEqual(plain(changed, "clean").in, { own: "inputs.path" });
  assert.equal(plain(changed, "test").needs, undefined);
  const one = commands.disconnect([edges[1]]).change(sample);
  assert.deepEqual(plain(one, "clean").in.list, ["load.size"]);
  assert.ok(isEqual(commands.disconnect([edges[1]]).change(one), one), "one that isn't there any more changes nothing");
});

Deno.test("0, false and the empty text are values; a reset leaves none", () => {
  for (const value of [0, false, "", null]) {
    const changed = nodeCommands.setParameter("test", "p", value).change(sample);
    assert.equal(plain(changed, "test").with.p, value);
    assert.equal(nodeCommands.setParameter("test", "p", value).change(changed), changed);
    assert.equal(plain(nodeCommands.setParameter("test", "p", undefined).change(changed), "test").with, undefined);
  }
});

Deno.test("moving keeps what else is written at a node's place", () => {
  const changed = commands.moveNodes(new Map([["clean", { x: 1.4, y: -2.6 }], ["nobody", { x: 0, y: 0 }]])).change(
    sample,
  );
  assert.deepEqual(placeOf(changed, "clean"), { x: 1, y: -3 });
  assert.match(writeJSON(changed), /"clean":\{"x":1,"y":-3,"note":"kept"\}/);
  assert.doesNotMatch(writeJSON(changed), /nobody/);
});

Deno.test("groups and comments lie in the layout, under a name that no node has", () => {
  const group = /** @type {Map<string, any>} */ (fromPlain({ title: "A", x: 0, y: 0, width: 100, height: 50 }));
  const changed = drawings.setDrawing("groups", "1", group).change(sample);
  assert.equal(drawingsOf(changed, "groups")[0].title, "A");
  assert.equal(drawings.freeDrawingIds(changed, "groups")(), "2");
  assert.ok(isEqual(drawings.setDrawing("groups", "1", undefined).change(changed), sample));
});
