/** What two runs of a workflow differ in: what they were given, how their nodes were set, and how those went. */

import { nodesOf } from "./document.js";
import { isEqual, isObject, writeJSON } from "./json.js";
import { lineOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */
/** @typedef {import("./json.js").JSONObject} JSONObject */
/** @typedef {import("./run_list.js").RunDetail} RunDetail */
/** @typedef {import("./run_list.js").RunNode} RunNode */

/**
 * Undefined: it isn't there at all.
 * @typedef {{place: string, left: JSONValue | undefined, right: JSONValue | undefined}} Differing
 */

/** Members of a node of which each member of their own is told. */
const opened = new Set(["with", "in", "resources", "retry", "matrix"]);
const most = 2000;

/**
 * @param {RunDetail} left
 * @param {RunDetail} right
 * @returns {{inputs: Differing[], settings: Differing[]}} `place`: NODE.with.PARAMETER and such
 */
export function differingOf(left, right) {
  const inputs = differing(left.inputs, right.inputs, "");
  /** @type {Differing[]} */
  const settings = [];
  const [before, after] = [left, right].map(({ document }) => document ? nodesOf(document) : new Map());
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [one, other] = [before.get(name), after.get(name)];
    if (settings.length >= most) break;
    if (!isObject(one) || !isObject(other)) settings.push({ place: name, left: one, right: other });
    else if (!isEqual(one, other, false)) settings.push(...differing(one, other, `${name}.`));
  }
  return { inputs, settings };
}

/**
 * @param {JSONObject} left
 * @param {JSONObject} right
 * @param {string} before what their places begin with
 * @returns {Differing[]}
 */
function differing(left, right, before) {
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) => {
    const [one, other] = [left.get(key), right.get(key)];
    if (one !== undefined && other !== undefined && isEqual(one, other, false)) return [];
    if (before !== "" && opened.has(key) && !before.includes(".", before.indexOf(".") + 1)) {
      const [inner, others] = [one ?? new Map(), other ?? new Map()];
      if (isObject(inner) && isObject(others)) return differing(inner, others, `${before}${key}.`);
    }
    return [{ place: before + key, left: one, right: other }];
  });
}

/**
 * @param {RunDetail} left
 * @param {RunDetail} right
 * @returns {{name: string, left: RunNode | undefined, right: RunNode | undefined}[]} nodes of either, where they went otherwise first
 */
export function nodesBeside(left, right) {
  const names = [...new Set([...left.nodes.keys(), ...right.nodes.keys()])];
  const rows = names.map((name) => ({ name, left: left.nodes.get(name), right: right.nodes.get(name) }));
  /** @param {typeof rows[0]} row */
  const rank = (row) => row.left?.state === row.right?.state ? 1 : 0;
  return rows.sort((one, other) => rank(one) - rank(other));
}

/**
 * @param {JSONValue | undefined} value
 * @returns {string} on one line
 */
export function differingText(value) {
  if (value === undefined) return "–";
  return lineOf(typeof value === "string" ? value : writeJSON(value), 200);
}
