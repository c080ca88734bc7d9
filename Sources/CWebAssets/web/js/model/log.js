/**
 * What the nodes of a run said, as `GET /runs/{run}/logs` has it: a text that only grows, read from any place of it on.
 *
 * `time`: milliseconds since the run began. `level`: of what was logged; `stdout` or `stderr` of what was printed.
 * @typedef {{time: number, node: string, level: string, text: string}} LogEntry
 * A piece of it, from one place to another.
 * @typedef {{start: number, end: number, entries: LogEntry[]}} LogPage
 * @typedef {{entries: LogEntry[], next: number, hasMore: boolean}} LogAnswer
 * At most so many entries from a place on; one that begins within a line begins with the next.
 * @typedef {(after: number, limit: number) => Promise<LogAnswer>} ReadLog
 */

import { isArray, numericValue } from "./json.js";
import { valueAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */

/** Entries of one answer. */
export const pageLimit = 200;
/** Bytes: the server keeps no more of a run. */
const mostBytes = 65 << 20;
/** Bytes that are looked at for one page of older ones; more where the node said nothing in them. */
const firstStep = 24 << 10;
/** Characters of one entry. */
const mostText = 8000;
/** Pages that are held. */
const mostPages = 24;

/** Control sequences of terminals (ECMA-48), as they are or as the server writes them out. */
const sequences =
  // deno-lint-ignore no-control-regex
  /(?:\u001b|\\u\{1b\})(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\\]*(?:\u0007|\\u\{7\}|\u001b\\|\\u\{1b\}\\\\?)|[@-Z\\^_])/g;

/**
 * @param {string} text
 * @returns {string} without colours and what else terminals obey
 */
export function plainText(text) {
  return text.includes("1b}[") || text.includes("\u001b") || text.includes("1b}]") ? text.replace(sequences, "") : text;
}

/**
 * @param {JSONValue} value
 * @returns {LogAnswer}
 */
export function readLogPage(value) {
  const list = valueAt(value, ["entries"]);
  return {
    entries: isArray(list) ? list.slice(0, 1000).map(readEntry) : [],
    next: numericValue(valueAt(value, ["next"])) ?? 0,
    hasMore: valueAt(value, ["has_more"]) === true,
  };
}

/** @param {JSONValue} value */
function readEntry(value) {
  /** @param {string} key */
  const at = (key) => valueAt(value, [key]);
  const said = at("event") === "log_full" ? "…" : at("line") ?? at("message");
  return {
    time: numericValue(at("time_ms")) ?? 0,
    node: lineOf(at("node"), 200),
    level: lineOf(at("level") ?? at("stream"), 20),
    text: linesOf(typeof said === "string" ? plainText(said.slice(0, 2 * mostText)) : "", mostText),
  };
}

/**
 * @param {ReadLog} read
 * @returns {Promise<number>} the place where it ends now
 */
export async function endOfLog(read) {
  let answer = await read(0, pageLimit);
  if (!answer.hasMore) return answer.next;
  let [low, high] = [answer.next, mostBytes];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    answer = await read(middle, pageLimit);
    if (answer.next <= middle) high = middle;
    else if (answer.hasMore) low = answer.next;
    else return answer.next;
  }
  return low;
}

/**
 * @param {ReadLog} read
 * @param {number} start a place between lines, or within one, which then isn't among them
 * @param {number} end a place between lines
 * @returns {Promise<LogEntry[]>} those that begin and end between the two
 */
export async function entriesBetween(read, start, end) {
  /** @type {LogEntry[]} */
  const found = [];
  let [place, limit] = [start, pageLimit];
  while (place < end) {
    const { entries, next } = await read(place, limit);
    if (next <= place) break;
    // Where an entry ends isn't said, but how long they are by and by: as many are asked for as there may be until the end.
    const wished = Math.round(entries.length * (end - (next <= end ? next : place)) / (next - place));
    if (next <= end) {
      found.push(...entries);
      place = next;
      limit = entries.length === 0 ? pageLimit : Math.min(pageLimit, Math.max(1, wished));
    } else if (limit === 1) break;
    else limit = Math.max(1, Math.min(limit - 1, wished));
  }
  return found;
}

/** A part of the log that is held: its end, or wherever somebody has gone to. Never changed: each reading gives another one. */
export class LogWindow {
  /** @param {ReadonlyArray<LogPage>} pages one after the other; at least one */
  constructor(pages) {
    this.pages = pages;
    Object.freeze(this);
  }

  get start() {
    return this.pages[0]?.start ?? 0;
  }

  get end() {
    return this.pages.at(-1)?.end ?? 0;
  }

  /**
   * @param {ReadLog} read
   * @returns {Promise<LogWindow>} at its end
   */
  static async latest(read) {
    const end = await endOfLog(read);
    return await new LogWindow([{ start: end, end, entries: [] }]).withOlder(read);
  }

  /**
   * @param {ReadLog} read
   * @returns {Promise<LogWindow>} this one where there is nothing before it
   */
  async withOlder(read) {
    const end = this.start;
    let start = end;
    for (let step = firstStep; start > 0; step *= 2) {
      start = Math.max(0, start - step);
      // What it begins within belongs to the page before it, and so does the first entry: behind that there is a place between lines.
      const first = start === 0 ? 0 : (await read(start, 1)).next;
      const entries = first < end ? await entriesBetween(read, first, end) : [];
      if (entries.length > 0 || start === 0) {
        return new LogWindow([{ start: first, end, entries }, ...this.pages].slice(0, mostPages));
      }
    }
    return this;
  }

  /**
   * What has come since, or comes after a part that was left.
   * @param {ReadLog} read
   * @returns {Promise<{window: LogWindow, hasMore: boolean}>} this one where nothing has
   */
  async withNewer(read) {
    const start = this.end;
    const { entries, next, hasMore } = await read(start, pageLimit);
    if (next <= start) return { window: this, hasMore: false };
    const pages = [...this.pages, { start, end: next, entries }];
    // Many small pages of a node that says little are one.
    const last = this.pages.at(-1);
    if (last && last.entries.length + entries.length <= pageLimit) {
      pages.splice(-2, 2, { start: last.start, end: next, entries: [...last.entries, ...entries] });
    }
    return { window: new LogWindow(pages.slice(-mostPages)), hasMore };
  }
}

/**
 * @param {LogEntry} entry
 * @param {string} wanted lower case
 * @returns {boolean}
 */
export function matchesSearch({ node, level, text }, wanted) {
  return wanted === "" || `${node} ${level} ${text}`.toLowerCase().includes(wanted);
}

/**
 * @param {LogEntry} entry
 * @param {boolean} hasNode the node is named too
 */
export function entryLine({ time, node, level, text }, hasNode) {
  return `${(time / 1000).toFixed(3)} ${hasNode ? `${node} ` : ""}${level} ${text}`;
}
