/**
 * JSON that nothing is lost of between reading and writing: the order of members, whatever their names are, and how numbers are written
 * (`1.0` is no `1`, and 64-bit integers are more than JavaScript's numbers hold). JSON.parse keeps neither.
 *
 * An object is a Map, which is never changed once it was made.
 *
 * @typedef {null | boolean | number | string | ExactNumber | JSONList | JSONObject} JSONValue
 * @typedef {ReadonlyArray<JSONValue>} JSONList
 * @typedef {ReadonlyMap<string, JSONValue>} JSONObject
 */

import { words } from "./words.js";

/** A number that JavaScript would write otherwise than it was written. */
export class ExactNumber {
  /** @param {string} text as JSON has it */
  constructor(text) {
    this.text = text;
    Object.freeze(this);
  }

  /** @returns {number} the nearest that JavaScript has */
  get value() {
    return Number(this.text);
  }

  /** @returns {boolean} whether it is written without a fraction and an exponent */
  get isInteger() {
    return /^-?[0-9]+$/.test(this.text);
  }
}

/** Something that was given can't be used: what is wrong, and how to mend it. */
export class Problem extends Error {
  /**
   * @param {string} what
   * @param {string} [hint]
   */
  constructor(what, hint) {
    super(what);
    this.name = "Problem";
    this.hint = hint;
  }
}

/**
 * Bounds on what is read. The server takes 64 levels and 500,000 values too.
 * @typedef {{characters: number, depth: number, values: number}} JSONLimits
 * @type {JSONLimits}
 */
export const documentLimits = { characters: 16 << 20, depth: 64, values: 500_000 };

/**
 * @param {string} text
 * @param {JSONLimits} [limits]
 * @returns {JSONValue}
 * @throws {Problem} it is no JSON, has a member twice, or is larger than the limits
 */
export function readJSON(text, limits = documentLimits) {
  if (text.length > limits.characters) {
    throw new Problem(words.json.tooLong, words.json.most(limits.characters));
  }
  return new Reader(text, limits).document();
}

class Reader {
  /**
   * @param {string} text
   * @param {JSONLimits} limits
   */
  constructor(text, limits) {
    this.text = text;
    this.limits = limits;
    this.place = 0;
    this.depth = 0;
    this.values = 0;
  }

  document() {
    const value = this.value();
    this.skipBlanks();
    if (this.place < this.text.length) throw this.problem(words.json.behind);
    return value;
  }

  /** @param {string} what */
  problem(what) {
    const before = this.text.slice(0, this.place);
    const line = before.split("\n").length;
    return new Problem(words.json.unread(what), words.json.line(line));
  }

