/**
 * What the events of `GET /api/v1/runs/{run}/events` make of a run. An event that is kept has a number; one that was seen already
 * changes nothing, so that whoever asks again after a lost connection may be told more than is missing.
 *
 * @typedef {import("./run.js").Attempt} Attempt
 * @typedef {import("./run.js").NodeProgress} NodeProgress
 * @typedef {import("./run.js").RunError} RunError
 * @typedef {import("./run.js").RunState} RunState
 * @typedef {{id: number | undefined, kind: string, data: unknown}} RunEvent
 */

import { lineOf, linesOf } from "./text.js";

/** @type {NodeProgress} */
const waiting = {
  state: "waiting",
  attempt: 0,
  fraction: undefined,
  message: "",
  started: undefined,
  ended: undefined,
  attempts: [],
  duration: undefined,
  cached: false,
  error: undefined,
  reason: "",
};

/**
 * @param {RunState} state
 * @param {RunEvent} event
 * @returns {RunState} the same where nothing changes
 */
export function afterEvent(state, event) {
  return afterEvents(state, [event]);
}

/**
 * Several at once: of thousands of nodes one copy is made, and not one for each event.
 * @param {RunState} state
 * @param {ReadonlyArray<RunEvent>} events
 * @returns {RunState} the same where nothing changes
 */
export function afterEvents(state, events) {
  /** @type {Map<string, NodeProgress> | undefined} once one of them has changed */
  let nodes;
  let seen = state;
  for (const event of events) {
    const data = membersOf(event.data);
    const node = typeof data.node === "string" ? data.node : undefined;
    if (event.id !== undefined && event.id <= seen.last) continue;
    if (event.id !== undefined) seen = afterNumbered(seen, event.id, event.kind, data);
    if (node === undefined) continue;
    const before = (nodes ?? state.nodes).get(node) ?? waiting;
    const after = event.id === undefined
      ? afterTransient(before, event.kind, data)
      : afterRecord(before, event.kind, membersOf(data.detail), numberOf(data.time_ms));
    if (after) (nodes ??= new Map(state.nodes)).set(node, after);
  }
  return nodes ? { ...seen, nodes } : seen;
}

/**
 * @param {RunState} state
 * @param {number} last
 * @param {string} kind
 * @param {Record<string, unknown>} data
 * @returns {RunState} but for its nodes
 */
function afterNumbered(state, last, kind, data) {
  const time = numberOf(data.time_ms);
  if (kind === "began") return { ...state, last, began: state.began ?? time, ended: undefined, outcome: undefined };
  if (kind !== "finished") return { ...state, last };
  return { ...state, last, ended: time, outcome: lineOf(membersOf(data.detail).outcome, 40) || "failed" };
}

/**
 * @param {NodeProgress} before
 * @param {string} kind
 * @param {Record<string, unknown>} detail
 * @param {number | undefined} time
 * @returns {NodeProgress | undefined} undefined: it isn't known here
 */
function afterRecord(before, kind, detail, time) {
  const duration = numberOf(detail.duration_ms) ??
    (before.started !== undefined && time !== undefined ? Math.max(0, time - before.started) : undefined);
  const attempts = closed(before.attempts, time);
  const ended = { ...before, fraction: undefined, message: "", duration, ended: time, attempts };
  switch (kind) {
    case "started":
      return {
        ...waiting,
        state: "running",
        attempt: numberOf(detail.attempt) ?? 1,
        started: before.started ?? time,
        attempts: time === undefined ? attempts : [...attempts.slice(-mostAttempts), { start: time, end: undefined }],
      };
    case "retried":
      return {
        ...before,
        state: "retrying",
        fraction: undefined,
        message: "",
        attempts,
        error: readError(detail.error),
      };
    case "succeeded":
      return { ...ended, state: "succeeded", cached: detail.cached === true, error: undefined };
    case "failed":
      return { ...ended, state: "failed", error: readError(detail.error) };
    case "skipped":
      return { ...ended, state: "skipped", reason: skipText(detail) };
    case "cancelled":
      return { ...ended, state: "cancelled" };
    default:
      return undefined;
  }
}

/** Of one node: earlier ones are forgotten. */
const mostAttempts = 99;

/**
 * @param {ReadonlyArray<Attempt>} attempts
 * @param {number | undefined} time at which the last one ends, where it hasn't
 * @returns {ReadonlyArray<Attempt>}
 */
function closed(attempts, time) {
  const last = attempts.at(-1);
  return last && last.end === undefined
    ? [...attempts.slice(0, -1), { start: last.start, end: time ?? last.start }]
    : attempts;
}

/**
 * What isn't kept: it comes late, or not at all, and undoes nothing that is.
 * @param {NodeProgress} before
 * @param {string} kind
 * @param {Record<string, unknown>} data
 * @returns {NodeProgress | undefined} undefined: nothing changes
 */
function afterTransient(before, kind, data) {
  if (kind === "queued" && before.state === "waiting") return { ...before, state: "queued" };
  if (kind !== "progress" || before.state !== "running") return undefined;
  const fraction = numberOf(data.fraction);
  return {
    ...before,
    fraction: fraction === undefined ? before.fraction : Math.min(1, Math.max(0, fraction)),
    message: lineOf(data.message, 200),
  };
}

/**
 * @param {RunState} state
 * @param {ReadonlyMap<string, string>} reasons what nodes are queued for, by their names; as long as they are
 * @returns {RunState}
 */
export function withReasons(state, reasons) {
  const queued = [...reasons].flatMap(([name, message]) => {
    const before = state.nodes.get(name) ?? waiting;
    if (before.state !== "waiting" && before.state !== "queued") return [];
    return [/** @type {const} */ ([name, { ...before, state: /** @type {const} */ ("queued"), message }])];
  });
  return queued.length === 0 ? state : { ...state, nodes: new Map([...state.nodes, ...queued]) };
}

/**
 * @param {unknown} value
 * @returns {RunError}
 */
function readError(value) {
  const error = membersOf(value);
  return {
    kind: lineOf(error.class, 40),
    message: linesOf(error.message, 4000) || "it failed",
    cause: linesOf(error.cause, 4000),
    hint: linesOf(error.hint, 2000),
    traceback: linesOf(error.traceback, 20_000),
  };
}

/** @param {Record<string, unknown>} detail */
function skipText(detail) {
  if (detail.condition === false) {
    return detail.of ? `the condition of ${lineOf(detail.of, 200)} is false` : "its condition is false";
  }
  const root = lineOf(detail.failed, 200);
  return root ? `${root} failed` : `${lineOf(detail.without_result, 200) || "what it needs"} has no result`;
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function membersOf(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : {};
}

/**
 * @param {unknown} value
 * @returns {number | undefined}
 */
function numberOf(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
