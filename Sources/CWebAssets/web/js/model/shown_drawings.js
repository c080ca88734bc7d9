/**
 * Groups and comments: what is drawn around and beside nodes, for people alone. They lie in `layout.$editor`, which no digest depends on.
 *
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 *
 * `key` is the kind and the id. Texts are cut, and colours are colours.
 * @typedef {{key: string, kind: "groups" | "comments", id: string, title: string, text: string, color: string | undefined,
 *   x: number, y: number, width: number, height: number}} Drawing
 */

import { readColor } from "./catalog.js";
import { drawingsKey, drawingsOf } from "./document.js";
import { objectAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

const limits = { drawings: 1000, title: 120, text: 4000, place: 1e7, extent: 1e5 };
/** The smallest that can be seen and taken hold of. */
export const least = { width: 96, height: 64 };

/** @type {WeakMap<object, ReadonlyArray<Drawing>>} */
const known = new WeakMap();

/**
 * @param {WorkflowDocument} document
 * @returns {ReadonlyArray<Drawing>} the groups first; the same for the same drawings
 */
export function shownDrawings(document) {
  const part = objectAt(document, ["layout", drawingsKey]);
  const before = known.get(part);
  if (before) return before;
  const found = /** @type {const} */ (["groups", "comments"]).flatMap((kind) =>
    drawingsOf(document, kind).slice(0, limits.drawings).flatMap(({ id, x, y, width, height, title, text, color }) => {
      if (Math.abs(x) > limits.place || Math.abs(y) > limits.place) return [];
      return [{
        key: `${kind} ${id}`,
        kind,
        id,
        title: lineOf(title, limits.title),
        text: linesOf(text, limits.text),
        color: readColor(color),
        x,
        y,
        width: Math.min(limits.extent, Math.max(least.width, width)),
        height: Math.min(limits.extent, Math.max(least.height, height)),
      }];
    })
  );
  known.set(part, found);
  return found;
}

/**
 * @param {WorkflowDocument} document
 * @param {string} key
 */
export function drawingAt(document, key) {
  return shownDrawings(document).find((drawing) => drawing.key === key);
}
