/**
 * What is done with groups and comments; `shown_drawings.js` says what they are.
 *
 * @typedef {import("./commands.js").Command} Command
 * @typedef {import("./document.js").Place} Place
 * @typedef {import("./document.js").WorkflowDocument} WorkflowDocument
 * @typedef {import("./json.js").JSONObject} JSONObject
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {import("./viewport.js").Rectangle} Rectangle
 * @typedef {import("./shown_drawings.js").Drawing} Drawing
 */

import { moveNodes, removeNodes, withValue } from "./commands.js";
import { drawingsKey } from "./document.js";
import { objectAt, withChangeAt, withMember, withoutMembers } from "./objects.js";
import { shownDrawings } from "./shown_drawings.js";
import { bounds } from "./viewport.js";
import { partWords } from "./part_words.js";
import { words } from "./words.js";

const says = partWords.drawings;
/** Between a group's edge and what it is made around; above it there is its title. */
const margin = { side: 24, title: 40 };

/**
 * @param {"groups" | "comments"} kind
 * @param {string} id
 * @param {JSONObject | undefined} drawing undefined: it goes
 * @param {string} [gesture]
 * @returns {Command}
 */
export function setDrawing(kind, id, drawing, gesture) {
  const [remove, change] = kind === "groups"
    ? [words.commands.removeGroup, words.commands.changeGroup]
    : [words.commands.removeComment, words.commands.changeComment];
  return {
    label: drawing === undefined ? remove : change,
    ...(gesture ? { gesture } : {}),
    change: (document) =>
      withChangeAt(
        document,
        ["layout", drawingsKey, kind],
        (drawings) => drawing === undefined ? withoutMembers(drawings, [id]) : withValue(drawings, id, drawing),
      ),
  };
}

/**
 * @param {string} key
 * @returns {Command}
 */
export function removeDrawing(key) {
  return setDrawing(...drawingParts(key), undefined);
}

/**
 * @param {WorkflowDocument} document
 * @param {"groups" | "comments"} kind
 * @returns {() => string} gives ids that none has, each another
 */
export function freeDrawingIds(document, kind) {
  const taken = objectAt(document, ["layout", drawingsKey, kind]);
  let number = 0;
  return () => {
    do number++; while (taken.has(String(number)));
    return String(number);
  };
}

/**
 * @param {string} key the kind and the id: what is selected is named so
 * @returns {["groups" | "comments", string]}
 */
function drawingParts(key) {
  return [key.startsWith("groups ") ? "groups" : "comments", key.slice(key.indexOf(" ") + 1)];
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
  const id = freeDrawingIds(document, kind)();
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
 * What moves with a drawing, and is copied with it: all that lies in a group as a whole, and itself.
 * @param {WorkflowDocument} document
 * @param {Drawing} drawing
 * @param {ReadonlyMap<string, Rectangle>} rectangles of the nodes
 * @returns {{nodes: Map<string, Place>, drawings: Map<string, Drawing>}} where each of it is, the drawing itself first
 */
export function contentOf(document, drawing, rectangles) {
  const isGroup = drawing.kind === "groups";
  const within = shownDrawings(document).filter((other) =>
    other.key !== drawing.key && isGroup && contains(drawing, other)
  );
  return {
    nodes: new Map(isGroup ? [...rectangles].filter(([, rectangle]) => contains(drawing, rectangle)) : []),
    drawings: new Map([drawing, ...within].map((other) => [other.key, other])),
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

/**
 * @param {ReturnType<typeof contentOf>} content
 * @returns {Command} takes out what was cut
 */
export function removeContent({ nodes, drawings }) {
  const [first] = drawings.keys();
  return {
    label: removeDrawing(first ?? "").label,
    change: (document) =>
      [...drawings.keys()].reduce(
        (changed, key) => removeDrawing(key).change(changed),
        removeNodes(nodes.keys()).change(document),
      ),
  };
}
