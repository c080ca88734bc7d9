/**
 * The node types that there are, of what `/api/plugins/nodes` answers. Plugins wrote it: names are cut, colours are colours or nothing, and
 * what can't be used is left out and counted.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./ports.js").PortType} PortType
 *
 * @typedef {object} Port
 * @property {string} name
 * @property {PortType} type
 * @property {string} title
 * @property {string} description
 * @property {boolean} required a connection, or a default
 * @property {boolean} hasDefault
 * @property {boolean} multiple
 *
 * @typedef {"string" | "number" | "integer" | "boolean" | "list" | "mapping" | "any"} ValueType
 * @typedef {"input" | "select" | "slider" | "checkbox"} Component
 *
 * @typedef {object} Parameter
 * @property {string} name
 * @property {ValueType} type
 * @property {string} title
 * @property {string} description
 * @property {JSONValue} defaultValue
 * @property {Component} component
 * @property {ReadonlyArray<JSONValue> | undefined} choices
 * @property {number | undefined} least
 * @property {number | undefined} most
 * @property {number | undefined} step
 * @property {string | undefined} pattern
 * @property {boolean} isSecret
 * @property {boolean} isLong its text has lines
 *
 * @typedef {object} NodeType
 * @property {string} type `PLUGIN/NODE_TYPE`
 * @property {string} title
 * @property {string} category
 * @property {string} icon
 * @property {string | undefined} color `#rgb` or `#rrggbb`
 * @property {string} description
 * @property {string} plugin
 * @property {string} version
 * @property {ReadonlyArray<Port>} inputs
 * @property {ReadonlyArray<Port>} outputs
 * @property {ReadonlyArray<Parameter>} parameters
 */

import { isArray, isObject, numericValue } from "./json.js";
import { isIdentifier, isNodeType } from "./names.js";
import { objectAt } from "./objects.js";
import { readPortType } from "./ports.js";
import { lineOf, linesOf } from "./text.js";

const limits = { types: 20_000, ports: 256, parameters: 256, choices: 1024, title: 80, description: 2000 };

export class Catalog {
  /**
   * @param {ReadonlyArray<NodeType>} types
   * @param {number} refusedCount entries that can't be used
   */
  constructor(types, refusedCount = 0) {
    this.types = types;
    this.refusedCount = refusedCount;
    /** @type {ReadonlyMap<string, NodeType>} */
    this.byType = new Map(types.map((type) => [type.type, type]));
  }

  /** @param {string} type */
  get(type) {
    return this.byType.get(type);
  }

  /** @returns {[string, NodeType[]][]} by category, both in the order of their names */
  get categories() {
    /** @type {Map<string, NodeType[]>} */
    const groups = new Map();
    for (const type of this.types) {
      const known = groups.get(type.category);
      if (known) known.push(type);
      else groups.set(type.category, [type]);
    }
    const named = [...groups].sort(([left], [right]) => compareText(left, right));
    for (const [, types] of named) types.sort((left, right) => compareText(left.title, right.title));
    return named;
  }
}

/**
 * @param {string} left
 * @param {string} right
 */
export function compareText(left, right) {
  return left.localeCompare(right, "en", { numeric: true, sensitivity: "base" });
}

/**
 * @param {JSONValue} answer
 * @returns {Catalog}
 */
export function readCatalog(answer) {
  const listed = isObject(answer) ? answer.get("nodes") : undefined;
  const entries = isArray(listed) ? listed : [];
  /** @type {Map<string, NodeType>} */
  const types = new Map();
  let refused = Math.max(0, entries.length - limits.types);
  for (const entry of entries.slice(0, limits.types)) {
    const type = readNodeType(entry);
    if (type && !types.has(type.type)) types.set(type.type, type);
    else refused++;
  }
  return new Catalog([...types.values()], refused);
}

/**
 * @param {JSONValue} entry
 * @returns {NodeType | undefined}
 */
