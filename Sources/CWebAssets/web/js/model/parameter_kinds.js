/**
 * How a parameter is edited, and how its value is shown in a line: as much as nodes on the canvas need; `parameters.js` has the rest.
 *
 * @typedef {import("./catalog.js").Parameter} Parameter
 * @typedef {import("./json.js").JSONValue} JSONValue
 *
 * `json`: a value of any type, or a list or a mapping, as JSON.
 * `search`: one of so many choices that nobody looks for it without a search.
 * @typedef {"checkbox" | "select" | "search" | "slider" | "number" | "text" | "lines" | "secret" | "json"} EditorKind
 */

import { isArray, isObject, writeJSON } from "./json.js";
import { lineOf } from "./text.js";

const manyChoices = 12;

/**
 * By what the plugin wishes, where that can show every value of the type.
 * @param {Parameter} parameter
 * @returns {EditorKind}
 */
export function editorKind(parameter) {
  const isNumeric = parameter.type === "number" || parameter.type === "integer";
  if (parameter.isSecret) return "secret";
  if (parameter.choices) return parameter.choices.length > manyChoices ? "search" : "select";
  switch (parameter.component) {
    case "checkbox":
      if (parameter.type === "boolean") return "checkbox";
      break;
    case "slider":
      if (
        isNumeric && parameter.least !== undefined && parameter.most !== undefined && parameter.least < parameter.most
      ) {
        return "slider";
      }
      break;
    case "input":
    case "select":
      break;
  }
  switch (parameter.type) {
    case "boolean":
      return "checkbox";
    case "number":
    case "integer":
      return "number";
    case "string":
      return parameter.isLong || isLong(parameter.defaultValue) ? "lines" : "text";
    case "list":
    case "mapping":
    case "any":
      return "json";
  }
}

/** @param {JSONValue} value */
function isLong(value) {
  return typeof value === "string" && (value.includes("\n") || value.length > 80);
}

/**
 * Whether it is worked out when the run begins: what it will be isn't known here.
 * @param {JSONValue} value
 * @returns {boolean}
 */
export function hasExpressions(value) {
  if (typeof value === "string") return value.includes("${{");
  if (isArray(value)) return value.some(hasExpressions);
  return isObject(value) && [...value.values()].some(hasExpressions);
}

/**
 * @param {JSONValue} value
 * @returns {string} for a message
 */
export function shortText(value) {
  return lineOf(writeJSON(value), 60);
}
