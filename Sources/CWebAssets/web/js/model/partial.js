/** A part of a workflow that can be run by itself. */

import { allBefore, nodesOf, portReference, reachable, withNodes } from "./document.js";
import { isArray } from "./json.js";
import { mapMembers, objectAt, withChangeAt } from "./objects.js";

/** @typedef {import("./document.js").WorkflowDocument} WorkflowDocument */
/** @typedef {import("./json.js").JSONValue} JSONValue */
/** @typedef {import("./run.js").NodeState} NodeState */

/**
 * Some nodes and all that they wait for. The workflow's outputs go that take something of another node.
 * @param {WorkflowDocument} document
 * @param {Iterable<string>} names
 * @returns {WorkflowDocument} the same where that is all of it
 */
export function documentTo(document, names) {
  const nodes = nodesOf(document);
  const kept = reachable(document, names, "before");
  if ([...nodes.keys()].every((name) => kept.has(name))) return document;
  const part = withNodes(document, new Map([...nodes].filter(([name]) => kept.has(name))));
  /** @param {JSONValue} value */
  const isLeftOut = (value) => {
    const node = typeof value === "string" ? portReference(value)?.node : undefined;
    return node !== undefined && nodes.has(node) && !kept.has(node);
  };
  if (objectAt(part, ["spec", "outputs"]).size === 0) return part;
  return withChangeAt(
    part,
    ["spec", "outputs"],
    (outputs) =>
      mapMembers(outputs, (value) => (isArray(value) ? value.some(isLeftOut) : isLeftOut(value)) ? undefined : value),
  );
}

/**
 * Whether a run has results of what lies before a node, so that only what follows is run.
 * @param {WorkflowDocument} document
 * @param {string} name
 * @param {(name: string) => NodeState | undefined} stateOf in that run
 * @returns {boolean} true where nothing lies before it
 */
export function hasResultsBefore(document, name, stateOf) {
  const before = [...allBefore(document, name)].filter((other) => other !== name);
  return before.length === 0 || before.some((other) => stateOf(other) === "succeeded");
}
