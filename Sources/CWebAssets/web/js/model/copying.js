/**
 * A part of a workflow as a text: see `clipboard.js`, which reads what is pasted and is loaded when something is.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 */

import { apiVersion, nodesOf, placeOf } from "./document.js";
import { writeJSON } from "./json.js";

/** What a text that holds a part of a workflow calls itself. */
export const fragmentKind = "WorkflowFragment";

/**
 * @param {WorkflowDocument} document
 * @param {Iterable<string>} names
 * @returns {string} JSON
 */
export function fragmentText(document, names) {
  const nodes = nodesOf(document);
  const chosen = new Set(names);
  const inOrder = [...nodes].filter(([name]) => chosen.has(name));
  /** @type {[string, JSONValue][]} */
  const layout = [];
  for (const [name] of inOrder) {
    const place = placeOf(document, name);
    if (place) layout.push([name, new Map([["x", place.x], ["y", place.y]])]);
  }
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
