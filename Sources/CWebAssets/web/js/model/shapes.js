/**
 * How nodes look, as far as it follows from what they are: which ports they show, how large they are, where lines meet them. All sizes are
 * fixed, so that nothing has to be measured in a page.
 *
 * @typedef {import("./catalog.js").Catalog} Catalog
 * @typedef {import("./catalog.js").NodeType} NodeType
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./parameter_kinds.js").EditorKind} EditorKind
 * @typedef {import("./catalog.js").Parameter} Parameter
 *
 * `type` is a type as it is written; empty where nobody knows it.
 * @typedef {{name: string, title: string, type: string, description: string, required: boolean, multiple: boolean}} ShapePort
 *
 * A parameter's value in a line of the node. `kind` says how it is edited there; "other": in the details alone. `fraction`: of a slider.
 * @typedef {{name: string, title: string, text: string, kind: EditorKind | "other", isOn: boolean, fraction: number | undefined}} ShapeValue
 *
 * @typedef {object} Shape
 * @property {string} name
 * @property {string} title
 * @property {string} kind its type, as it is written; or what else it is
 * @property {NodeType | undefined} type
 * @property {boolean} isMissing its type isn't there
 * @property {ReadonlyArray<ShapePort>} inputs
 * @property {ReadonlyArray<ShapePort>} outputs
 * @property {ReadonlyArray<ShapeValue>} values of its parameters, the first of those that can be edited in a line, and of those given
 * @property {number} width
 * @property {number} height
 */

import { drawingsKey, edgesOf, kindOf, nodesOf, parametersOf, sourcesOf } from "./document.js";
import { numericValue } from "./json.js";
import { objectAt } from "./objects.js";
import { editorKind, hasExpressions, shortText } from "./parameter_kinds.js";
import { portTypeText } from "./ports.js";
import { lineOf } from "./text.js";

export const sizes = { width: 220, header: 48, row: 26, value: 24, padding: 8, fields: 3, values: 4 };

/** Those with fields, and those without. */
const knownShapes = [true, false].map(
  () => /** @type {WeakMap<Catalog, WeakMap<JSONObject, Shape>>} */ (new WeakMap()),
);
/** @type {WeakMap<object, {catalog: Catalog, hasFields: boolean, shapes: ReadonlyMap<string, Shape>}>} */
const shapesByNodes = new WeakMap();

/**
 * @param {WorkflowDocument} document
 * @param {Catalog} catalog
 * @returns {ReadonlyMap<string, Shape>} of all nodes; the same for the same nodes
 */
export function shapesOf(document, catalog) {
  const nodes = nodesOf(document);
  const hasFields = showsFields(document);
  const before = shapesByNodes.get(nodes);
  if (before?.catalog === catalog && before.hasFields === hasFields) return before.shapes;
  const catalogs = knownShapes[hasFields ? 0 : 1] ?? new WeakMap();
  let known = catalogs.get(catalog);
  if (!known) catalogs.set(catalog, known = new WeakMap());
  const used = usedOutputs(document, catalog);
  /** @type {Map<string, Shape>} */
  const shapes = new Map();
  for (const [name, node] of nodes) {
    const outputs = used.get(name);
    const shape = outputs ? undefined : known.get(node);
    if (shape && shape.name === name) {
      shapes.set(name, shape);
      continue;
    }
    const made = makeShape(name, node, catalog, outputs ?? [], hasFields);
    if (!outputs) known.set(node, made);
    shapes.set(name, made);
  }
  shapesByNodes.set(nodes, { catalog, hasFields, shapes });
  return shapes;
}

/**
 * @param {WorkflowDocument} document
 * @param {Catalog} catalog
 * @returns {Map<string, string[]>} of nodes whose type says nothing of them: the outputs that others take
 */
function usedOutputs(document, catalog) {
  /** @type {Map<string, string[]>} */
  const used = new Map();
  const nodes = nodesOf(document);
  for (const edge of edgesOf(document)) {
    if (edge.kind !== "value") continue;
    const { node, port } = edge.from;
    const type = catalog.get(kindOf(nodes.get(node) ?? new Map()).text);
    if (type?.outputs.some(({ name }) => name === port)) continue;
    const list = used.get(node) ?? [];
    if (!list.includes(port)) list.push(port);
    used.set(node, list);
  }
  return used;
}

/**
 * @param {string} name
 * @param {JSONObject} node
 * @param {Catalog} catalog
 * @param {string[]} used outputs that its type doesn't say
 * @param {boolean} hasFields
 * @returns {Shape}
 */
function makeShape(name, node, catalog, used, hasFields) {
  const { kind, text } = kindOf(node);
  const type = kind === "type" ? catalog.get(text) : undefined;
  /** @param {string} port */
  const unknown = (port) => ({ name: port, title: port, type: "", description: "", required: false, multiple: false });
  const inputs = (type?.inputs ?? []).map(shapePort);
  for (const [port] of sourcesOf(node)) if (!inputs.some((known) => known.name === port)) inputs.push(unknown(port));
  const outputs = [...(type?.outputs ?? []).map(shapePort), ...used.map(unknown)];
  const values = kind === "run" ? [lineValue("run", text)] : valuesOf(node, type?.parameters ?? [], hasFields);
  const rows = Math.max(inputs.length, outputs.length);
  return {
    name,
    title: name,
    kind: kind === "run" ? "command" : kind === "workflow" ? lineOf(text, 60) : type?.title ?? lineOf(text, 60),
    type,
    isMissing: kind === "type" && !type,
    inputs,
    outputs,
    values,
    width: sizes.width,
    height: sizes.header + rows * sizes.row + values.length * sizes.value +
      (rows + values.length > 0 ? sizes.padding : 0),
  };
}

