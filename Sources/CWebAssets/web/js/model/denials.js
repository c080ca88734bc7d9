/**
 * What sandboxes refused to the nodes of a run, out of the page that is written when it has ended: the page's own data, which the program
 * that serves both writes.
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

import { isArray, numericValue, readJSON } from "./json.js";
import { objectAt, valueAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */

const beginning = '<script type="application/json" id="data">';
const limits = { characters: 16 << 20, depth: 64, values: 1_000_000 };

/**
 * @param {string} page
 * @param {(node: string) => boolean} isWanted
 * @returns {Denials | undefined} undefined: it isn't all there
 */
export function denialsOf(page, isWanted) {
  const start = page.indexOf(beginning);
  const end = page.indexOf("</script>", start);
  if (start < 0 || end < 0) return undefined;
  const data = readJSON(page.slice(start + beginning.length, end), limits);
  const names = listAt(data, ["nodes", "name"]);
  const types = listAt(data, ["types"]).map((type) => valueAt(type, ["name"]));
  const typeOf = listAt(data, ["nodes", "type"]);
  /** @type {Denials} */
  const found = { denials: [], further: 0 };
  const details = objectAt(data, ["details"]);
  // Of the largest runs not all details are there, and a node that failed has some.
  const isShort = (numericValue(valueAt(data, ["details_left_out"])) ?? 0) > 0;
  if (isShort && names.some((name, at) => typeof name === "string" && isWanted(name) && !details.has(String(at)))) {
    return undefined;
  }
  for (const [position, detail] of details) {
    const node = names[Number(position)];
    if (typeof node !== "string" || !isWanted(node)) continue;
    const type = types[numericValue(typeOf[Number(position)]) ?? -1];
    const plugin = typeof type === "string" ? type.split("/")[0] ?? "" : "";
    const account = objectAt(detail, ["account"]);
    found.further += numericValue(account.get("denials_further_count")) ?? 0;
    for (const denial of listAt(account, ["denials"]).slice(0, 64)) {
      found.denials.push(readDenial(denial, node, plugin));
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
