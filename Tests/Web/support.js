/** What the tests of the editor's model share. */

import { fromPlain } from "../../Sources/CWebAssets/web/js/model/json.js";
import { checkedDocument } from "../../Sources/CWebAssets/web/js/model/document.js";
import { readCatalog } from "../../Sources/CWebAssets/web/js/model/catalog.js";

/**
 * Numbers from 0 to 1 that a seed decides (mulberry32).
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {Record<string, unknown>} nodes
 * @param {Record<string, unknown>} [rest] of `spec`
 * @param {Record<string, unknown>} [layout]
 */
export function workflow(nodes, rest = {}, layout = undefined) {
  return checkedDocument(
    fromPlain({
      apiVersion: "orchestrator/v1",
      kind: "Workflow",
      metadata: { name: "test" },
      spec: { nodes, ...rest },
      ...(layout ? { layout } : {}),
    }),
  );
}

/**
 * @param {string} name
 * @param {string} type
 * @param {Record<string, unknown>} [rest]
 */
export function port(name, type, rest = {}) {
  return { name, type, display_name: name, description: "", required: true, multiple: false, ...rest };
}

/**
 * @param {string} type
 * @param {{inputs?: unknown[], outputs?: unknown[], parameters?: unknown[]}} ports
 * @param {Record<string, unknown>} [rest]
 */
export function paletteEntry(type, ports = {}, rest = {}) {
  return {
    nodeType: type,
    displayName: type,
    category: "Tests",
    icon: null,
    color: null,
    description: "",
    plugin: type.split("/")[0],
    version: "1.0.0",
    specification: { inputs: [], outputs: [], parameters: [], ...ports },
    ...rest,
  };
}

/** @param {...unknown} entries */
export function catalogOf(...entries) {
  return readCatalog(fromPlain({ nodes: entries }));
}
