/**
 * What may be written into a parameter, and what is wrong with it: as the engine checks it before a run (ValueChecks), so that nobody has to
 * start one to be told. 0, false and "" are values like any other.
 *
 * @typedef {import("./catalog.js").Parameter} Parameter
 * @typedef {import("./json.js").JSONValue} JSONValue
 *
 * @typedef {{value: JSONValue, problem?: undefined} | {value?: undefined, problem: string}} Reading
 */

import {
  ExactNumber,
  isArray,
  isEqual,
  isObject,
  numberOf,
  numericValue,
  Problem,
  readJSON,
  writeJSON,
} from "./json.js";
import { editorKind, hasExpressions, shortText } from "./parameter_kinds.js";
import { lineOf } from "./text.js";
import { words } from "./words.js";

const says = words.values;

/**
 * The step of a slider and of the arrows beside a number.
 * @param {Parameter} parameter
 * @returns {number | "any"}
 */
export function stepOf(parameter) {
  if (parameter.step !== undefined) return parameter.step;
  if (parameter.type === "integer") return 1;
  if (parameter.least === undefined || parameter.most === undefined) return "any";
  // A hundred places or more, at a round number.
  return 10 ** Math.floor(Math.log10((parameter.most - parameter.least) / 100));
}

/**
 * Whether the parameter's own editor has no place for expressions: they need a text field in its place.
 * @param {Parameter} parameter
 */
export function needsSwitch(parameter) {
  return ["checkbox", "select", "search", "slider", "number"].includes(editorKind(parameter));
}

/**
 * @param {string} text
 * @returns {Reading} of a field that takes expressions alone; whether they have a value is the server's to say
 */
export function readExpression(text) {
  const problem = hasExpressions(text) ? openExpression(text) : says.expression;
  return problem === undefined ? { value: text } : { problem };
}

/**
 * @param {string} text
 * @returns {string | undefined}
 */
function openExpression(text) {
  // `$${{` stands for these characters, and begins nothing.
  const [, ...pieces] = text.replaceAll("$${{", "").split("${{");
  return pieces.every((piece) => /[^\s}][^]*\}\}/.test(piece)) ? undefined : says.open;
}

/**
 * @param {Parameter} parameter
 * @param {JSONValue} value
 * @returns {string | undefined} what is wrong, as the end of a sentence that begins with the parameter's name
 */
export function parameterProblem(parameter, value) {
  if (hasExpressions(value)) return typeof value === "string" ? openExpression(value) : undefined;
  if (!isOfType(parameter.type, value) && !(value === null && parameter.defaultValue === null)) {
    return says.be(says[parameter.type]);
  }
  if (parameter.choices && choiceIndex(parameter, value) < 0) {
    const shown = parameter.choices.slice(0, 8).map(shortText).join(", ");
    return says.oneOf(shown + (parameter.choices.length > 8 ? ", …" : ""));
  }
  const number = numericValue(value);
  if (number !== undefined) {
    if (parameter.least !== undefined && number < parameter.least) return says.atLeast(parameter.least);
    if (parameter.most !== undefined && number > parameter.most) return says.atMost(parameter.most);
  }
  if (typeof value === "string" && parameter.pattern !== undefined && matches(parameter.pattern, value) === false) {
    return says.match(lineOf(parameter.pattern, 60));
  }
  return undefined;
}

/**
 * @param {Parameter["type"]} type
 * @param {JSONValue} value
 */
function isOfType(type, value) {
  switch (type) {
    case "any":
      return true;
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return numericValue(value) !== undefined;
    case "integer":
      return value instanceof ExactNumber
        ? value.isInteger
        : typeof value === "number" && /^-?[0-9]+$/.test(String(value));
    case "list":
      return isArray(value);
    case "mapping":
      return isObject(value);
  }
}

/**
 * @param {JSONValue} left
 * @param {JSONValue} right
 */
