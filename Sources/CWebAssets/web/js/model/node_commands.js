/**
 * Changes of what nodes say, as commands: their names, their parameters and what they say beside those; and whether all of them have
 * fields on the canvas.
 *
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./json.js").JSONValue} JSONValue
 */

import { withNode, withValue } from "./commands.js";
import { drawingsKey, nodesOf, withLayout, withNodes } from "./document.js";
import { isObject, Problem } from "./json.js";
import { isNodeName } from "./names.js";
import { mapMembers, withChangeAt, withoutMembers, withRenamed } from "./objects.js";
import { withRenamedPoints } from "./points.js";
import { renamedOutputs, renamedWithin } from "./references.js";
import { words } from "./words.js";

const says = words.commands;

/**
 * Everywhere that it is named: edges, `needs`, conditions, the workflow's outputs, its place.
 * @param {string} name
 * @param {string} other
 * @returns {Command}
 */
export function renameNode(name, other) {
  return {
    label: says.rename(name, other),
    change: (document) => {
      if (renamingProblem(document, name, other) || name === other) return document;
      /** @param {string} text */
      const rename = (text) => text === name ? other : text;
      const nodes = withRenamed(nodesOf(document), name, other);
      const changed = withNodes(
        document,
        mapMembers(nodes, (node) => isObject(node) ? renamedWithin(node, rename) : node),
      );
      const moved = withLayout(renamedOutputs(changed, rename), (layout) => withRenamed(layout, name, other));
      return withRenamedPoints(moved, name, other);
    },
  };
}

/**
 * @param {WorkflowDocument} document
 * @param {string} name
 * @param {string} other
 * @returns {Problem | undefined} why the node can't be called so
 */
export function renamingProblem(document, name, other) {
  const nodes = nodesOf(document);
  if (!nodes.has(name)) return new Problem(words.names.noNode(name));
  if (!isNodeName(other)) return new Problem(words.names.noName, words.names.useName(words.names.identifier));
  if (other !== name && nodes.has(other)) return new Problem(words.names.taken(other));
  return undefined;
}

/**
 * What a node says beside its parameters, such as `if`, `cache` or `resources.cpu`; undefined takes it out, and what is empty then with it.
 * @param {string} name
 * @param {string | ReadonlyArray<string>} member or the way to one within it
 * @param {JSONValue | undefined} value
 * @param {string} [gesture]
 * @returns {Command}
 */
export function setMember(name, member, value, gesture) {
  const path = typeof member === "string" ? [member] : member;
  const last = path.at(-1) ?? "";
  return {
    label: says.set(path.join("."), name),
    ...(gesture ? { gesture } : {}),
    change: (document) =>
      withNode(
        document,
        name,
        (node) =>
          withChangeAt(
            node,
            path.slice(0, -1),
            (inner) => value === undefined ? withoutMembers(inner, [last]) : withValue(inner, last, value),
          ),
      ),
  };
}

/**
 * @param {string} name
 * @param {string} parameter
 * @param {JSONValue | undefined} value undefined: as its type says
 * @param {string} [gesture]
 * @returns {Command}
 */
export function setParameter(name, parameter, value, gesture) {
  return {
    ...setMember(name, ["with", parameter], value, gesture),
    label: value === undefined ? says.reset(parameter, name) : says.set(parameter, name),
  };
}

/**
 * Whether nodes have fields for what wasn't given, too.
 * @param {boolean} isShown
 * @returns {Command}
 */
export function showFields(isShown) {
  return {
    label: isShown ? says.showFields : says.hideFields,
    change: (document) =>
      withChangeAt(
        document,
        ["layout", drawingsKey],
        (drawn) => isShown ? withoutMembers(drawn, ["fields"]) : withValue(drawn, "fields", false),
      ),
  };
}
