/** What two versions of a workflow differ in, in words that somebody decides by. */

import { nodesOf, placeOf } from "./document.js";
import { isEqual } from "./json.js";
import { withoutMembers } from "./objects.js";

/** @typedef {import("./document.js").WorkflowDocument} WorkflowDocument */

/**
 * @typedef {{added: string[], removed: string[], changed: string[], moved: string[], hasOther: boolean}} Difference
 * `hasOther`: something that is no node: inputs, outputs, groups, …
 */

/**
 * @param {WorkflowDocument} before
 * @param {WorkflowDocument} after
 * @returns {Difference}
 */
export function differenceOf(before, after) {
  const [old, recent] = [nodesOf(before), nodesOf(after)];
  const both = [...recent.keys()].filter((name) => old.has(name));
  return {
    added: [...recent.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !recent.has(name)),
    changed: both.filter((name) => !isEqual(old.get(name), recent.get(name), false)),
    moved: both.filter((name) => {
      const [left, right] = [placeOf(before, name), placeOf(after, name)];
      return left?.x !== right?.x || left?.y !== right?.y;
    }),
    hasOther: !isEqual(withoutNodes(before), withoutNodes(after), false),
  };
}

/** @param {WorkflowDocument} document */
function withoutNodes(document) {
  const spec = document.get("spec");
  const rest = new Map(withoutMembers(document, ["spec", "layout"]));
  rest.set("spec", spec instanceof Map ? withoutMembers(spec, ["nodes"]) : null);
  return rest;
}
