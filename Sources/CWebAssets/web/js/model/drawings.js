/**
 * Groups and comments: what is drawn around and beside nodes, for people alone. They lie in `layout.$editor`, which no digest depends on.
 *
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./viewport.js").Rectangle} Rectangle
 *
 * `key` is the kind and the id. Texts are cut, and colours are colours.
 * @typedef {{key: string, kind: "groups" | "comments", id: string, title: string, text: string, color: string | undefined,
 *   x: number, y: number, width: number, height: number}} Drawing
 */

import { readColor } from "./catalog.js";
import { drawingParts, freeDrawingId, moveNodes, setDrawing } from "./commands.js";
import { drawingsKey, drawingsOf } from "./document.js";
import { objectAt, withMember, withoutMembers } from "./objects.js";
import { lineOf, linesOf } from "./text.js";
import { bounds } from "./viewport.js";
import { partWords } from "./part_words.js";
import { words } from "./words.js";

const says = partWords.drawings;
const limits = { drawings: 1000, title: 120, text: 4000, place: 1e7, extent: 1e5 };
/** The smallest that can be seen and taken hold of. */
export const least = { width: 96, height: 64 };
/** Between a group's edge and what it is made around; above it there is its title. */
const margin = { side: 24, title: 40 };

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

/**
 * @param {WorkflowDocument} document
 * @param {Iterable<Rectangle>} rectangles
 * @param {string} title
 * @returns {{command: Command, key: string} | undefined} undefined: there is nothing to be around of
 */
export function groupAround(document, rectangles, title) {
  const area = bounds(rectangles);
  if (!area) return undefined;
  return made(
    document,
    "groups",
    {
      x: area.x - margin.side,
      y: area.y - margin.title,
      width: area.width + 2 * margin.side,
      height: area.height + margin.title + margin.side,
    },
    "title",
    title,
  );
}

/**
 * @param {WorkflowDocument} document
 * @param {Place} place
 */
export function newComment(document, place) {
  return made(document, "comments", { ...place, width: 224, height: 112 }, "text", "");
}

/**
 * @param {WorkflowDocument} document
 * @param {"groups" | "comments"} kind
 * @param {Rectangle} area
 * @param {"title" | "text"} member
 * @param {string} text
 * @returns {{command: Command, key: string}}
 */
function made(document, kind, area, member, text) {
  const id = freeDrawingId(document, kind);
  /** @type {Map<string, JSONValue>} */
  const drawing = new Map(Object.entries(area).map(([key, value]) => [key, Math.round(value)]));
  drawing.set(member, text);
  return {
    command: { ...setDrawing(kind, id, drawing), label: kind === "groups" ? says.addGroup : says.addComment },
    key: `${kind} ${id}`,
  };
}

/**
 * @param {string} key
 * @param {ReadonlyArray<readonly [string, JSONValue | undefined]>} members undefined: it goes; all others stay as they are
 * @param {string} [gesture]
 * @returns {Command}
 */
export function changeDrawing(key, members, gesture) {
  const [kind, id] = drawingParts(key);
  return {
    label: kind === "groups" ? words.commands.changeGroup : words.commands.changeComment,
    ...(gesture ? { gesture } : {}),
    change: (document) => {
      const all = objectAt(document, ["layout", drawingsKey, kind]);
      if (!all.has(id)) return document;
      const before = objectAt(all, [id]);
      const after = members.reduce(
        (drawing, [member, value]) =>
          value === undefined ? withoutMembers(drawing, [member]) : withMember(drawing, member, value),
        before,
      );
      return after === before ? document : setDrawing(kind, id, after).change(document);
    },
  };
}

/**
 * @param {Rectangle} outer
 * @param {Rectangle} inner
 */
function contains(outer, inner) {
  return inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height;
}

/**
 * What moves with a drawing: all that lies in a group as a whole, and itself.
 * @param {WorkflowDocument} document
 * @param {Drawing} drawing
 * @param {ReadonlyMap<string, Rectangle>} rectangles of the nodes
 * @returns {{nodes: Map<string, Place>, drawings: Map<string, Place>}} where each of it is
 */
export function contentOf(document, drawing, rectangles) {
  const isGroup = drawing.kind === "groups";
  const drawings = shownDrawings(document).filter((other) =>
    other.key === drawing.key || (isGroup && contains(drawing, other))
  );
  return {
    nodes: new Map(isGroup ? [...rectangles].filter(([, rectangle]) => contains(drawing, rectangle)) : []),
    drawings: new Map(drawings.map((other) => [other.key, other])),
  };
}

/**
 * @param {ReturnType<typeof contentOf>} content
 * @param {Place} by
 * @param {string} gesture
 * @returns {Command}
 */
export function moveContent({ nodes, drawings }, by, gesture) {
  const places = new Map([...nodes].map(([name, { x, y }]) => [name, { x: x + by.x, y: y + by.y }]));
  const [first] = drawings.keys();
  return {
    label: first?.startsWith("groups") ? says.moveGroup : says.moveComment,
    gesture,
    change: (document) =>
      [...drawings].reduce(
        (changed, [key, { x, y }]) =>
          changeDrawing(key, [["x", Math.round(x + by.x)], ["y", Math.round(y + by.y)]]).change(changed),
        moveNodes(places).change(document),
      ),
  };
}
