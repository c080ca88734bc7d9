import assert from "node:assert/strict";
import { byDocumentNode, documentNode, emptyRun, failureText } from "../../Sources/CWebAssets/web/js/model/run.js";
import { afterEvent, afterEvents, withReasons } from "../../Sources/CWebAssets/web/js/model/run_events.js";
import { EventReader } from "../../Sources/CWebAssets/web/js/api/events.js";
import { randomNumbers } from "./support.js";

/** @typedef {import("../../Sources/CWebAssets/web/js/model/run_events.js").RunEvent} RunEvent */

let number = 0;
/**
 * @param {string} kind
 * @param {string | undefined} node
 * @param {Record<string, unknown>} detail
 * @returns {RunEvent}
 */
function kept(kind, node = undefined, detail = {}) {
  number++;
  return {
    id: number,
    kind,
    data: { sequence: number, time_ms: 1000 + number * 10, kind, ...(node ? { node } : {}), detail },
  };
}

const failure = { class: "error", message: "it fails", cause: null, hint: null, traceback: "line 1", last_output: [] };
/** @type {RunEvent[]} */
const events = [
  kept("began"),
  kept("started", "a", { attempt: 1 }),
  kept("retried", "a", { attempt: 1, error: failure }),
  kept("started", "a", { attempt: 2 }),
  kept("succeeded", "a", { attempts: 2, duration_ms: 1234, cached: false }),
  kept("started", "t[0]", { attempt: 1 }),
  kept("started", "t[1]", { attempt: 1 }),
  kept("succeeded", "t[0]", { duration_ms: 5, cached: true }),
  kept("failed", "t[1]", { attempts: 1, error: failure }),
  kept("skipped", "c", { needs: "t", failed: "t[1]" }),
  kept("skipped", "d", { condition: false }),
  kept("cancelled", "e"),
  kept("finished", undefined, { outcome: "failed" }),
];

const whole = events.reduce(afterEvent, emptyRun);

Deno.test("a run stands where its events say", () => {
  assert.equal(whole.outcome, "failed");
  assert.deepEqual([whole.began, whole.ended, whole.last], [1010, 1130, 13]);
  const node = (/** @type {string} */ name) => whole.nodes.get(name);
  assert.deepEqual([node("a")?.state, node("a")?.attempt, node("a")?.duration, node("a")?.error], [
    "succeeded",
    2,
    1234,
    undefined,
  ]);
  assert.equal(node("t[1]")?.error?.traceback, "line 1");
  assert.equal(node("c")?.reason, "t[1] failed");
  assert.equal(node("d")?.reason, "its condition is false");
  assert.equal(node("t[0]")?.cached, true);
});

Deno.test("instances count for their node: the worst of them is what it is", () => {
  const together = byDocumentNode(whole).get("t");
  assert.deepEqual([together?.state, together?.count, together?.doneCount], ["failed", 2, 2]);
  assert.deepEqual(["test", "test[0]", "build/compile", "test[0]/build"].map(documentNode), [
    "test",
    "test",
    "build",
    "test",
  ]);
});

Deno.test("whoever lost the connection and asks again ends where the others do, however much comes twice", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = randomNumbers(seed);
    let state = emptyRun;
    let place = 0;
    while (place < events.length) {
      const end = Math.min(events.length, place + 1 + Math.floor(5 * random()));
      for (const event of events.slice(place, end)) state = afterEvent(state, event);
      // The server begins anew, at most where it was asked to.
      place = Math.max(0, end - Math.floor(3 * random()));
      if (end === events.length) break;
    }
    assert.deepEqual(state, whole, `seed ${seed}`);
  }
});

Deno.test("an error is told with its cause, an exception of a plugin by that alone", () => {
  const error = { kind: "error", message: "the output is missing", cause: "others\nread it", hint: "", traceback: "" };
  assert.equal(failureText(error), "the output is missing: others read it");
  assert.equal(failureText({ ...error, cause: "" }), "the output is missing");
  assert.equal(
    failureText({ ...error, message: "the plugin raised an error", cause: "ValueError: x" }),
    "ValueError: x",
  );
  assert.equal(failureText(undefined), "");
});

