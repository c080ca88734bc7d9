/**
 * What nodes returned, and how it can be looked at. All of it was made by plugins: it is bounded, and shown as text or as a picture.
 *
 * `codec`: how its bytes are meant (`json`, `bytes`, `numpy`, `file`, `arrow`). `name`: of a file, otherwise empty.
 * @typedef {{node: string, port: string, index: number, codec: string, name: string, bytes: number, digest: string}} Artifact
 *
 * `label`: the column that names the rows, -1: their number does. `numbers`: columns that hold numbers alone.
 * @typedef {{columns: string[], rows: JSONValue[][], label: number, numbers: number[]}} TableView
 *
 * One way to look at a value. Of a picture `source` is SVG.
 * @typedef {{kind: "table", title: string, note: string, table: TableView} | {kind: "chart", table: TableView} |
 *   {kind: "picture", title: string, note: string, source: string} | {kind: "text", text: string} |
 *   {kind: "tree", value: JSONValue}} ValueView
 */

import { isArray, isObject, numericValue } from "./json.js";
import { valueAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */

/** More of a value than this isn't read to be looked at: bytes. */
export const mostBytes = /** @type {const} */ ({ json: 4 << 20, text: 64 << 10, picture: 16 << 20 });
const mostColumns = 60;
const mostPoints = 1000;

/**
 * @param {JSONValue | undefined} value of `GET /runs/{run}/artifacts`
 * @returns {Artifact[]}
 */
export function readArtifacts(value) {
  const list = valueAt(value, ["artifacts"]);
  if (!isArray(list)) return [];
  return list.slice(0, 200_000).flatMap((item) => {
    const [node, port] = [valueAt(item, ["node"]), valueAt(item, ["port"])];
    if (typeof node !== "string" || typeof port !== "string") return [];
    return [{
      node,
      port,
      index: numericValue(valueAt(item, ["index"])) ?? 0,
      codec: lineOf(valueAt(item, ["codec"]), 20),
      name: lineOf(valueAt(item, ["name"]), 255),
      bytes: numericValue(valueAt(item, ["bytes"])) ?? 0,
      digest: lineOf(valueAt(item, ["digest"]), 100),
    }];
  });
}

/** How pictures that a browser draws begin, and what they are. */
const beginnings = /** @type {const} */ ([
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
]);

/**
 * What a value that isn't JSON is, by its first bytes: names may lie.
 * @param {Uint8Array} head a kilobyte or more, or all of it
 * @param {boolean} isText whether it is UTF-8
 * @returns {string} the media type of a picture, `text/plain`, or `application/octet-stream`
 */
export function mediaTypeOf(head, isText) {
  for (const [type, bytes] of beginnings) if (bytes.every((byte, index) => head[index] === byte)) return type;
  const latin = String.fromCharCode(...head.subarray(0, 1024));
  if (latin.startsWith("RIFF") && latin.slice(8, 12) === "WEBP") return "image/webp";
  if (isSVG(latin)) return "image/svg+xml";
  return isText && !head.includes(0) ? "text/plain" : "application/octet-stream";
}

/** @param {string} text */
function isSVG(text) {
  return /^(?:\u00ef\u00bb\u00bf|\ufeff)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]/.test(
    text,
  );
}

/**
 * @param {Uint8Array} head
 * @returns {string} what an array of NumPy's is (NEP 1): its type and shape; empty: it is none
 */
export function arrayText(head) {
  const latin = String.fromCharCode(...head.subarray(0, 512));
  if (!latin.startsWith("\u0093NUMPY")) return "";
  const type = /'descr':\s*'([^']{1,20})'/.exec(latin)?.[1];
  const shape = /'shape':\s*\(([0-9, ]{0,100})\)/.exec(latin)?.[1];
  if (type === undefined || shape === undefined) return "";
  return `${lineOf(type, 20)} (${shape.replace(/,\s*$/, "").trim()})`;
}

