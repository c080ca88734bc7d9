/**
 * A workflow as the editor holds it: the JSON document itself, never changed, so that whatever it has that this editor doesn't know stays in
 * it. What is asked of it often (edges, places) is made once for each part that it depends on.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {JSONObject} WorkflowDocument
 * @typedef {{x: number, y: number}} Place in the canvas' own unit, a pixel at a zoom of 1
 * @typedef {{node: string, port: string}} PortReference
 *
 * A value that flows from an output into an input. `index` is its place among the input's sources.
 * @typedef {{kind: "value", from: PortReference, to: PortReference, index: number}} ValueEdge
 * A node that waits for another, although nothing flows.
 * @typedef {{kind: "order", from: {node: string}, to: {node: string}}} OrderEdge
 * @typedef {ValueEdge | OrderEdge} Edge
 */

import { isArray, isEqual, isObject, numericValue, Problem, readJSON, writeJSON } from "./json.js";
import { inputsName, isNodeName } from "./names.js";
import { emptyObject, objectAt, valueAt, withChangeAt, withMember } from "./objects.js";
import { words } from "./words.js";

export const apiVersion = "orchestrator/v1";

/** Where `layout` has what no node of a workflow is: no node has such a name. */
export const drawingsKey = "$editor";

/**
 * @param {string} name of the workflow
 * @returns {WorkflowDocument} without a node; the server takes it once it has one
 */
export function newDocument(name) {
  return new Map(
    /** @type {[string, JSONValue][]} */ ([
      ["apiVersion", apiVersion],
      ["kind", "Workflow"],
      ["metadata", new Map([["name", name]])],
      ["spec", new Map([["nodes", emptyObject]])],
    ]),
  );
}

/**
 * @param {string} text JSON
 * @returns {WorkflowDocument}
 * @throws {Problem}
 */
export function readDocument(text) {
  return checkedDocument(readJSON(text));
}

/**
 * A workflow of which everything can be drawn. Whether it can be run is the server's to say.
 * @param {JSONValue} value
 * @returns {WorkflowDocument}
 * @throws {Problem}
 */
export function checkedDocument(value) {
  if (!isObject(value)) throw new Problem(words.document.noObject);
  if (value.get("kind") !== "Workflow" || value.get("apiVersion") !== apiVersion) {
    throw new Problem(words.document.noWorkflow, words.document.workflowHint(apiVersion));
  }
  const nodes = valueAt(value, ["spec", "nodes"]);
  if (!isObject(nodes)) throw new Problem(words.document.noNodes);
  for (const [name, node] of nodes) {
    if (!isNodeName(name)) throw new Problem(words.document.badName(JSON.stringify(name.slice(0, 80))));
    if (!isObject(node)) throw new Problem(words.document.badNode(name));
  }
  return value;
}

/**
 * @param {WorkflowDocument} document
 * @returns {string} JSON, one member a line
 */
export function writeDocument(document) {
  return writeJSON(document, 2) + "\n";
}

/** @param {WorkflowDocument} document */
export function workflowName(document) {
  const name = valueAt(document, ["metadata", "name"]);
  return typeof name === "string" ? name : "";
}

// Nodes

/**
 * @param {WorkflowDocument} document
 * @returns {ReadonlyMap<string, JSONObject>} in the document's order
 */
export function nodesOf(document) {
  return /** @type {ReadonlyMap<string, JSONObject>} */ (objectAt(document, ["spec", "nodes"]));
}

/**
 * @param {WorkflowDocument} document
 * @param {JSONObject} nodes
 * @returns {WorkflowDocument}
 */
export function withNodes(document, nodes) {
  const spec = objectAt(document, ["spec"]);
  return withMember(document, "spec", withMember(spec, "nodes", nodes));
}

/**
 * What a node is: the type of a plugin's node, a command, or another workflow.
 * @param {JSONObject} node
 * @returns {{kind: "type" | "run" | "workflow", text: string}}
 */
export function kindOf(node) {
  for (const kind of /** @type {const} */ (["type", "run", "workflow"])) {
    const text = node.get(kind);
    if (typeof text === "string") return { kind, text };
  }
  return { kind: "type", text: "" };
}

/**
 * What a node was given for its parameters; what isn't in it is as its type says.
 * @param {JSONObject} node
 * @returns {JSONObject}
 */
export function parametersOf(node) {
  return objectAt(node, ["with"]);
}

/**
 * The sources of each input, as they are written: `NODE.PORT`.
 * @param {JSONObject} node
 * @returns {[string, string[]][]}
 */
export function sourcesOf(node) {
  return [...objectAt(node, ["in"])].map(([port, value]) => {
    const items = isArray(value) ? value : [value];
    return [port, items.filter((item) => typeof item === "string")];
  });
}

/**
 * @param {JSONObject} node
 * @returns {string[]} the nodes that it waits for without taking anything of them
 */
export function needsOf(node) {
  const needs = node.get("needs");
  const items = isArray(needs) ? needs : [needs];
  return items.filter((item) => typeof item === "string");
}

/**
 * @param {string} text
 * @returns {PortReference | undefined}
 */
