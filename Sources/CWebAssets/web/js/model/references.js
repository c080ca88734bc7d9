/** Where a workflow names its nodes, and what becomes of that when a node has another name or is gone. */

import { portReference } from "./document.js";
import { isArray } from "./json.js";
import { mapMembers, objectAt, withChangeAt, withMember, withoutMembers } from "./objects.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */
/** @typedef {import("./json.js").JSONObject} JSONObject */
/** @typedef {import("./document.js").WorkflowDocument} WorkflowDocument */

/**
 * What another name makes of one: undefined where there is none.
 * @typedef {(name: string) => string | undefined} Renaming
 */

/**
 * A node that names others as `rename` says. What is named and gone is left out, and a list of one stays a list.
 * @param {JSONObject} node
 * @param {Renaming} rename
 * @returns {JSONObject}
 */
export function renamedWithin(node, rename) {
  let changed = withChangeAt(node, ["in"], (inputs) => mapMembers(inputs, (value) => renamedSources(value, rename)));
  const needs = changed.get("needs");
  if (needs !== undefined) {
    const renamed = renamedTexts(needs, rename);
    changed = renamed === undefined ? withoutMembers(changed, ["needs"]) : withMember(changed, "needs", renamed);
  }
  const condition = changed.get("if");
  if (typeof condition === "string") changed = withMember(changed, "if", renamedCondition(condition, rename));
  return changed;
}

/**
 * The workflow's outputs, as `rename` says.
 * @param {WorkflowDocument} document
 * @param {Renaming} rename
 * @returns {WorkflowDocument}
 */
export function renamedOutputs(document, rename) {
  if (objectAt(document, ["spec", "outputs"]).size === 0) return document;
  return withChangeAt(
    document,
    ["spec", "outputs"],
    (outputs) => mapMembers(outputs, (value) => renamedSources(value, rename)),
  );
}

/**
 * @param {JSONValue} value one `NODE.PORT`, or a list of them
 * @param {Renaming} rename
 * @returns {JSONValue | undefined}
 */
function renamedSources(value, rename) {
  return renamedTexts(value, (text) => {
    const reference = portReference(text);
    if (!reference) return text;
    const name = rename(reference.node);
    if (name === reference.node) return text;
    return name === undefined ? undefined : `${name}.${reference.port}`;
  });
}

/**
 * @param {JSONValue} value a text, or a list of them
 * @param {Renaming} rename
 * @returns {JSONValue | undefined}
 */
function renamedTexts(value, rename) {
  if (typeof value === "string") return rename(value);
  if (!isArray(value)) return value;
  const renamed = value.map((item) => typeof item === "string" ? rename(item) : item);
  if (renamed.every((item, index) => item === value[index])) return value;
  const left = renamed.filter((item) => item !== undefined);
  return left.length === 0 ? undefined : left;
}

/**
 * `needs.NODE` in a condition; what stands between quotes is a text. A node that is gone stays named: the server says so, by line.
 * @param {string} text
 * @param {Renaming} rename
 */
function renamedCondition(text, rename) {
  return text.replace(/'(?:[^']|'')*'|(?<![A-Za-z0-9_.-])needs\.([A-Za-z_][A-Za-z0-9_-]*)/g, (found, name) => {
    const renamed = name === undefined ? undefined : rename(name);
    return renamed === undefined ? found : `needs.${renamed}`;
  });
}