  skipBlanks() {
    for (; this.place < this.text.length; this.place++) {
      const code = this.text.charCodeAt(this.place);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  /** @returns {JSONValue} */
  value() {
    this.skipBlanks();
    if (++this.values > this.limits.values) throw this.problem(words.json.values(this.limits.values));
    switch (this.text[this.place]) {
      case "{":
        return this.nested(() => this.object());
      case "[":
        return this.nested(() => this.array());
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  /**
   * @param {() => JSONValue} read
   * @returns {JSONValue}
   */
  nested(read) {
    if (++this.depth > this.limits.depth) throw this.problem(words.json.levels(this.limits.depth));
    this.place++;
    const value = read();
    this.depth--;
    return value;
  }

  /** @returns {JSONValue} */
  object() {
    /** @type {Map<string, JSONValue>} */
    const members = new Map();
    this.skipBlanks();
    if (this.text[this.place] === "}") return this.after(members);
    while (true) {
      this.skipBlanks();
      if (this.text[this.place] !== '"') throw this.problem(words.json.noName);
      const key = this.string();
      if (members.has(key)) throw this.problem(words.json.twice(JSON.stringify(key.slice(0, 64))));
      this.skipBlanks();
      if (this.text[this.place++] !== ":") throw this.problem(words.json.colon);
      members.set(key, this.value());
      this.skipBlanks();
      if (this.text[this.place] === "}") return this.after(members);
      if (this.text[this.place++] !== ",") throw this.problem(words.json.comma);
    }
  }

  /** @returns {JSONValue} */
  array() {
    /** @type {JSONValue[]} */
    const items = [];
    this.skipBlanks();
    if (this.text[this.place] === "]") return this.after(items);
    while (true) {
      items.push(this.value());
      this.skipBlanks();
      if (this.text[this.place] === "]") return this.after(items);
      if (this.text[this.place++] !== ",") throw this.problem(words.json.comma);
    }
  }

  /**
   * @template Value
   * @param {Value} value
   */
  after(value) {
    this.place++;
    return value;
  }

  /**
   * @param {string} word
   * @param {JSONValue} value
   */
  word(word, value) {
    if (!this.text.startsWith(word, this.place)) throw this.problem(words.json.word);
    this.place += word.length;
    return value;
  }

  string() {
    const start = this.place;
    let hasEscapes = false;
    for (this.place++; this.place < this.text.length; this.place++) {
      const code = this.text.charCodeAt(this.place);
      if (code === 0x22) {
        this.place++;
        const quoted = this.text.slice(start, this.place);
        if (!hasEscapes) return quoted.slice(1, -1);
        try {
          return /** @type {string} */ (JSON.parse(quoted));
        } catch {
          throw this.problem(words.json.escape);
        }
      }
      if (code < 0x20) throw this.problem(words.json.control);
      if (code === 0x5c) {
        hasEscapes = true;
        this.place++;
      }
    }
    throw this.problem(words.json.open);
  }

  number() {
    const pattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    pattern.lastIndex = this.place;
    const found = pattern.exec(this.text);
    if (!found) throw this.problem(this.place < this.text.length ? words.json.noValue : words.json.ended);
    this.place += found[0].length;
    return numberOf(found[0]);
  }
}

/**
 * @param {string} text a number as JSON has it
 * @returns {number | ExactNumber}
 */
export function numberOf(text) {
  const number = Number(text);
  return String(number) === text ? number : new ExactNumber(text);
}

/**
 * @param {JSONValue} value
 * @param {number} [indent] spaces a level; 0: all on one line
 * @returns {string}
 */
export function writeJSON(value, indent = 0) {
  /** @type {string[]} */
  const pieces = [];
  write(value, indent, "\n", pieces);
  return pieces.join("");
}

/**
 * @param {JSONValue} value
 * @param {number} indent
 * @param {string} lineEnd with what the lines of this level begin
 * @param {string[]} pieces
 */
function write(value, indent, lineEnd, pieces) {
  const inner = indent > 0 ? lineEnd + " ".repeat(indent) : "";
  const outer = indent > 0 ? lineEnd : "";
  if (value instanceof ExactNumber) {
    pieces.push(value.text);
  } else if (isObject(value)) {
    let separator = "{";
    for (const [key, member] of value) {
      pieces.push(separator, inner, JSON.stringify(key), indent > 0 ? ": " : ":");
      write(member, indent, lineEnd + " ".repeat(indent), pieces);
      separator = ",";
    }
    pieces.push(value.size === 0 ? "{}" : outer + "}");
  } else if (isArray(value)) {
    let separator = "[";
    for (const item of value) {
      pieces.push(separator, inner);
      write(item, indent, lineEnd + " ".repeat(indent), pieces);
      separator = ",";
    }
    pieces.push(value.length === 0 ? "[]" : outer + "]");
  } else {
    pieces.push(JSON.stringify(value));
  }
}

/**
 * @param {JSONValue | undefined} value
 * @returns {value is JSONObject}
 */
export function isObject(value) {
  return value instanceof Map;
}

/**
 * @param {JSONValue | undefined} value
 * @returns {value is ReadonlyArray<JSONValue>}
 */
export function isArray(value) {
  return Array.isArray(value);
}

/**
 * @param {JSONValue | undefined} value
 * @returns {number | undefined} a number's, as near as JavaScript has it
 */
export function numericValue(value) {
  if (value instanceof ExactNumber) return value.value;
  return typeof value === "number" ? value : undefined;
}

/**
 * Whether two values are written alike, but for the order of members where `ordered` is false.
 * @param {JSONValue | undefined} left
 * @param {JSONValue | undefined} right
 * @param {boolean} [ordered]
 * @returns {boolean}
 */
export function isEqual(left, right, ordered = true) {
  if (left === right) return true;
  if (left instanceof ExactNumber || right instanceof ExactNumber) {
    return left instanceof ExactNumber && right instanceof ExactNumber && left.text === right.text;
  }
  if (isArray(left) && isArray(right)) {
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index], ordered));
  }
  if (!isObject(left) || !isObject(right) || left.size !== right.size) return false;
  const keys = [...right.keys()];
  let index = 0;
  for (const [key, value] of left) {
    if (ordered ? keys[index++] !== key : !right.has(key)) return false;
    if (!isEqual(value, right.get(key), ordered)) return false;
  }
  return true;
}

/**
 * @param {unknown} value of JSON.parse or written out in code
 * @returns {JSONValue}
 */
export function fromPlain(value) {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (value instanceof ExactNumber) return value;
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [String(key), fromPlain(member)]));
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value === "object") return new Map(Object.entries(value).map(([key, member]) => [key, fromPlain(member)]));
  return null;
}