function readNodeType(entry) {
  if (!isObject(entry)) return undefined;
  const type = entry.get("nodeType");
  if (typeof type !== "string" || !isNodeType(type)) return undefined;
  const specification = objectAt(entry, ["specification"]);
  return {
    type,
    title: lineOf(entry.get("displayName"), limits.title) || type,
    category: lineOf(entry.get("category"), limits.title) || "Other",
    icon: readIcon(entry.get("icon")),
    color: readColor(entry.get("color")),
    description: linesOf(entry.get("description"), limits.description),
    plugin: lineOf(entry.get("plugin"), limits.title),
    version: lineOf(entry.get("version"), limits.title),
    inputs: readNamed(specification.get("inputs"), limits.ports, readPort),
    outputs: readNamed(specification.get("outputs"), limits.ports, readPort),
    parameters: readNamed(specification.get("parameters"), limits.parameters, readParameter),
  };
}

/**
 * One sign, such as an emoji; a word in its place is the name of a picture that isn't here.
 * @param {JSONValue | undefined} value
 */
function readIcon(value) {
  const text = lineOf(value, 16);
  const first = [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text)].map(({ segment }) => segment);
  return first.length === 1 && !/^[\x20-\x7e]+$/.test(text) && text.length <= 12 ? text : "";
}

/**
 * @param {JSONValue | undefined} value
 * @returns {string | undefined}
 */
export function readColor(value) {
  return typeof value === "string" && /^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value)
    ? value.toLowerCase()
    : undefined;
}

/**
 * @template {{name: string}} Item
 * @param {JSONValue | undefined} value
 * @param {number} most
 * @param {(value: JSONValue) => Item | undefined} read
 * @returns {Item[]} none of a name twice
 */
function readNamed(value, most, read) {
  /** @type {Map<string, Item>} */
  const items = new Map();
  for (const entry of isArray(value) ? value.slice(0, most) : []) {
    const item = read(entry);
    if (item && !items.has(item.name)) items.set(item.name, item);
  }
  return [...items.values()];
}

/**
 * @param {JSONValue} value
 * @returns {Port | undefined}
 */
function readPort(value) {
  if (!isObject(value)) return undefined;
  const [name, text] = [value.get("name"), value.get("type")];
  if (typeof name !== "string" || !isIdentifier(name) || typeof text !== "string") return undefined;
  const type = readPortType(text);
  if (!type) return undefined;
  return {
    name,
    type,
    title: lineOf(value.get("display_name"), limits.title) || name,
    description: linesOf(value.get("description"), limits.description),
    required: value.get("required") !== false,
    hasDefault: value.has("default"),
    multiple: value.get("multiple") === true,
  };
}

/** @type {ReadonlyArray<ValueType>} */
const valueTypes = ["string", "number", "integer", "boolean", "list", "mapping", "any"];
/** @type {ReadonlyArray<Component>} */
const components = ["input", "select", "slider", "checkbox"];

/**
 * @param {JSONValue} value
 * @returns {Parameter | undefined}
 */
function readParameter(value) {
  if (!isObject(value)) return undefined;
  const name = value.get("name");
  const type = valueTypes.find((known) => known === value.get("type"));
  if (typeof name !== "string" || !isIdentifier(name) || !type) return undefined;
  const constraints = objectAt(value, ["constraints"]);
  const choices = constraints.get("enum");
  const step = numericValue(constraints.get("step"));
  const pattern = constraints.get("pattern");
  return {
    name,
    type,
    title: lineOf(value.get("display_name"), limits.title) || name,
    description: linesOf(value.get("description"), limits.description),
    defaultValue: value.get("default") ?? null,
    component: components.find((known) => known === value.get("ui_component")) ?? "input",
    choices: isArray(choices) && choices.length > 0 ? choices.slice(0, limits.choices) : undefined,
    least: numericValue(constraints.get("min")),
    most: numericValue(constraints.get("max")),
    step: step !== undefined && step > 0 ? step : undefined,
    pattern: typeof pattern === "string" ? pattern.slice(0, 1024) : undefined,
    isSecret: constraints.get("secret") === true,
    isLong: constraints.get("multiline") === true,
  };
}
