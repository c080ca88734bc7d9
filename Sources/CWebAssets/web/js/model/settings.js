/**
 * What a node says beside its parameters: how often it is tried again, what it needs, for what it runs several times. What may be written
 * there is what the program takes: deploy/schemas/workflow.schema.json.
 *
 * @typedef {import("./catalog.js").Parameter} Parameter
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./parameters.js").Reading} Reading
 *
 * A setting is edited as a parameter is. `path` is where it stands in the node.
 * @typedef {{path: ReadonlyArray<string>, parameter: Parameter, check: (value: JSONValue) => string | undefined}} Setting
 */

import { isArray, isEqual, isObject, numericValue } from "./json.js";
import { isIdentifier } from "./names.js";
import { valueAt, withMember, withoutMembers } from "./objects.js";
import { partWords } from "./part_words.js";

const says = partWords.settings;
const most = { axes: 64, values: 4096, semaphores: 64, units: 1_048_576 };

/** @type {ReadonlyArray<"crash" | "timeout" | "oom" | "error">} */
export const retryClasses = ["crash", "timeout", "oom", "error"];

/**
 * @param {string} name
 * @param {Parameter["type"]} type
 * @param {string} title
 * @param {string} description
 * @param {Partial<Parameter>} [rest]
 * @returns {Parameter} null where nothing is said
 */
export function settingParameter(name, type, title, description, rest = {}) {
  return {
    name,
    type,
    title,
    description,
    defaultValue: null,
    component: "input",
    choices: undefined,
    least: undefined,
    most: undefined,
    step: undefined,
    pattern: undefined,
    isSecret: false,
    isLong: false,
    ...rest,
  };
}

/**
 * @param {JSONValue} value
 * @returns {string | undefined} what is wrong, as the end of a sentence
 */
export function durationProblem(value) {
  if (value === null || (typeof value === "string" && /^0*[1-9][0-9]*(?:ms|s|m|h|d)$/.test(value))) return undefined;
  return says.duration;
}

/** @param {JSONValue} value */
export function memoryProblem(value) {
  if (value === null || (typeof value === "string" && /^[0-9]+(?:Ki|Mi|Gi|Ti|K|M|G|T)$/.test(value))) return undefined;
  return says.memory;
}

/** @param {JSONValue} value */
export function gpuProblem(value) {
  const count = numericValue(value);
  if (count === undefined || (Number.isInteger(count) && count >= 0 && count <= 64)) return undefined;
  // In thousandths, of which a number has no exact ones.
  const thousandths = 1000 * count;
  if (count > 0 && count < 1 && Math.abs(thousandths - Math.round(thousandths)) < 1e-6) return undefined;
  return says.gpu;
}

/** @param {JSONValue} value */
export function semaphoresProblem(value) {
  if (value === null) return undefined;
  if (!isObject(value) || value.size > most.semaphores) return says.mapping(most.semaphores);
  for (const [name, units] of value) {
    if (!/^[a-z][a-z0-9_.:-]{0,63}$/.test(name)) {
      return says.semaphoreNames;
    }
    const count = numericValue(units);
    if (count === undefined || !Number.isInteger(count) || count < 1 || count > most.units) {
      return says.units;
    }
  }
  return undefined;
}

/**
 * How many instances it makes is the server's to say: axes may be expressions.
 * @param {JSONValue} value
 */
export function matrixProblem(value) {
  if (value === null) return undefined;
  if (!isObject(value) || value.size === 0 || value.size > most.axes) {
    return says.axes(most.axes);
  }
  for (const [name, axis] of value) {
    if (!isIdentifier(name)) return says.axisNames;
    if (name === "include" || name === "exclude") {
      const isList = isArray(axis) &&
        axis.every((item) => isObject(item) && item.size > 0 && [...item.keys()].every(isIdentifier));
      if (axis !== null && !isList) return says.mappings(name);
    } else if (typeof axis === "string") {
      if (!/^\$\{\{.*\}\}$/.test(axis)) return says.expression(name);
    } else if (!isArray(axis) || axis.length === 0 || axis.length > most.values) {
      return says.list(name);
    }
  }
  return undefined;
}

// Retries

/**
 * @param {JSONObject} node
 * @returns {"defaults" | "never" | "entries"} what its `retry` says
 */
export function retryMode(node) {
  const retry = node.get("retry");
  if (isObject(retry) || (isArray(retry) && retry.length > 0)) return "entries";
  return isArray(retry) ? "never" : "defaults";
}

/**
 * @param {JSONObject} node
 * @returns {JSONObject[]} what can't be an entry is left out
 */
export function retryEntries(node) {
  const retry = node.get("retry");
  return (isArray(retry) ? retry : [retry]).filter((entry) => isObject(entry));
}

/**
 * @param {JSONObject} entry
 * @returns {string[]} the failures after which it counts; none where it doesn't say
 */
export function retryOn(entry) {
  const on = entry.get("on");
  return (isArray(on) ? on : [on]).filter((item) => typeof item === "string");
}

/**
 * @param {JSONObject} node
 * @param {number} index
 * @param {string} member of the entry
 * @param {JSONValue} value null: it isn't said
 * @returns {JSONValue} what `retry` is then: one entry stays as it is written, a mapping or a list of one
 */
export function withRetry(node, index, member, value) {
  const entries = retryEntries(node);
  const before = entries[index];
  if (!before) return node.get("retry") ?? null;
  entries[index] = value === null || (isArray(value) && value.length === 0)
    ? withoutMembers(before, [member])
    : isEqual(before.get(member), value)
    ? before
    : withMember(before, member, value);
  return isObject(node.get("retry")) ? entries[index] : entries;
}

/**
 * With an entry more, for failures that no other one names.
 * @param {JSONObject} node
 * @returns {JSONValue}
 */
export function withRetryEntry(node) {
  const entries = retryEntries(node);
  if (entries.length === 0) return new Map([["max", 1]]);
  /** @type {JSONObject[]} */
  const named = entries.map((entry) =>
    retryOn(entry).length > 0 ? entry : withMember(entry, "on", ["crash", "timeout"])
  );
  const taken = new Set(named.flatMap(retryOn));
  const free = retryClasses.filter((one) => !taken.has(one)).slice(0, 1);
  return [...named, new Map(/** @type {[string, JSONValue][]} */ ([["max", 1], ["on", free]]))];
}

/**
 * @param {JSONObject} node
 * @param {number} index
 * @returns {JSONValue | undefined} undefined: none is left
 */
export function withoutRetryEntry(node, index) {
  const left = retryEntries(node).filter((_, place) => place !== index);
  return left.length === 0 ? undefined : left;
}

/**
 * @param {JSONObject} node
 * @returns {string | undefined} what is wrong between the entries
 */
export function retriesProblem(node) {
  const entries = retryEntries(node);
  if (entries.length < 2) return undefined;
  const named = entries.map(retryOn);
  if (named.some((list) => list.length === 0)) return says.namedRetries;
  const all = named.flat();
  const twice = all.find((one, index) => all.indexOf(one) < index);
  return twice ? says.twice(twice) : undefined;
}

/**
 * @param {JSONObject} node
 * @param {ReadonlyArray<string>} path
 * @returns {JSONValue} null where nothing is said
 */
export function settingOf(node, path) {
  return valueAt(node, path) ?? null;
}