Deno.test("many events at once are the same as one after the other, and of 10,000 nodes taken in at once", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomNumbers(seed);
    let state = emptyRun;
    for (let place = 0; place < events.length;) {
      const end = place + 1 + Math.floor(6 * random());
      state = afterEvents(state, events.slice(Math.max(0, place - 2), end));
      place = end;
    }
    assert.deepEqual(state, whole, `seed ${seed}`);
  }
  assert.equal(afterEvents(whole, events), whole);
  const many = Array.from({ length: 20_000 }, (_, index) => ({
    id: index + 1,
    kind: index % 2 === 0 ? "started" : "succeeded",
    data: { node: `n[${index >> 1}]`, time_ms: index, detail: {} },
  }));
  const before = performance.now();
  let state = emptyRun;
  for (let place = 0; place < many.length; place += 200) state = afterEvents(state, many.slice(place, place + 200));
  assert.equal(state.nodes.size, 10_000);
  assert.ok(performance.now() - before < 3000, "one copy for each event takes ten times that");
});

Deno.test("an event that was seen changes nothing, not even for a moment", () => {
  for (const event of events) assert.equal(afterEvent(whole, event), whole);
});

Deno.test("what isn't kept changes nothing that is", () => {
  const progress = { id: undefined, kind: "progress", data: { node: "a", fraction: 7, message: "half\u202e" } };
  assert.equal(afterEvent(whole, progress), whole);
  const running = events.slice(0, 2).reduce(afterEvent, emptyRun);
  const after = afterEvent(running, progress).nodes.get("a");
  assert.deepEqual([after?.fraction, after?.message, after?.state], [1, "half", "running"]);
  const queued = { id: undefined, kind: "queued", data: { node: "z" } };
  assert.equal(afterEvent(running, queued).nodes.get("z")?.state, "queued");
  assert.equal(afterEvent(whole, { id: undefined, kind: "queued", data: { node: "a" } }), whole);
});

Deno.test("what is queued says what it waits for, and what has begun doesn't any more", () => {
  const running = events.slice(0, 2).reduce(afterEvent, emptyRun);
  const told = withReasons(running, new Map([["a", "waits for memory"], ["z", "waits for a GPU"]]));
  assert.deepEqual([told.nodes.get("z")?.state, told.nodes.get("z")?.message], ["queued", "waits for a GPU"]);
  assert.equal(told.nodes.get("a"), running.nodes.get("a"));
  assert.equal(withReasons(whole, new Map([["a", "waits"]])), whole);
  const begun = afterEvent(told, { id: 99, kind: "started", data: { node: "z", time_ms: 5, detail: { attempt: 1 } } });
  assert.deepEqual([begun.nodes.get("z")?.state, begun.nodes.get("z")?.message], ["running", ""]);
});

Deno.test("a run that is gone on with hasn't ended any more", () => {
  const again = afterEvent(whole, { id: 14, kind: "began", data: { time_ms: 9 } });
  assert.deepEqual([again.outcome, again.began], [undefined, 1010]);
  assert.equal(
    afterEvent(again, { id: 15, kind: "started", data: { node: "c", detail: {} } }).nodes.get("c")?.reason,
    "",
  );
});

Deno.test("events of any shape are taken", () => {
  for (
    const data of [null, 1, "x", [], {}, { node: 5 }, { node: "a", detail: "x" }, { node: "a", detail: { error: 1 } }]
  ) {
    for (const kind of ["began", "started", "failed", "skipped", "progress", "unknown", "__proto__"]) {
      afterEvent(emptyRun, { id: 1, kind, data });
      afterEvent(emptyRun, { id: undefined, kind, data });
    }
  }
});

Deno.test("server-sent events are the same in whatever pieces they come", () => {
  const text =
    ':\n\nid: 1\nevent: a\ndata: {"x":1}\n\nevent: b\r\ndata: 1\r\ndata:2\r\n\r\nid: 3\rdata\r\rignored: x\n\n';
  const expected = new EventReader().read(text);
  assert.deepEqual(expected, [
    { id: "1", kind: "a", data: '{"x":1}' },
    { id: undefined, kind: "b", data: "1\n2" },
    { id: "3", kind: "message", data: "" },
  ]);
  for (let seed = 1; seed <= 100; seed++) {
    const random = randomNumbers(seed);
    const reader = new EventReader();
    const seen = [];
    for (let place = 0; place < text.length;) {
      const end = place + 1 + Math.floor(4 * random());
      seen.push(...reader.read(text.slice(place, end)));
      place = end;
    }
    assert.deepEqual(seen, expected, `seed ${seed}`);
  }
});