/**
 * Whether the nodes of a workflow have fields for what wasn't given, too.
 * @param {WorkflowDocument} document
 */
export function showsFields(document) {
  return objectAt(document, ["layout", drawingsKey]).get("fields") !== false;
}

/**
 * @param {JSONObject} node
 * @param {ReadonlyArray<Parameter>} parameters
 * @param {boolean} hasFields
 * @returns {ShapeValue[]} what was given, and what can be, in the order of the type; what the type doesn't know behind it
 */
function valuesOf(node, parameters, hasFields) {
  const given = parametersOf(node);
  const known = parameters.map((parameter) =>
    parameterValue(parameter, given.get(parameter.name) ?? parameter.defaultValue)
  );
  const shown = new Set([...given.keys()].slice(0, sizes.values));
  for (const { name, kind } of hasFields ? known : []) {
    if (shown.size < sizes.fields && kind !== "other") shown.add(name);
  }
  const unknown = [...given].filter(([name]) => shown.has(name) && !known.some((value) => value.name === name));
  return [
    ...known.filter(({ name }) => shown.has(name)),
    ...unknown.map(([name, value]) => lineValue(name, typeof value === "string" ? value : shortText(value))),
  ];
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {ShapeValue}
 */
function lineValue(name, text) {
  return { name, title: lineOf(name, 64), text: lineOf(text, 60), kind: "other", isOn: false, fraction: undefined };
}

/**
 * @param {Parameter} parameter
 * @param {JSONValue} value
 * @returns {ShapeValue}
 */
function parameterValue(parameter, value) {
  const kind = editorKind(parameter);
  const isText = typeof value === "string";
  const hasLine = !["lines", "json", "secret"].includes(kind) && !hasExpressions(value) &&
    !(isText && value.includes("\n"));
  const number = kind === "slider" ? numericValue(value) : undefined;
  const [least, most] = [parameter.least ?? 0, parameter.most ?? 1];
  return {
    name: parameter.name,
    title: parameter.title,
    text: parameter.isSecret ? "••••" : isText ? lineOf(value, 60) : value === null ? "" : shortText(value),
    kind: hasLine ? kind : "other",
    isOn: value === true,
    fraction: number === undefined ? undefined : Math.min(1, Math.max(0, (number - least) / (most - least))),
  };
}

/**
 * @param {import("./catalog.js").Port} port
 * @returns {ShapePort}
 */
function shapePort(port) {
  return {
    name: port.name,
    title: port.title,
    type: portTypeText(port.type),
    description: port.description,
    required: port.required && !port.hasDefault,
    multiple: port.multiple,
  };
}

/**
 * Whether two shapes differ in what their values are at most: nothing has to be made anew for that.
 * @param {Shape} left
 * @param {Shape} right
 */
export function isBuiltAlike(left, right) {
  const isSameType = left.name === right.name && left.type === right.type && left.kind === right.kind;
  return isSameType && left.isMissing === right.isMissing &&
    [...left.inputs, ...left.outputs].every((port) =>
      [...right.inputs, ...right.outputs].some(({ name }) => name === port.name)
    ) &&
    left.inputs.length === right.inputs.length && left.outputs.length === right.outputs.length &&
    left.values.length === right.values.length &&
    left.values.every(({ name, kind }, index) =>
      name === right.values[index]?.name && kind === right.values[index]?.kind
    );
}

/**
 * @param {Shape} shape
 * @param {"inputs" | "outputs"} side
 * @param {string | undefined} port undefined: where lines of order meet the node
 * @returns {Place} relative to the node's corner
 */
export function portPlace(shape, side, port) {
  const index = port === undefined ? -1 : shape[side].findIndex(({ name }) => name === port);
  const y = index < 0 ? sizes.header / 2 : sizes.header + (index + 0.5) * sizes.row;
  return { x: side === "inputs" ? 0 : shape.width, y };
}

/**
 * A line between two ports, as SVG writes it.
 * @param {Place} from
 * @param {Place} to
 * @param {ReadonlyArray<Place>} [points] that it passes through
 */
export function linePath(from, to, points = []) {
  if (points.length > 0) return throughPoints([from, ...points, to]);
  const bend = Math.min(Math.max(40, Math.abs(to.x - from.x) / 2), 240);
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}

/**
 * Smooth through all of them, and level at both ends (Catmull and Rom, 1974).
 * @param {ReadonlyArray<Place>} places
 */
function throughPoints(places) {
  let [text, tangent] = ["", { x: 0, y: 0 }];
  places.forEach((place, index) => {
    const [before, after] = [places[index - 1], places[index + 1]];
    const far = before ?? after ?? place;
    const next = before && after
      ? { x: (after.x - before.x) / 6, y: (after.y - before.y) / 6 }
      : { x: Math.min(80, Math.hypot(far.x - place.x, far.y - place.y) / 3), y: 0 };
    text += before
      ? `C${before.x + tangent.x} ${before.y + tangent.y} ${place.x - next.x} ${place.y - next.y} ${place.x} ${place.y}`
      : `M${place.x} ${place.y}`;
    tangent = next;
  });
  return text;
}
