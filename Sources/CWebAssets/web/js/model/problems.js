/** Where problems belong that the server tells of a node as a whole. */

import { nodesOf } from "./document.js";
import { missingInputs } from "./ports.js";

/** @typedef {import("./catalog.js").Catalog} Catalog */
/** @typedef {import("./document.js").WorkflowDocument} WorkflowDocument */

/**
 * What isn't connected has no place in the document, so that the server names the node alone: the port is the one that its words name.
 * @template {{node: string, port: string, parameter: string, what: string}} Told
 * @param {ReadonlyArray<Told>} problems
 * @param {WorkflowDocument} document
 * @param {Catalog} catalog
 * @returns {Told[]}
 */
export function withPorts(problems, document, catalog) {
  const nodes = nodesOf(document);
  return problems.map((problem) => {
    const node = nodes.get(problem.node);
    if (!node || problem.port !== "" || problem.parameter !== "") return problem;
    const missing = missingInputs(catalog, node).find(({ name }) => problem.what.includes(`'${name}'`));
    return missing ? { ...problem, port: missing.name } : problem;
  });
}
