/** The grammars of names, as the program itself has them, and names that aren't taken. */

/** Of nodes, ports, parameters and inputs. */
const identifier = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** What `in` calls the workflow's own inputs: no node can be called so. */
export const inputsName = "inputs";

/** @param {string} text */
export function isIdentifier(text) {
  return identifier.test(text);
}

/**
 * @param {string} text
 * @returns {boolean} whether a node can be called so
 */
export function isNodeName(text) {
  return isIdentifier(text) && text !== inputsName;
}

/** @param {string} text */
export function isPluginName(text) {
  return /^[a-z][a-z0-9_-]{0,63}$/.test(text);
}

/** @param {string} text `PLUGIN/NODE_TYPE` */
export function isNodeType(text) {
  return /^[a-z][a-z0-9_-]{0,63}\/[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(text);
}

/** @param {string} text the name that a workflow is stored by */
export function isWorkflowName(text) {
  return /^[a-z][a-z0-9_.-]{0,63}$/.test(text);
}

/**
 * A name for a node, of a word that people read: `Read many` becomes `read_many`, then `read_many_2`.
 * @param {string} wish
 * @param {(name: string) => boolean} isTaken
 * @returns {string}
 */
export function freeName(wish, isTaken) {
  let base = wish.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^[^A-Za-z_]+/, "").slice(0, 56);
  if (!isNodeName(base)) base = "node";
  if (!isTaken(base)) return base;
  const stem = base.replace(/_[0-9]+$/, "") || base;
  for (let number = 2;; number++) {
    const name = `${stem}_${number}`;
    if (!isTaken(name)) return name;
  }
}
