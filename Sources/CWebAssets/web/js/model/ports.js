/**
 * What may be connected to what: the same rules as the program's own (`PortType` of PluginModel, and the checks of the graph), so that
 * what is connected here is taken there.
 *
 * A list has an item; every other type is a word, one of the known ones or a plugin's own, which fits itself.
 * @typedef {{kind: "word", word: string} | {kind: "list", item: PortType}} PortType
 * @typedef {import("./catalog.js").Catalog} Catalog
 * @typedef {import("./catalog.js").Port} Port
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./document.js").PortReference} PortReference
 * @typedef {import("./json.js").JSONObject} JSONObject
 */

import { allBefore, kindOf, needsOf, nodesOf, sourcesOf } from "./document.js";
import { words } from "./words.js";

const says = words.ports;
const most = { characters: 64, depth: 8 };

/** @type {PortType} */
const any = { kind: "word", word: "any" };
/** Values of these can't be put together into a list. */
const withoutLists = new Set(["bytes", "file", "ndarray", "table", "image"]);

/**
 * @param {string} text
 * @param {number} [depth]
 * @returns {PortType | undefined} undefined: it is none
 */
export function readPortType(text, depth = 0) {
  if (text.length > most.characters) return undefined;
  if (text.startsWith("list<") && text.endsWith(">") && depth < most.depth) {
    const item = readPortType(text.slice(5, -1), depth + 1);
    return item && { kind: "list", item };
  }
  // Visible ASCII, without quotes and angle brackets.
  if (!/^[\x21\x23-\x26\x28-\x3b\x3d\x3f-\x7e]+$/.test(text)) return undefined;
  return text === "list" ? { kind: "list", item: any } : { kind: "word", word: text };
}

/**
 * @param {PortType} type
 * @returns {string} as it is written
 */
export function portTypeText(type) {
  if (type.kind === "word") return type.word;
  return isAny(type.item) ? "list" : `list<${portTypeText(type.item)}>`;
}

/** @param {PortType} type */
function isAny(type) {
  return type.kind === "word" && type.word === "any";
}

/**
 * @param {PortType} input
 * @param {PortType} output
 * @returns {boolean} whether the output may be connected to the input
 */
export function accepts(input, output) {
  if (isAny(input) || isAny(output)) return true;
  if (input.kind === "list" && output.kind === "list") return accepts(input.item, output.item);
  if (input.kind !== "word" || output.kind !== "word") return false;
  return input.word === output.word || (input.word === "number" && output.word === "integer");
}

/**
 * Why something can't be connected, and what could be done instead.
 * @typedef {{reason: string, hint?: string}} Refusal
 */

/**
 * @param {WorkflowDocument} document
 * @param {Catalog} catalog
 * @param {PortReference} from an output
 * @param {PortReference} to an input
 * @returns {Refusal | undefined} undefined: it can be connected, in the place of what there is where the input takes one value
 */
export function connectionProblem(document, catalog, from, to) {
  const nodes = nodesOf(document);
  const [source, target] = [nodes.get(from.node), nodes.get(to.node)];
  if (!source || !target) return { reason: says.goneNode };
  if (from.node === to.node) return { reason: says.itself(to.node) };
  const [output, input] = [portOf(catalog, source, "outputs", from.port), portOf(catalog, target, "inputs", to.port)];
  const typeProblem = output && input ? flowProblem(source, output, target, input, from) : undefined;
  if (typeProblem) return typeProblem;
  const isThere = sourcesOf(target).some(([port, texts]) =>
    port === to.port && texts.includes(`${from.node}.${from.port}`)
  );
  if (isThere) return { reason: says.connected };
  return cycleProblem(document, from.node, to.node);
}

/**
 * @param {WorkflowDocument} document
 * @param {string} from
 * @param {string} to
 * @returns {Refusal | undefined}
 */
export function cycleProblem(document, from, to) {
  if (from === to) return { reason: says.itself(to) };
  if (!allBefore(document, from).has(to)) return undefined;
  return { reason: says.cycle(from, to), hint: says.cycleHint };
}

/**
 * What lines of order begin and end at: nothing flows through it, and no port is called so.
 * @type {Port}
 */
const orderPort = {
  name: "",
  type: any,
  title: "",
  description: "",
  required: false,
  hasDefault: false,
  multiple: true,
};

