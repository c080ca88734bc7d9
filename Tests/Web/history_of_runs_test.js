import assert from "node:assert/strict";
import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import { emptyRun } from "../../Sources/CWebAssets/web/js/model/run.js";
import { afterEvent } from "../../Sources/CWebAssets/web/js/model/run_events.js";
import { readRunDetail, readRuns } from "../../Sources/CWebAssets/web/js/model/run_list.js";
import { ticksOf, timelineOf } from "../../Sources/CWebAssets/web/js/model/timeline.js";
import { differingOf, differingText, nodesBeside } from "../../Sources/CWebAssets/web/js/model/compare.js";
import { workflow } from "./support.js";

let number = 0;
/**
 * @param {number} time
 * @param {string} kind
 * @param {string} [node]
 * @param {Record<string, unknown>} [detail]
 */
const event = (time, kind, node, detail = {}) => ({
  id: ++number,
  kind,
  data: { time_ms: 1000 + time, ...(node ? { node } : {}), detail },
});

const document = workflow({
  a: { type: "t/a" },
  b: { type: "t/b", in: { x: "a.o" } },
  c: { type: "t/c", needs: ["b"] },
  d: { type: "t/d" },
});
const events = [
  event(0, "began"),
  event(10, "started", "a", { attempt: 1 }),
  event(20, "retried", "a", { attempt: 1 }),
  event(30, "started", "a", { attempt: 2 }),
  event(100, "succeeded", "a", { duration_ms: 90 }),
  event(150, "started", "b[0]", { attempt: 1 }),
  event(150, "succeeded", "b[1]", { cached: true }),
  event(400, "failed", "b[0]", { error: { message: "x" } }),
  event(400, "skipped", "c", { failed: "b[0]" }),
  event(420, "finished", undefined, { outcome: "failed" }),
];
const run = events.reduce(afterEvent, emptyRun);

Deno.test("a timeline has what waited, ran and was tried again, from the run's beginning on", () => {
  const { rows, length } = timelineOf(run, document, 99_999);
  assert.equal(length, 420);
  assert.deepEqual(rows.map(({ name, ready, start, end }) => [name, ready, start, end]), [
    ["a", 0, 10, 100],
    ["b[1]", 100, 150, 150],
    ["b[0]", 100, 150, 400],
  ]);
  assert.deepEqual(rows[0]?.attempts, [{ start: 10, end: 20 }, { start: 30, end: 100 }]);
  assert.deepEqual([rows[1]?.cached, rows[1]?.attempts], [true, []]);
});

Deno.test("what hasn't ended lasts until now", () => {
  const open = events.slice(0, 6).reduce(afterEvent, emptyRun);
  const { rows, length } = timelineOf(open, document, 1500);
  assert.equal(length, 500);
  assert.deepEqual(rows.map(({ name, end }) => [name, end]), [["a", 100], ["b[0]", 500]]);
  assert.deepEqual(timelineOf(emptyRun, document, 5), { rows: [], length: 0 });
});

Deno.test("an axis has places at times that somebody would name, and not too many", () => {
  assert.deepEqual(ticksOf(420, 5), [0, 100, 200, 300, 400]);
  assert.deepEqual(ticksOf(0, 5), [0]);
  for (const length of [1, 77, 12_345, 3_600_000, 86_400_000, 1e10]) {
    const ticks = ticksOf(length, 8);
    assert.ok(ticks.length >= 1 && ticks.length <= 9, `${length}: ${ticks.length}`);
    assert.ok((ticks.at(-1) ?? 0) <= length);
  }
});

Deno.test("a run that is tried more often than that keeps its latest attempts", () => {
  let state = afterEvent(emptyRun, event(0, "began"));
  for (let attempt = 1; attempt <= 300; attempt++) {
    state = afterEvent(state, event(attempt, "started", "a", { attempt }));
    state = afterEvent(state, event(attempt, "retried", "a", { attempt }));
  }
  const { attempts = [] } = state.nodes.get("a") ?? {};
  assert.deepEqual([attempts.length, attempts.at(-1)], [100, { start: 1300, end: 1300 }]);
});

/**
 * @param {Record<string, unknown>} nodes of the document
 * @param {Record<string, unknown>} rest
 */
const detailOf = (nodes, rest) =>
  readRunDetail(
    fromPlain({ run: "r", document: { apiVersion: "orchestrator/v1", kind: "Workflow", spec: { nodes } }, ...rest }),
  ) ?? assert.fail();

Deno.test("two runs differ in what they were given and in how their nodes were set, member by member", () => {
  const left = detailOf({ a: { type: "t/a", with: { x: 1, y: "same", z: [1] }, timeout: "1s" }, b: { run: "true" } }, {
    inputs: { path: "one", both: 1 },
    nodes: [{ node: "a", state: "succeeded", duration_ms: 5 }, { node: "b", state: "failed" }],
  });
  const right = detailOf(
    { a: { timeout: "2s", with: { z: [1, 2], y: "same", x: 1.5 }, type: "t/a" }, c: { run: "x" } },
    {
      inputs: { both: 1, more: true },
      nodes: [{ node: "a", state: "succeeded", duration_ms: 9, cached: true }, { node: "c", state: "succeeded" }],
    },
  );
  const { inputs, settings } = differingOf(left, right);
  /** @param {typeof inputs} list */
  const texts = (list) => list.map((one) => [one.place, differingText(one.left), differingText(one.right)]);
  assert.deepEqual(texts(inputs), [["path", "one", "–"], ["more", "–", "true"]]);
  assert.deepEqual(texts(settings), [
    ["a.with.x", "1", "1.5"],
    ["a.with.z", "[1]", "[1,2]"],
    ["a.timeout", "1s", "2s"],
    ["b", '{"run":"true"}', "–"],
    ["c", "–", '{"run":"x"}'],
  ]);
  assert.deepEqual(nodesBeside(left, right).map(({ name }) => name), ["b", "c", "a"]);
  assert.deepEqual(differingOf(left, left), { inputs: [], settings: [] });
});

Deno.test("runs of any shape are taken", () => {
  for (const value of [null, 1, {}, { runs: 1 }, { runs: [null, {}, { run: 5 }, { run: "" }], next: 5 }]) {
    assert.deepEqual(readRuns(fromPlain(value)), { runs: [], next: undefined });
    assert.equal(readRunDetail(fromPlain(value)), undefined);
  }
  const bare = readRunDetail(fromPlain({ run: "r", document: { kind: "x" }, nodes: [1, { node: "a" }], inputs: 5 }));
  assert.deepEqual([bare?.document, bare?.inputs.size, bare?.nodes.get("a")], [undefined, 0, {
    state: "",
    duration: undefined,
    cached: false,
  }]);
});