/**
 * @param {JSONValue} value
 * @returns {ValueView[]} the ways to look at it, the best first; at least one
 */
export function viewsOf(value) {
  /** @type {ValueView[]} */
  const views = [];
  if (typeof value === "string") {
    if (isSVG(value)) views.push({ kind: "picture", title: "", note: "", source: value });
    return [...views, { kind: "text", text: value }];
  }
  const section = sectionOf(value);
  if (section) views.push(section);
  const table = tableOf(value);
  if (table && table.numbers.length > 0 && table.rows.length > 1) views.push({ kind: "chart", table });
  if (table) views.push({ kind: "table", title: "", note: "", table });
  return [...views, { kind: "tree", value }];
}

/**
 * A part of a page, as the plugin `chart` makes it: `title`, `text`, and `svg`, `table` or `figures`.
 * @param {JSONValue} value
 * @returns {ValueView | undefined}
 */
function sectionOf(value) {
  if (!isObject(value)) return undefined;
  const [title, note] = [lineOf(value.get("title"), 200), linesOf(value.get("text"), 2000)];
  const svg = value.get("svg");
  if (typeof svg === "string" && isSVG(svg)) return { kind: "picture", title, note, source: svg };
  const [columns, rows] = [valueAt(value, ["table", "columns"]), valueAt(value, ["table", "rows"])];
  if (isArray(columns) && isArray(rows) && rows.every(isArray)) {
    const titles = columns.slice(0, mostColumns).map((column) => lineOf(valueAt(column, ["title"]), 100));
    const cells = rows.map((row) => titles.map((_, index) => /** @type {JSONValue[]} */ (row)[index] ?? null));
    return { kind: "table", title, note, table: described(titles, cells) };
  }
  const figures = tableOf(value.get("figures") ?? null);
  return figures && { kind: "table", title, note, table: figures };
}

/**
 * A list of records, of lists of the same length, or of numbers.
 * @param {JSONValue} value
 * @returns {TableView | undefined}
 */
export function tableOf(value) {
  if (!isArray(value) || value.length === 0) return undefined;
  if (value.every(isObject)) {
    /** @type {Set<string>} */
    const keys = new Set();
    // What only a late row has is in the tree.
    for (const row of value.slice(0, 1000)) {
      for (const key of /** @type {import("./json.js").JSONObject} */ (row).keys()) {
        if (keys.size < mostColumns) keys.add(key);
      }
    }
    if (keys.size === 0) return undefined;
    const names = [...keys];
    const rows = value.map((row) => names.map((key) => valueAt(row, [key]) ?? null));
    return described(names.map((name) => lineOf(name, 100)), rows);
  }
  if (value.every(isArray)) {
    const lists = /** @type {ReadonlyArray<ReadonlyArray<JSONValue>>} */ (value);
    const length = lists[0]?.length ?? 0;
    if (length === 0 || length > mostColumns || !lists.every((list) => list.length === length)) return undefined;
    if (!lists.every((list) => list.every((item) => !isArray(item) && !isObject(item)))) return undefined;
    return described(Array.from({ length }, (_, index) => String(index + 1)), lists.map((list) => [...list]));
  }
  if (value.length > 1 && value.every((item) => numericValue(item) !== undefined)) {
    return described(["value"], value.map((item) => [item]));
  }
  return undefined;
}

/**
 * @param {string[]} columns
 * @param {JSONValue[][]} rows
 * @returns {TableView}
 */
function described(columns, rows) {
  /** @param {(value: JSONValue) => boolean} isKind */
  const having = (isKind) =>
    columns.flatMap((_, index) =>
      rows.some((row) => isKind(row[index] ?? null)) &&
        rows.every((row) => row[index] === null || isKind(row[index] ?? null))
        ? [index]
        : []
    );
  const numbers = having((value) => numericValue(value) !== undefined);
  return { columns, rows, label: having((value) => typeof value === "string")[0] ?? -1, numbers };
}