/**
 * @param {WorkflowDocument} document
 * @param {string} from
 * @param {string} to
 * @returns {Refusal | undefined} undefined: the second can wait for the first
 */
export function orderProblem(document, from, to) {
  const nodes = nodesOf(document);
  const target = nodes.get(to);
  if (!target || !nodes.has(from)) return { reason: says.noNode };
  if (needsOf(target).includes(from)) return { reason: says.waits(to, from) };
  return cycleProblem(document, from, to);
}

/**
 * @param {Catalog} catalog
 * @param {JSONObject} node
 * @param {"inputs" | "outputs"} side
 * @param {string} port
 * @returns {Port | undefined} undefined: nobody knows, the type isn't there
 */
export function portOf(catalog, node, side, port) {
  return catalog.get(kindOf(node).text)?.[side].find(({ name }) => name === port);
}

/**
 * By the types of what comes and what is taken: a node that runs for each item of a list, or of a matrix, gives several values.
 * @param {JSONObject} source
 * @param {Port} output
 * @param {JSONObject} target
 * @param {Port} input
 * @param {PortReference} from
 * @returns {Refusal | undefined}
 */
function flowProblem(source, output, target, input, from) {
  const isEach = target.get("foreach") === input.name;
  const hasMatrix = isGiven(source, "matrix") && !isGiven(target, "matrix");
  if (!isEach && !input.multiple && hasMatrix) {
    return {
      reason: says.matrix(from.node, input.title),
      hint: says.severalHint,
    };
  }
  const arriving = arrivingType(source, output, input, isEach);
  if (!("kind" in arriving)) return arriving;
  if (accepts(input.type, arriving)) return undefined;
  const gives = portTypeText(arriving);
  return {
    reason: says.types(input.title, portTypeText(input.type), output.title, isEach ? says.items(gives) : gives),
    hint: says.typesHint,
  };
}

/**
 * The port of a node that isn't there yet, at which a line could end.
 * @param {WorkflowDocument} document
 * @param {Catalog} catalog
 * @param {{node: string, port: string, side: "inputs" | "outputs"}} end where the line begins
 * @param {import("./catalog.js").NodeType} type of the node
 * @returns {Port | undefined} the first; undefined: none fits
 */
export function fittingPort(document, catalog, end, type) {
  const node = nodesOf(document).get(end.node);
  if (!node) return undefined;
  if (end.port === "") return orderPort;
  const port = portOf(catalog, node, end.side, end.port);
  /** @type {JSONObject} */
  const other = new Map();
  if (end.side === "outputs") return type.inputs.find((input) => !port || !flowProblem(node, port, other, input, end));
  const from = { node: type.title, port: "" };
  return type.outputs.find((output) => !port || !flowProblem(other, output, node, port, from));
}

/**
 * @param {JSONObject} node
 * @param {string} member
 */
function isGiven(node, member) {
  const value = node.get(member);
  return value !== undefined && value !== null;
}

/**
 * @param {JSONObject} source
 * @param {Port} output
 * @param {Port} input
 * @param {boolean} isEach the target runs for each item of what comes into the input
 * @returns {PortType | Refusal}
 */
function arrivingType(source, output, input, isEach) {
  const isSeveral = output.multiple || isGiven(source, "foreach");
  if (isEach) {
    if (isSeveral || isAny(output.type)) return output.type;
    if (output.type.kind === "list") return output.type.item;
    return {
      reason: says.each(input.title, output.title, portTypeText(output.type)),
    };
  }
  if (!isSeveral || input.multiple) return output.type;
  if (output.type.kind === "word" && withoutLists.has(output.type.word)) {
    return {
      reason: says.several(input.title, output.title, output.type.word),
      hint: says.severalHint,
    };
  }
  return { kind: "list", item: output.type };
}

/**
 * @param {Catalog} catalog
 * @param {JSONObject} node
 * @returns {Port[]} required inputs that nothing feeds
 */
export function missingInputs(catalog, node) {
  const type = catalog.get(kindOf(node).text);
  if (!type) return [];
  const fed = new Set(sourcesOf(node).filter(([, sources]) => sources.length > 0).map(([port]) => port));
  return type.inputs.filter((port) => port.required && !port.hasDefault && !fed.has(port.name));
}
