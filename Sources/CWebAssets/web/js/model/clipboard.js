/**
 * Parts of workflows as texts that go through the system's clipboard: to another tab, another server, a message. Whatever is pasted may come
 * from anywhere, and is taken only where it is a workflow or a part of one.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./document.js").Place} Place
 *
 * Nodes, and where they are drawn, with the names that they have where they come from.
 * @typedef {{nodes: ReadonlyMap<string, JSONObject>, places: ReadonlyMap<string, Place>}} Fragment
 */

import { fragmentKind } from "./copying.js";
import { apiVersion, nodesOf, placeOf } from "./document.js";
import { isObject, Problem, readJSON } from "./json.js";
import { freeName, inputsName, isNodeName } from "./names.js";
import { objectAt } from "./objects.js";
import { renamedWithin } from "./references.js";
import { words } from "./words.js";

/** @type {import("./json.js").JSONLimits & {nodes: number}} */
const limits = { characters: 4 << 20, depth: 64, values: 200_000, nodes: 10_000 };

/**
 * @param {string} text
 * @returns {Fragment}
 * @throws {Problem} it is neither a part of a workflow nor a workflow
 */
export function readFragment(text) {
  // Most of what lies in a clipboard isn't JSON at all.
  if (!/^\s*\{/.test(text)) throw new Problem(words.clipboard.noPart);
  const value = readJSON(text, limits);
  const kind = isObject(value) ? value.get("kind") : undefined;
  if (!isObject(value) || value.get("apiVersion") !== apiVersion || (kind !== fragmentKind && kind !== "Workflow")) {
    throw new Problem(words.clipboard.noPart);
  }
  /** @type {Map<string, JSONObject>} */
  const nodes = new Map();
  for (const [name, node] of objectAt(value, ["spec", "nodes"])) {
    if (!isNodeName(name) || !isObject(node)) throw new Problem(words.clipboard.noNode);
    nodes.set(name, node);
  }
  if (nodes.size === 0) throw new Problem(words.clipboard.empty);
  if (nodes.size > limits.nodes) throw new Problem(words.clipboard.tooMany(limits.nodes));
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const name of nodes.keys()) {
    const place = placeOf(value, name);
    if (place) places.set(name, place);
  }
  return { nodes, places };
}

/**
 * Gives nodes names that the document hasn't, and places beside each other as they were, the first corner at `corner`. What they take of
 * nodes that didn't come with them stays where the document has such nodes, and goes where it hasn't.
 * @param {WorkflowDocument} document
 * @param {Fragment} fragment
 * @param {Place} corner
 * @returns {Fragment}
 */
export function placeFragment(document, fragment, corner) {
  const present = nodesOf(document);
  /** @type {Map<string, string>} */
  const names = new Map();
  const taken = new Set(present.keys());
  for (const name of fragment.nodes.keys()) {
    const free = freeName(name, (candidate) => taken.has(candidate));
    taken.add(free);
    names.set(name, free);
  }
  /** @param {string} name */
  const rename = (name) => names.get(name) ?? (name === inputsName || present.has(name) ? name : undefined);
  /** @type {Map<string, JSONObject>} */
  const nodes = new Map();
  for (const [name, node] of fragment.nodes) nodes.set(names.get(name) ?? name, renamedWithin(node, rename));
  return { nodes, places: placesAt(fragment, names, corner) };
}

/**
 * @param {Fragment} fragment
 * @param {ReadonlyMap<string, string>} names
 * @param {Place} corner
 * @returns {Map<string, Place>}
 */
function placesAt(fragment, names, corner) {
  let [left, top] = [Infinity, Infinity];
  for (const { x, y } of fragment.places.values()) [left, top] = [Math.min(left, x), Math.min(top, y)];
  if (left === Infinity) [left, top] = [0, 0];
  /** @type {Map<string, Place>} */
  const places = new Map();
  let unplaced = 0;
  for (const name of fragment.nodes.keys()) {
    // One that has no place is put beneath the others like it.
    const place = fragment.places.get(name) ?? { x: left - 40, y: top + 120 * ++unplaced };
    places.set(names.get(name) ?? name, { x: place.x - left + corner.x, y: place.y - top + corner.y });
  }
  return places;
}