export function portReference(text) {
  const dot = text.indexOf(".");
  if (dot <= 0 || dot === text.length - 1) return undefined;
  return { node: text.slice(0, dot), port: text.slice(dot + 1) };
}

// Edges

/** @type {WeakMap<object, ReadonlyArray<Edge>>} */
const edgesByNodes = new WeakMap();

/**
 * All that can be drawn as lines, in the document's order: what comes of the workflow's own inputs, or of nodes that there aren't, is none.
 * @param {WorkflowDocument} document
 * @returns {ReadonlyArray<Edge>}
 */
export function edgesOf(document) {
  const nodes = nodesOf(document);
  const known = edgesByNodes.get(nodes);
  if (known) return known;
  /** @type {Edge[]} */
  const edges = [];
  for (const [name, node] of nodes) {
    for (const [port, sources] of sourcesOf(node)) {
      sources.forEach((text, index) => {
        const from = portReference(text);
        if (from && from.node !== inputsName && nodes.has(from.node)) {
          edges.push({ kind: "value", from, to: { node: name, port }, index });
        }
      });
    }
    for (const need of needsOf(node)) {
      if (nodes.has(need)) edges.push({ kind: "order", from: { node: need }, to: { node: name } });
    }
  }
  edgesByNodes.set(nodes, edges);
  return edges;
}

/**
 * A text that no other edge of the document has.
 * @param {Edge} edge
 */
export function edgeKey(edge) {
  return edge.kind === "value"
    ? `${edge.from.node}.${edge.from.port}>${edge.to.node}.${edge.to.port}#${edge.index}`
    : `${edge.from.node}>${edge.to.node}`;
}

/**
 * The nodes that can be reached from one, along the edges or against them, with itself.
 * @param {WorkflowDocument} document
 * @param {Iterable<string>} names
 * @param {"after" | "before"} direction
 * @returns {Set<string>}
 */
export function reachable(document, names, direction) {
  /** @type {Map<string, string[]>} */
  const next = new Map();
  for (const edge of edgesOf(document)) {
    const [start, end] = direction === "after" ? [edge.from.node, edge.to.node] : [edge.to.node, edge.from.node];
    const known = next.get(start);
    if (known) known.push(end);
    else next.set(start, [end]);
  }
  const found = new Set(names);
  // What is added while a set is walked is walked too.
  for (const name of found) for (const other of next.get(name) ?? []) found.add(other);
  return found;
}

/** @type {WeakMap<object, Map<string, ReadonlySet<string>>>} */
const beforeByNodes = new WeakMap();

/**
 * @param {WorkflowDocument} document
 * @param {string} name
 * @returns {ReadonlySet<string>} what the node waits for, directly or not, with itself; found once for the same nodes
 */
export function allBefore(document, name) {
  const nodes = nodesOf(document);
  let known = beforeByNodes.get(nodes);
  if (!known) beforeByNodes.set(nodes, known = new Map());
  let found = known.get(name);
  if (!found) known.set(name, found = reachable(document, [name], "before"));
  return found;
}

// Layout

/**
 * @param {WorkflowDocument} document
 * @param {string} name
 * @returns {Place | undefined} where the node is drawn; undefined: nobody has said it
 */
export function placeOf(document, name) {
  const entry = objectAt(document, ["layout", name]);
  const [x, y] = [numericValue(entry.get("x")), numericValue(entry.get("y"))];
  if (x === undefined || y === undefined || Math.abs(x) > 1e7 || Math.abs(y) > 1e7) return undefined;
  return { x, y };
}

/**
 * A rectangle that is drawn behind the nodes which lie in it.
 * @typedef {{id: string, title: string, x: number, y: number, width: number, height: number, color?: string}} Group
 * A note beside the nodes.
 * @typedef {{id: string, text: string, x: number, y: number, width: number, height: number}} Comment
 */

/**
 * @param {WorkflowDocument} document
 * @param {"groups" | "comments"} kind
 * @returns {(Group & Comment)[]} those that can be drawn; texts and colours as they were written
 */
export function drawingsOf(document, kind) {
  /** @type {(Group & Comment)[]} */
  const found = [];
  for (const [id, value] of objectAt(document, ["layout", drawingsKey, kind])) {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((key) => numericValue(valueAt(value, [key])));
    if (x === undefined || y === undefined || width === undefined || height === undefined) continue;
    const texts = ["title", "text", "color"].map((key) => valueAt(value, [key]));
    const [title, text, color] = texts.map((item) => typeof item === "string" ? item : undefined);
    found.push({ id, x, y, width, height, title: title ?? "", text: text ?? "", ...(color ? { color } : {}) });
  }
  return found;
}

/**
 * @param {WorkflowDocument} document
 * @param {(layout: JSONObject) => JSONObject} change
 * @returns {WorkflowDocument}
 */
export function withLayout(document, change) {
  return withChangeAt(document, ["layout"], change);
}

/**
 * Whether two documents mean the same and are drawn the same.
 * @param {WorkflowDocument} left
 * @param {WorkflowDocument} right
 */
export function isSameDocument(left, right) {
  return isEqual(left, right);
}
