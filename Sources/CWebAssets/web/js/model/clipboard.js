/**
 * Parts of workflows as texts that go through the system's clipboard: to another tab, another server, a message. Whatever is pasted may come
 * from anywhere, and is taken only where it is a workflow or a part of one.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./shown_drawings.js").Drawing} Drawing
 *
 * Nodes, and where they are drawn, with the names that they have where they come from; and groups and comments, which are cut to what can
 * be shown. `isPart`: somebody has chosen it, and it is no whole workflow.
 * @typedef {{nodes: ReadonlyMap<string, JSONObject>, places: ReadonlyMap<string, Place>, drawings: ReadonlyArray<Drawing>,
 *   isPart: boolean}} Fragment
 */

import { nodesText, placed } from "./commands.js";
import { drawingsObject, fragmentKind } from "./copying.js";
import { apiVersion, drawingsKey, nodesOf, placeOf, withNodes } from "./document.js";
import { freeDrawingIds } from "./drawings.js";
import { isObject, Problem, readJSON } from "./json.js";
import { freeName, inputsName, isNodeName } from "./names.js";
import { objectAt, withChangeAt } from "./objects.js";
import { renamedWithin } from "./references.js";
import { shownDrawings } from "./shown_drawings.js";
import { words } from "./words.js";

const says = words.commands;
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
  const drawings = shownDrawings(value);
  if (nodes.size + drawings.length === 0) throw new Problem(words.clipboard.empty);
  if (nodes.size > limits.nodes) throw new Problem(words.clipboard.tooMany(limits.nodes));
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const name of nodes.keys()) {
    const place = placeOf(value, name);
    if (place) places.set(name, place);
  }
  return { nodes, places, drawings, isPart: kind === fragmentKind };
}

/**
 * Gives nodes and drawings names that the document hasn't, and places beside each other as they were, the first corner at `corner`. What
 * nodes take of others that didn't come with them stays where the document has such nodes, and goes where it hasn't.
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
  const { left, top } = cornerOf(fragment);
  /** @param {Place} place */
  const move = ({ x, y }) => ({ x: x - left + corner.x, y: y - top + corner.y });
  /** @type {Map<string, Place>} */
  const places = new Map();
  let unplaced = 0;
  for (const name of fragment.nodes.keys()) {
    // One that has no place is put beneath the others like it.
    const place = fragment.places.get(name) ?? { x: left - 40, y: top + 120 * ++unplaced };
    places.set(names.get(name) ?? name, move(place));
  }
  const ids = { groups: freeDrawingIds(document, "groups"), comments: freeDrawingIds(document, "comments") };
  const drawings = fragment.drawings.map((drawing) => {
    const id = ids[drawing.kind]();
    return { ...drawing, ...move(drawing), id, key: `${drawing.kind} ${id}` };
  });
  return { nodes, places, drawings, isPart: fragment.isPart };
}

/** @param {Fragment} fragment */
function cornerOf({ places, drawings }) {
  let [left, top] = [Infinity, Infinity];
  for (const { x, y } of [...places.values(), ...drawings]) [left, top] = [Math.min(left, x), Math.min(top, y)];
  return left === Infinity ? { left: 0, top: 0 } : { left, top };
}

/**
 * What is put into a workflow, in one step.
 * @param {Fragment} fragment as `placeFragment` gives it
 * @returns {Command}
 */
export function paste({ nodes, places, drawings }) {
  const [first] = drawings;
  return {
    label: says.paste(first && nodes.size === 0 ? says[first.kind](drawings.length) : nodesText(nodes)),
    change: (document) => {
      const known = nodesOf(document);
      const added = [...nodes].filter(([name]) => !known.has(name));
      if (added.length + drawings.length === 0) return document;
      const changed = added.length === 0
        ? document
        : placed(withNodes(document, new Map([...known, ...added])), places);
      return [...drawingsObject(drawings)].reduce(
        (changing, [kind, made]) =>
          withChangeAt(
            changing,
            ["layout", drawingsKey, kind],
            (before) => isObject(made) ? new Map([...before, ...made]) : before,
          ),
        changed,
      );
    },
  };
}
