/**
 * Points that a line passes through: in `layout.$editor.lines`, by the ports that it connects, so that they are kept whatever else flows there.
 *
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./document.js").Edge} Edge
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./json.js").JSONValue} JSONValue
 */

import { drawingsKey, edgesOf, nodesOf } from "./document.js";
import { isArray, numericValue } from "./json.js";
import { objectAt, withChangeAt, withMember, withoutMembers } from "./objects.js";
import { words } from "./words.js";

const limits = { points: 32, place: 1e7 };
const path = ["layout", drawingsKey, "lines"];

/** @param {Edge} edge */
export function lineKey({ kind, from, to }) {
  return kind === "value" ? `${from.node}.${from.port}>${to.node}.${to.port}` : `${from.node}>${to.node}`;
}

/** @type {WeakMap<object, ReadonlyMap<string, ReadonlyArray<Place>>>} */
const known = new WeakMap();

/**
 * @param {WorkflowDocument} document
 * @returns {ReadonlyMap<string, ReadonlyArray<Place>>} of those lines that have any; the same for the same points
 */
export function pointsOf(document) {
  const lines = objectAt(document, path);
  const before = known.get(lines);
  if (before) return before;
  /** @type {Map<string, Place[]>} */
  const found = new Map();
  for (const [key, value] of lines) {
    const points = (isArray(value) ? value.slice(0, limits.points) : []).flatMap((point) => {
      const [x, y] = isArray(point) ? [numericValue(point[0]), numericValue(point[1])] : [];
      return x !== undefined && y !== undefined && Math.abs(x) <= limits.place && Math.abs(y) <= limits.place
        ? [{ x, y }]
        : [];
    });
    if (points.length > 0) found.set(key, points);
  }
  known.set(lines, found);
  return found;
}

/**
 * @param {string} key of a line
 * @param {ReadonlyArray<Place>} points none: it goes straight
 * @param {string} [gesture]
 * @returns {Command}
 */
export function setPoints(key, points, gesture) {
  const value = points.slice(0, limits.points).map(({ x, y }) => [Math.round(x), Math.round(y)]);
  return {
    label: words.commands.route,
    ...(gesture ? { gesture } : {}),
    change: (document) =>
      withChangeAt(
        document,
        path,
        (lines) => value.length === 0 ? withoutMembers(lines, [key]) : withMember(lines, key, value),
      ),
  };
}

/**
 * @param {WorkflowDocument} document
 * @returns {WorkflowDocument} without points of lines that there aren't
 */
export function withoutStrayPoints(document) {
  const lines = objectAt(document, path);
  if (lines.size === 0) return document;
  const keys = new Set(edgesOf(document).map(lineKey));
  const stray = [...lines.keys()].filter((key) => !keys.has(key));
  return stray.length === 0 ? document : withChangeAt(document, path, (all) => withoutMembers(all, stray));
}

/**
 * @param {WorkflowDocument} document in which the node has its new name already
 * @param {string} name
 * @param {string} other its new name
 * @returns {WorkflowDocument}
 */
export function withRenamedPoints(document, name, other) {
  const lines = objectAt(document, path);
  if (lines.size === 0 || !nodesOf(document).has(other)) return document;
  /** @param {string} end `NODE.PORT` or `NODE` */
  const renamed = (end) => end === name ? other : end.startsWith(`${name}.`) ? other + end.slice(name.length) : end;
  const changed = new Map([...lines].map(([key, value]) => [key.split(">").map(renamed).join(">"), value]));
  return withChangeAt(document, path, () => changed);
}
