/**
 * Where a run stands; `run_events.js` has what events make of it.
 *
 * @typedef {"waiting" | "queued" | "running" | "retrying" | "succeeded" | "failed" | "skipped" | "cancelled"} NodeState
 *
 * @typedef {object} RunError
 * @property {string} kind
 * @property {string} message
 * @property {string} cause
 * @property {string} hint
 * @property {string} traceback
 *
 * `end` is there once it has ended. Milliseconds since 1970.
 * @typedef {{start: number, end: number | undefined}} Attempt
 *
 * A node, or one instance of it.
 * @typedef {object} NodeProgress
 * @property {NodeState} state
 * @property {number} attempt
 * @property {number | undefined} fraction of 0 to 1
 * @property {string} message
 * @property {number | undefined} started milliseconds since 1970
 * @property {number | undefined} ended the same
 * @property {ReadonlyArray<Attempt>} attempts
 * @property {number | undefined} duration milliseconds, once it has ended
 * @property {boolean} cached
 * @property {RunError | undefined} error
 * @property {string} reason why it was skipped
 *
 * `last`: the number of the last event that was seen. `outcome` is there once the run has ended.
 * @typedef {object} RunState
 * @property {number} last
 * @property {number | undefined} began milliseconds since 1970
 * @property {number | undefined} ended
 * @property {string | undefined} outcome
 * @property {ReadonlyMap<string, NodeProgress>} nodes by the run's names: `test`, `test[0]`, `build/compile`
 */

import { lineOf } from "./text.js";

/** @type {RunState} */
export const emptyRun = { last: 0, began: undefined, ended: undefined, outcome: undefined, nodes: new Map() };

/**
 * @param {RunError | undefined} error
 * @returns {string} what it says on one line; of an exception that alone, for that it was one says nothing
 */
export function failureText(error) {
  if (!error) return "";
  const { message, cause } = error;
  if (!cause) return lineOf(message, 300);
  return lineOf(message === "the plugin raised an error" ? cause : `${message}: ${cause}`, 300);
}

/**
 * The node of the document that a name of a run belongs to: `test` of `test[0]`, `build` of `build/compile`.
 * @param {string} name
 */
export function documentNode(name) {
  const end = name.search(/[[/]/);
  return end < 0 ? name : name.slice(0, end);
}

/** What outweighs what where a node stands for several. */
const weight = /** @type {const} */ (
  ["failed", "cancelled", "running", "retrying", "queued", "waiting", "skipped", "succeeded"]
);

/**
 * @param {RunState} state
 * @returns {Map<string, NodeProgress & {count: number, doneCount: number}>} by the document's names: instances together
 */
export function byDocumentNode(state) {
  /** @type {Map<string, NodeProgress[]>} */
  const groups = new Map();
  for (const [name, progress] of state.nodes) {
    const own = documentNode(name);
    const known = groups.get(own);
    // Beside its instances the node itself says no more than they do.
    if (known && name !== own) known.push(progress);
    else if (!known) groups.set(own, [progress]);
  }
  return new Map([...groups].map(([name, list]) => [name, together(list)]));
}

/**
 * @param {NodeProgress[]} list not empty
 * @returns {NodeProgress & {count: number, doneCount: number}}
 */
function together(list) {
  const first = list.reduce((left, right) => weight.indexOf(right.state) < weight.indexOf(left.state) ? right : left);
  const done = list.filter(({ duration, state }) => duration !== undefined || isEnded(state));
  if (list.length === 1) return { ...first, count: 1, doneCount: done.length };
  const durations = done.map(({ duration }) => duration ?? 0);
  return {
    ...first,
    count: list.length,
    doneCount: done.length,
    cached: list.every(({ cached }) => cached),
    fraction: isEnded(first.state) ? undefined : done.length / list.length,
    duration: isEnded(first.state) ? Math.max(0, ...durations) : undefined,
  };
}

/** @param {NodeState} state */
export function isEnded(state) {
  return state === "succeeded" || state === "failed" || state === "skipped" || state === "cancelled";
}
