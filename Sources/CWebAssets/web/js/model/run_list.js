/**
 * Runs as the server tells of them.
 *
 * `created`, `ended`: milliseconds since 1970. `parent`: the run that it repeats.
 * @typedef {object} RunEntry
 * @property {string} run
 * @property {string} state
 * @property {number} created
 * @property {number | undefined} ended
 * @property {number} count of its nodes
 * @property {string} submitter
 * @property {string} parent
 *
 * `document`: undefined where it can't be drawn.
 * @typedef {RunEntry & {inputs: JSONObject, document: WorkflowDocument | undefined, nodes: Map<string, RunNode>, problems: JSONValue}} RunDetail
 * @typedef {{state: string, duration: number | undefined, cached: boolean}} RunNode
 */

import { checkedDocument } from "./document.js";
import { isArray, numericValue } from "./json.js";
import { objectAt, valueAt } from "./objects.js";
import { lineOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */
/** @typedef {import("./json.js").JSONObject} JSONObject */
/** @typedef {import("./document.js").WorkflowDocument} WorkflowDocument */

/**
 * @param {JSONValue | undefined} value
 * @returns {RunEntry | undefined}
 */
export function readRun(value) {
  const run = valueAt(value, ["run"]);
  if (typeof run !== "string" || run === "") return undefined;
  return {
    run,
    state: lineOf(valueAt(value, ["state"]), 40),
    created: numericValue(valueAt(value, ["created_ms"])) ?? 0,
    ended: numericValue(valueAt(value, ["ended_ms"])),
    count: numericValue(valueAt(value, ["nodes_count"])) ?? 0,
    submitter: lineOf(valueAt(value, ["submitter"]), 64),
    parent: lineOf(valueAt(value, ["parent"]), 64),
  };
}

/**
 * @param {JSONValue} value
 * @returns {{runs: RunEntry[], next: string | undefined}} `next`: before which run the next page is
 */
export function readRuns(value) {
  const list = valueAt(value, ["runs"]);
  const next = valueAt(value, ["next"]);
  return {
    runs: isArray(list) ? list.flatMap((item) => readRun(item) ?? []) : [],
    next: typeof next === "string" && next !== "" ? next : undefined,
  };
}

/**
 * @param {JSONValue} value
 * @returns {RunDetail | undefined}
 */
export function readRunDetail(value) {
  const entry = readRun(value);
  if (!entry) return undefined;
  /** @type {RunDetail["nodes"]} */
  const nodes = new Map();
  const list = valueAt(value, ["nodes"]);
  for (const item of isArray(list) ? list : []) {
    const name = valueAt(item, ["node"]);
    if (typeof name !== "string") continue;
    nodes.set(name, {
      state: lineOf(valueAt(item, ["state"]), 40),
      duration: numericValue(valueAt(item, ["duration_ms"])),
      cached: valueAt(item, ["cached"]) === true,
    });
  }
  return {
    ...entry,
    inputs: objectAt(value, ["inputs"]),
    document: drawable(valueAt(value, ["document"])),
    nodes,
    problems: valueAt(value, ["problems"]) ?? null,
  };
}

/** @param {JSONValue | undefined} value */
function drawable(value) {
  try {
    return checkedDocument(value ?? null);
  } catch {
    return undefined;
  }
}