function isSameValue(left, right) {
  const [number, other] = [numericValue(left), numericValue(right)];
  return number !== undefined && other !== undefined ? number === other : isEqual(left, right);
}

/**
 * A plugin's pattern could take exponential time: only those are tried here that can't, on a text that isn't long. The others are tried by
 * the plugin's own worker alone.
 * @param {string} pattern
 * @param {string} text
 * @returns {boolean | undefined} undefined: it wasn't tried
 */
export function matches(pattern, text) {
  if (pattern.length > 200 || text.length > 200) return undefined;
  // Without groups and alternatives nothing is nested; two open ends take cubic time at most.
  const outside = pattern.replace(/\\./g, "x").replace(/\[\^?\]?[^\]]*\]/g, "x");
  if (/[()|]/.test(outside) || /\\[1-9kpPbBAZzNuUx]/.test(pattern) || /[*+?}][*+?{]/.test(outside)) return undefined;
  if ((outside.match(/[*+]|\{/g) ?? []).length > 2) return undefined;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    // Python's, and not JavaScript's.
    return undefined;
  }
}

// Between texts and values

/**
 * @param {Parameter} parameter
 * @param {JSONValue} value
 * @returns {string} what a field shows for it
 */
export function fieldText(parameter, value) {
  if (parameter.choices && !hasExpressions(value)) return choiceText(value);
  if (typeof value === "string" && editorKind(parameter) !== "json") return value;
  if (value === null && parameter.defaultValue === null) return "";
  return writeJSON(value, isArray(value) || isObject(value) ? 2 : 0);
}

/**
 * @param {JSONValue} choice
 * @returns {string} how it is shown among the others
 */
export function choiceText(choice) {
  if (choice === null) return "–";
  return typeof choice === "string" ? lineOf(choice, 80) : shortText(choice);
}

/**
 * @param {Parameter} parameter
 * @param {JSONValue} value
 * @returns {number} its place among the choices; -1: it is none
 */
export function choiceIndex(parameter, value) {
  return (parameter.choices ?? []).findIndex((choice) => isSameValue(choice, value));
}

/**
 * @param {Parameter} parameter
 * @param {string} text of a field
 * @returns {Reading} what the field says
 */
export function readField(parameter, text) {
  if (editorKind(parameter) === "search") {
    const choice = parameter.choices?.find((one) => choiceText(one) === text);
    return choice === undefined ? { problem: parameterProblem(parameter, text) ?? says.oneOfList } : { value: choice };
  }
  if (text === "" && parameter.defaultValue === null && parameter.type !== "string") return { value: null };
  switch (parameter.type) {
    case "string":
      return text === "" && parameter.defaultValue === null ? { value: null } : { value: text };
    case "number":
    case "integer":
      return readNumber(parameter, text.trim());
    case "boolean":
      if (text === "true" || text === "false") return { value: text === "true" };
      return hasExpressions(text) ? { value: text } : { problem: says.be(says.boolean) };
    case "list":
    case "mapping":
    case "any":
      return readValue(text);
  }
}

/**
 * @param {Parameter} parameter
 * @param {string} text
 * @returns {Reading}
 */
function readNumber(parameter, text) {
  if (hasExpressions(text)) return { value: text };
  const written = text.replace(/^\+/, "").replace(/^(-?)0+(?=[0-9])/, "$1").replace(/^(-?)\./, "$10.").replace(
    /\.$/,
    "",
  );
  if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(written) || !Number.isFinite(Number(written))) {
    return { problem: says.be(says[parameter.type]) };
  }
  return { value: numberOf(written) };
}

/**
 * JSON; what can't be read as that, and doesn't look like it, is the text itself.
 * @param {string} text
 * @returns {Reading}
 */
function readValue(text) {
  try {
    return { value: readJSON(text) };
  } catch (error) {
    if (/^\s*\$\{\{/.test(text)) return { value: text };
    return {
      problem: error instanceof Problem ? says.jsonBecause(error.message.replace(/^.*: /, "")) : says.json,
    };
  }
}
