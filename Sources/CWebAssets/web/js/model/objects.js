/** Changes to JSON objects, which make new ones: what isn't changed is shared, and what changes nothing gives the same object. */

import { isObject } from "./json.js";

/** @typedef {import("./json.js").JSONValue} JSONValue */
/** @typedef {import("./json.js").JSONObject} JSONObject */

/** @type {JSONObject} */
export const emptyObject = new Map();

/**
 * With a member in its place, or at the end where there was none.
 * @param {JSONObject} object
 * @param {string} key
 * @param {JSONValue} value
 * @returns {JSONObject}
 */
export function withMember(object, key, value) {
  if (object.get(key) === value && object.has(key)) return object;
  return new Map(object).set(key, value);
}

/**
 * @param {JSONObject} object
 * @param {Iterable<string>} keys
 * @returns {JSONObject}
 */
export function withoutMembers(object, keys) {
  const present = [...keys].filter((key) => object.has(key));
  if (present.length === 0) return object;
  const copy = new Map(object);
  for (const key of present) copy.delete(key);
  return copy;
}

/**
 * With another name in the same place.
 * @param {JSONObject} object
 * @param {string} key
 * @param {string} name which no other member has
 * @returns {JSONObject}
 */
export function withRenamed(object, key, name) {
  if (key === name || !object.has(key)) return object;
  return new Map([...object].map(([old, value]) => [old === key ? name : old, value]));
}

/**
 * With each value replaced by what `change` makes of it; a member goes where that is undefined.
 * @param {JSONObject} object
 * @param {(value: JSONValue, key: string) => JSONValue | undefined} change
 * @returns {JSONObject}
 */
export function mapMembers(object, change) {
  /** @type {Map<string, JSONValue>} */
  const copy = new Map();
  let hasChanged = false;
  for (const [key, value] of object) {
    const changed = change(value, key);
    if (changed !== value) hasChanged = true;
    if (changed !== undefined) copy.set(key, changed);
  }
  return hasChanged ? copy : object;
}

/**
 * @param {JSONValue | undefined} value
 * @param {ReadonlyArray<string>} path
 * @returns {JSONValue | undefined}
 */
export function valueAt(value, path) {
  let found = value;
  for (const key of path) found = isObject(found) ? found.get(key) : undefined;
  return found;
}

/**
 * @param {JSONValue | undefined} value
 * @param {ReadonlyArray<string>} path
 * @returns {JSONObject} an empty one where there is none
 */
export function objectAt(value, path) {
  const found = valueAt(value, path);
  return isObject(found) ? found : emptyObject;
}

/**
 * With what `change` makes of the object at `path`. Objects on the way are made where they are missing, and go where they become empty by
 * it: an object that was empty before stays.
 * @param {JSONObject} object
 * @param {ReadonlyArray<string>} path
 * @param {(inner: JSONObject) => JSONObject} change
 * @returns {JSONObject}
 */
export function withChangeAt(object, path, change) {
  const [key, ...rest] = path;
  if (key === undefined) return change(object);
  const before = object.get(key);
  const inner = isObject(before) ? before : emptyObject;
  const after = withChangeAt(inner, rest, change);
  if (after === inner) return object;
  return after.size === 0 ? withoutMembers(object, [key]) : withMember(object, key, after);
}