/**
 * The order of the rows by a column: numbers before texts, what is missing last, in either direction.
 * @param {TableView} table
 * @param {number} column
 * @param {boolean} isDescending
 * @returns {JSONValue[][]}
 */
export function sortedRows({ rows }, column, isDescending) {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const keyed = rows.map((row) => {
    const value = row[column] ?? null;
    const number = numericValue(value);
    return {
      row,
      number,
      text: number === undefined ? cellText(value) : "",
      rank: value === null ? 2 : number === undefined ? 1 : 0,
    };
  });
  const sign = isDescending ? -1 : 1;
  keyed.sort((left, right) => {
    if (left.rank !== right.rank) {
      return left.rank === 2 || right.rank === 2 ? left.rank - right.rank : sign * (left.rank - right.rank);
    }
    if (left.rank === 0) return sign * ((left.number ?? 0) - (right.number ?? 0));
    return sign * collator.compare(left.text, right.text);
  });
  return keyed.map(({ row }) => row);
}

/**
 * @param {JSONValue} value
 * @param {number} [most] characters
 * @returns {string} on one line
 */
export function cellText(value, most = 200) {
  if (value === null) return "";
  if (typeof value === "string") return lineOf(value, most);
  if (isArray(value)) return `[${value.length}]`;
  if (isObject(value)) return `{${value.size}}`;
  return typeof value === "object" ? lineOf(value.text, most) : String(value);
}

/**
 * What a chart shows of one column: at most some hundred bars, or a line of which the highest and lowest of each piece are kept.
 * @param {TableView} table
 * @param {number} column that holds numbers
 * @returns {{kind: "bars" | "line", points: {label: string, value: number, place: number}[], least: number, most: number, total: number}}
 */
export function chartOf({ rows, label }, column) {
  const points = rows.flatMap((row, place) => {
    const value = numericValue(row[column] ?? null);
    if (value === undefined || !Number.isFinite(value)) return [];
    return [{ label: label < 0 ? String(place + 1) : cellText(row[label] ?? null, 60), value, place }];
  });
  let [least, most] = [0, 0];
  for (const { value } of points) [least, most] = [Math.min(least, value), Math.max(most, value)];
  const kind = points.length > 40 || (label < 0 && points.length > 12) ? "line" : "bars";
  if (kind === "line" && points.length > 0) {
    // A line needs no zero.
    least = points.reduce((found, { value }) => Math.min(found, value), Infinity);
    most = points.reduce((found, { value }) => Math.max(found, value), -Infinity);
  }
  return { kind, points: thinned(points), least, most, total: points.length };
}

/**
 * @template {{value: number}} Point
 * @param {Point[]} points
 * @returns {Point[]}
 */
function thinned(points) {
  if (points.length <= mostPoints) return points;
  const step = (2 * points.length) / mostPoints;
  /** @type {Point[]} */
  const kept = [];
  for (let start = 0; start < points.length; start += step) {
    const piece = points.slice(Math.floor(start), Math.max(Math.floor(start) + 1, Math.floor(start + step)));
    const low = piece.reduce((left, right) => right.value < left.value ? right : left);
    const high = piece.reduce((left, right) => right.value > left.value ? right : left);
    const both = piece.indexOf(low) < piece.indexOf(high) ? [low, high] : [high, low];
    kept.push(...(low === high ? [low] : both));
  }
  return kept;
}

/**
 * @param {number} count
 * @returns {string} three figures and a unit
 */
export function bytesText(count) {
  if (count < 1000) return `${count} B`;
  let [number, unit] = [count, 0];
  while (number >= 999.5 && unit < 4) [number, unit] = [number / 1000, unit + 1];
  return `${number < 10 ? number.toFixed(2) : number < 100 ? number.toFixed(1) : Math.round(number)} ${
    ["B", "kB", "MB", "GB", "TB"][unit]
  }`;
}
