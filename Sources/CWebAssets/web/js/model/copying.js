/**
 * A part of a workflow as a text: see `clipboard.js`, which reads what is pasted and is loaded when something is.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./shown_drawings.js").Drawing} Drawing
 */

import { apiVersion, drawingsKey, nodesOf, placeOf } from "./document.js";
import { writeJSON } from "./json.js";

/** What a text that holds a part of a workflow calls itself. */
export const fragmentKind = "WorkflowFragment";

/**
 * @param {WorkflowDocument} document
 * @param {Iterable<string>} names of nodes
 * @param {ReadonlyArray<Drawing>} [drawings] groups and comments that come with them
 * @returns {string} JSON
 */
export function fragmentText(document, names, drawings = []) {
  const nodes = nodesOf(document);
  const chosen = new Set(names);
  const inOrder = [...nodes].filter(([name]) => chosen.has(name));
  /** @type {[string, JSONValue][]} */
  const layout = [];
  for (const [name] of inOrder) {
    const place = placeOf(document, name);
    if (place) layout.push([name, new Map([["x", place.x], ["y", place.y]])]);
  }
  if (drawings.length > 0) layout.push([drawingsKey, drawingsObject(drawings)]);
  return writeJSON(
    new Map(
      /** @type {[string, JSONValue][]} */ ([
        ["apiVersion", apiVersion],
        ["kind", fragmentKind],
        ["spec", new Map([["nodes", new Map(inOrder)]])],
        ["layout", new Map(layout)],
      ]),
    ),
    2,
  );
}

/**
 * @param {ReadonlyArray<Drawing>} drawings
 * @returns {import("./json.js").JSONObject} as a document has them
 */
export function drawingsObject(drawings) {
  const kinds = /** @type {const} */ (["groups", "comments"]).flatMap((kind) => {
    const own = drawings.filter((drawing) => drawing.kind === kind);
    return own.length === 0
      ? []
      : [/** @type {const} */ ([kind, new Map(own.map((one) => [one.id, drawingObject(one)]))])];
  });
  return new Map(kinds);
}

/**
 * @param {Drawing} drawing
 * @returns {import("./json.js").JSONObject}
 */
function drawingObject({ kind, x, y, width, height, title, text, color }) {
  const members = { x, y, width, height, ...(kind === "groups" ? { title } : { text }), ...(color ? { color } : {}) };
  return new Map(
    Object.entries(members).map(([key, value]) => [key, typeof value === "number" ? Math.round(value) : value]),
  );
}
