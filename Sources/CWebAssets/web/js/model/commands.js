/**
 * Everything that can be done to a workflow, each as a command: a name for people, and a function from document to document that changes
 * nothing where it doesn't apply. What it gives is kept by the history, which undoes it. Here are those of nodes and lines on the canvas;
 * `node_commands.js` has those of what a node says, `drawings.js` those of groups and comments, `points.js` those of points of lines, and
 * `clipboard.js` has pasting.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./document.js").PortReference} PortReference
 * @typedef {import("./document.js").Edge} Edge
 *
 * `gesture`: commands in a row with the same one are undone as one, for they are one movement of somebody's hand.
 * @typedef {{label: string, gesture?: string, change: (document: WorkflowDocument) => WorkflowDocument}} Command
 */

import { nodesOf, withLayout, withNodes } from "./document.js";
import { isArray, isEqual, isObject } from "./json.js";
import { isNodeName } from "./names.js";
import { emptyObject, mapMembers, withChangeAt, withMember, withoutMembers } from "./objects.js";
import { renamedOutputs, renamedWithin } from "./references.js";
import { words } from "./words.js";

const says = words.commands;

/** @param {ReadonlySet<string> | ReadonlyMap<string, unknown>} nodes */
export function nodesText(nodes) {
  const [first] = nodes.keys();
  return nodes.size === 1 && first !== undefined ? first : says.nodes(nodes.size);
}

// Nodes

/**
 * @param {string} name
 * @param {JSONObject} node
 * @param {Place} place
 * @returns {Command}
 */
export function addNode(name, node, place) {
  return {
    label: says.add(name),
    change: (document) => {
      const nodes = nodesOf(document);
      if (nodes.has(name) || !isNodeName(name)) return document;
      return placed(withNodes(document, withMember(nodes, name, node)), new Map([[name, place]]));
    },
  };
}

/**
 * With the edges that they have.
 * @param {Iterable<string>} names
 * @returns {Command}
 */
export function removeNodes(names) {
  const gone = new Set(names);
  return {
    label: says.remove(nodesText(gone)),
    change: (document) => {
      const nodes = nodesOf(document);
      if (![...gone].some((name) => nodes.has(name))) return document;
      /** @param {string} name */
      const rename = (name) => gone.has(name) ? undefined : name;
      const left = withoutMembers(nodes, gone);
      const changed = withNodes(
        document,
        mapMembers(left, (node) => isObject(node) ? renamedWithin(node, rename) : node),
      );
      return withLayout(renamedOutputs(changed, rename), (layout) => withoutMembers(layout, gone));
    },
  };
}

/**
 * @param {ReadonlyMap<string, Place>} places
 * @param {string} [gesture]
 * @returns {Command}
 */
export function moveNodes(places, gesture) {
  return {
    label: says.move(nodesText(places)),
    ...(gesture ? { gesture } : {}),
    change: (document) => placed(document, places),
  };
}

/**
 * @param {WorkflowDocument} document
 * @param {ReadonlyMap<string, Place>} places
 */
export function placed(document, places) {
  const nodes = nodesOf(document);
  return withLayout(document, (layout) => {
    /** @type {Map<string, JSONValue>} */
    const copy = new Map(layout);
    let hasChanged = false;
    for (const [name, place] of places) {
      if (!nodes.has(name)) continue;
      const before = copy.get(name);
      const entry = isObject(before) ? before : emptyObject;
      const after = withMember(withMember(entry, "x", Math.round(place.x)), "y", Math.round(place.y));
      if (after !== entry) hasChanged = true;
      copy.set(name, after);
    }
    return hasChanged ? copy : layout;
  });
}

/**
 * Also where it is another object of the same value, nothing changes.
 * @param {JSONObject} object
 * @param {string} key
 * @param {JSONValue} value
 */
export function withValue(object, key, value) {
  return isEqual(object.get(key), value) ? object : withMember(object, key, value);
}

/**
 * @param {WorkflowDocument} document
 * @param {string} name
 * @param {(node: JSONObject) => JSONObject} change
 */
export function withNode(document, name, change) {
  const nodes = nodesOf(document);
  const node = nodes.get(name);
  return node === undefined ? document : withNodes(document, withMember(nodes, name, change(node)));
}

// Edges

/**
 * Lets a value flow. Whether that is allowed is `connectionProblem`'s to say.
 * @param {PortReference} from
 * @param {PortReference} to
 * @param {boolean} multiple the input takes several; otherwise what it had goes
 * @returns {Command}
 */
export function connect(from, to, multiple) {
  const source = `${from.node}.${from.port}`;
  return {
    label: says.connect(source, `${to.node}.${to.port}`),
    change: (document) => {
      if (!nodesOf(document).has(from.node)) return document;
      return withNode(document, to.node, (node) =>
        withChangeAt(node, ["in"], (inputs) => {
          const before = inputs.get(to.port);
          if (!multiple) return withValue(inputs, to.port, source);
          const sources = before === undefined ? [] : isArray(before) ? before : [before];
          return sources.includes(source) ? inputs : withMember(inputs, to.port, [...sources, source]);
        }));
    },
  };
}

/**
 * Lets a node wait for another.
 * @param {string} from
 * @param {string} to
 * @returns {Command}
 */
export function addOrder(from, to) {
  return {
    label: says.order(from, to),
    change: (document) => {
      if (!nodesOf(document).has(from)) return document;
      return withNode(document, to, (node) => {
        const before = node.get("needs");
        const needs = before === undefined || before === null ? [] : isArray(before) ? before : [before];
        return needs.includes(from) ? node : withMember(node, "needs", [...needs, from]);
      });
    },
  };
}

/**
 * @param {ReadonlyArray<Edge>} edges
 * @returns {Command}
 */
export function disconnect(edges) {
  return {
    label: edges.length === 1 ? says.disconnect : says.disconnectSeveral(edges.length),
    change: (document) => {
      // From the last: what lies behind a source that is taken out has another index.
      const ordered = [...edges].sort((left, right) => indexOf(right) - indexOf(left));
      return ordered.reduce(
        (changed, edge) => withNode(changed, edge.to.node, (node) => withoutEdge(node, edge)),
        document,
      );
    },
  };
}

/** @param {Edge} edge */
function indexOf(edge) {
  return edge.kind === "value" ? edge.index : 0;
}

/**
 * @param {JSONObject} node
 * @param {Edge} edge
 */
function withoutEdge(node, edge) {
  if (edge.kind === "order") {
    const needs = node.get("needs");
    if (needs === edge.from.node) return withoutMembers(node, ["needs"]);
    if (!isArray(needs) || !needs.includes(edge.from.node)) return node;
    const left = needs.filter((need) => need !== edge.from.node);
    return left.length === 0 ? withoutMembers(node, ["needs"]) : withMember(node, "needs", left);
  }
  const source = `${edge.from.node}.${edge.from.port}`;
  return withChangeAt(node, ["in"], (inputs) => {
    const before = inputs.get(edge.to.port);
    if (before === source) return withoutMembers(inputs, [edge.to.port]);
    if (!isArray(before) || before[edge.index] !== source) return inputs;
    const left = before.filter((_, index) => index !== edge.index);
    return left.length === 0 ? withoutMembers(inputs, [edge.to.port]) : withMember(inputs, edge.to.port, left);
  });
}

// All at once

/**
 * Another document in the place of this one: an import, or an edit of its text.
 * @param {string} label
 * @param {WorkflowDocument} other
 * @returns {Command}
 */
export function replaceDocument(label, other) {
  return { label, change: (document) => isEqual(document, other) ? document : other };
}
