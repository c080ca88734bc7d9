import assert from "node:assert/strict";
import * as settings from "../../Sources/CWebAssets/web/js/model/settings.js";
import { setMember } from "../../Sources/CWebAssets/web/js/model/node_commands.js";
import { nodesOf } from "../../Sources/CWebAssets/web/js/model/document.js";
import { fromPlain, writeJSON } from "../../Sources/CWebAssets/web/js/model/json.js";
import { workflow } from "./support.js";

/** @param {Record<string, unknown>} members */
const nodeWith = (members) => nodesOf(workflow({ a: { type: "a/b", ...members } })).get("a") ?? new Map();

Deno.test("durations, memory and GPUs are what the program takes", () => {
  for (const good of [null, "1s", "90m", "007d"]) assert.equal(settings.durationProblem(good), undefined);
  for (const bad of ["", "0s", "1.5s", "5", 5, "1 s"]) assert.ok(settings.durationProblem(bad), String(bad));
  for (const good of [null, "512Mi", "1G"]) assert.equal(settings.memoryProblem(good), undefined);
  for (const bad of ["512", "1.5Gi", "1gi", 5]) assert.ok(settings.memoryProblem(bad), String(bad));
  for (const good of [0, 1, 64, 0.5, 0.001, 0.999]) assert.equal(settings.gpuProblem(good), undefined);
  for (const bad of [-1, 65, 1.5, 0.0005]) assert.ok(settings.gpuProblem(bad), String(bad));
});

Deno.test("a matrix has axes of values, one expression each, and combinations", () => {
  const good = [null, { a: [1] }, { a: "${{ inputs.list }}" }, { include: [{ a: 1 }], exclude: null }];
  for (const value of good) assert.equal(settings.matrixProblem(fromPlain(value)), undefined, JSON.stringify(value));
  const bad = [{}, [], { a: [] }, { a: 1 }, { a: "x" }, { "a b": [1] }, { include: [1] }, { include: [{}] }];
  for (const value of bad) assert.ok(settings.matrixProblem(fromPlain(value)), JSON.stringify(value));
  assert.equal(settings.semaphoresProblem(fromPlain({ "license:matlab": 1 })), undefined);
  for (const value of [{ A: 1 }, { a: 0 }, { a: 1.5 }, []]) assert.ok(settings.semaphoresProblem(fromPlain(value)));
});

Deno.test("one entry of retries stays as it is written, and what it has besides stays in it", () => {
  const one = nodeWith({ retry: { max: 1, "of-later": true } });
  assert.equal(settings.retryMode(one), "entries");
  assert.equal(writeJSON(settings.withRetry(one, 0, "max", 3)), '{"max":3,"of-later":true}');
  const list = nodeWith({ retry: [{ max: 1, on: ["oom"] }] });
  assert.equal(writeJSON(settings.withRetry(list, 0, "delay", "1s")), '[{"max":1,"on":["oom"],"delay":"1s"}]');
  assert.equal(writeJSON(settings.withRetry(list, 0, "on", [])), '[{"max":1}]');
  assert.equal(settings.withoutRetryEntry(list, 0), undefined);
});

Deno.test("of several entries each names failures of its own", () => {
  const two = nodeWith({ retry: settings.withRetryEntry(nodeWith({ retry: { max: 2 } })) });
  assert.equal(
    writeJSON(two.get("retry") ?? null),
    '[{"max":2,"on":["crash","timeout"]},{"max":1,"on":["oom"]}]',
  );
  assert.equal(settings.retriesProblem(two), undefined);
  assert.match(
    settings.retriesProblem(nodeWith({ retry: [{ max: 1, on: "oom" }, { max: 1, on: ["oom"] }] })) ?? "",
    /oom/,
  );
  assert.ok(settings.retriesProblem(nodeWith({ retry: [{ max: 1 }, { max: 1, on: "oom" }] })));
  assert.deepEqual(["defaults", "never"], [{}, { retry: [] }].map((node) => settings.retryMode(nodeWith(node))));
});

Deno.test("what is set within an object leaves its other members, and takes it away with the last", () => {
  const before = workflow({ a: { type: "a/b", resources: { cpu: 1, later: "x" } } });
  const both = setMember("a", ["resources", "memory"], "1Gi").change(before);
  assert.equal(writeJSON(nodesOf(both).get("a")?.get("resources") ?? null), '{"cpu":1,"later":"x","memory":"1Gi"}');
  const one = workflow({ a: { type: "a/b", resources: { cpu: 1 } } });
  assert.ok(!nodesOf(setMember("a", ["resources", "cpu"], undefined).change(one)).get("a")?.has("resources"));
});
