/**
 * When the nodes of a run waited and ran.
 *
 * Times are milliseconds since the run began. `ready`: when all that it waits for had ended. `attempts`: none of what was cached, or taken
 * from another run.
 * @typedef {object} TimelineRow
 * @property {string} name by the run's names
 * @property {import("./run.js").NodeState} state
 * @property {boolean} cached
 * @property {number} ready
 * @property {number} start when it ran first, or ended without having run
 * @property {number} end
 * @property {{start: number, end: number}[]} attempts
 *
 * @typedef {{rows: TimelineRow[], length: number}} Timeline
 */

import { edgesOf } from "./document.js";
import { documentNode } from "./run.js";

/** @typedef {import("./run.js").RunState} RunState */

/**
 * @param {RunState} run
 * @param {import("./document.js").WorkflowDocument} document the run's own
 * @param {number} now milliseconds since 1970: what hasn't ended yet lasts until then
 * @returns {Timeline} in the order in which nodes began
 */
export function timelineOf(run, document, now) {
  const began = run.began ?? now;
  const end = run.ended ?? Math.max(now, began);
  /** @param {number} time */
  const since = (time) => Math.min(Math.max(0, time - began), end - began);
  /** @type {Map<string, number>} when a node of the document had ended, with all its instances */
  const endings = new Map();
  for (const [name, { ended }] of run.nodes) {
    const own = documentNode(name);
    endings.set(own, Math.max(endings.get(own) ?? 0, since(ended ?? end)));
  }
  /** @type {Map<string, number>} */
  const ready = new Map();
  for (const { from, to } of edgesOf(document)) {
    ready.set(to.node, Math.max(ready.get(to.node) ?? 0, endings.get(from.node) ?? 0));
  }
  const rows = [...run.nodes].flatMap(([name, { state, cached, started, ended, attempts }]) => {
    if (state === "waiting" || state === "skipped") return [];
    const start = since(started ?? ended ?? end);
    return [{
      name,
      state,
      cached,
      ready: Math.min(ready.get(documentNode(name)) ?? 0, start),
      start,
      end: since(ended ?? end),
      attempts: attempts.map((attempt) => ({ start: since(attempt.start), end: since(attempt.end ?? end) })),
    }];
  });
  rows.sort((left, right) => left.start - right.start || left.end - right.end);
  return { rows, length: end - began };
}

/**
 * Places of an axis, at times that somebody would name.
 * @param {number} length milliseconds
 * @param {number} most how many there is place for
 * @returns {number[]}
 */
export function ticksOf(length, most) {
  if (!(length > 0)) return [0];
  const steps = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1e3,
    2e3,
    5e3,
    1e4,
    1.5e4,
    3e4,
    6e4,
    1.2e5,
    3e5,
    6e5,
    1.8e6,
    3.6e6,
  ];
  const wished = length / Math.max(1, most);
  const step = steps.find((candidate) => candidate >= wished) ?? Math.ceil(wished / 3.6e6) * 3.6e6;
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
}
