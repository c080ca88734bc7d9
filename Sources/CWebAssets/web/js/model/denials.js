/**
 * What sandboxes refused to the nodes of a run that has ended, of `GET /api/v1/runs/{run}/explain`.
 *
 * `permission`: the narrowest that would allow it; undefined: nothing that can be granted does. `shown`: the same as it is shown, which may be
 * less, for a plugin chooses the names in it. `isRequested`: the plugin asks for it.
 * `commands`: what grants it, first for good. Texts are the program's, with the plugin's names in them.
 * @typedef {object} Denial
 * @property {string} what
 * @property {string} why
 * @property {string} occurrence
 * @property {string} risk
 * @property {string} advice
 * @property {string | undefined} permission
 * @property {string} shown
 * @property {boolean} isRequested
 * @property {string[]} commands
 * @property {string} plugin
 * @property {string} node by the run's names
 *
 * `further`: how many more there were, of which nothing is known.
 * @typedef {{denials: Denial[], further: number}} Denials
 */

import { isArray, numericValue } from "./json.js";
import { valueAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */

/** More of one node aren't shown. */
const mostShown = 64;

/**
 * @param {JSONValue} value
 * @returns {Denials | undefined} undefined: of the largest runs not all is kept, and nothing is known of this node
 */
export function denialsOf(value) {
  /** @type {Denials} */
  const found = { denials: [], further: 0 };
  const nodes = listAt(value, ["nodes"]);
  if (nodes.length === 0 && (numericValue(valueAt(value, ["nodes_left_out_count"])) ?? 0) > 0) return undefined;
  for (const node of nodes.slice(0, 1000)) {
    const [name, plugin] = [lineOf(valueAt(node, ["node"]), 256), lineOf(valueAt(node, ["plugin", "name"]), 64)];
    found.further += numericValue(valueAt(node, ["denials_further_count"])) ?? 0;
    for (const denial of listAt(node, ["denials"])) {
      if (found.denials.length < mostShown) found.denials.push(readDenial(denial, name, plugin));
      else found.further += 1;
    }
  }
  return found;
}

/**
 * @param {JSONValue} value
 * @param {string} node
 * @param {string} plugin
 * @returns {Denial}
 */
function readDenial(value, node, plugin) {
  /** @param {string} key */
  const text = (key) => linesOf(valueAt(value, [key]), 2000);
  const permission = valueAt(value, ["permission"]);
  return {
    what: text("what"),
    why: text("why"),
    occurrence: text("occurrence"),
    risk: text("risk"),
    advice: text("advice"),
    permission: typeof permission === "string" ? permission : undefined,
    shown: lineOf(permission, 200),
    isRequested: valueAt(value, ["requested"]) === true,
    commands: listAt(value, ["grant"]).map((command) => lineOf(command, 4096)).filter(Boolean),
    plugin,
    node,
  };
}

/**
 * @param {JSONValue} value
 * @param {string[]} path
 */
function listAt(value, path) {
  const found = valueAt(value, path);
  return isArray(found) ? found : [];
}
