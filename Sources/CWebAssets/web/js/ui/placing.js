/** What puts several nodes somewhere: pasting, duplicating and arranging; loaded when somebody does it. */

import { moveNodes } from "../model/commands.js";
import { paste as pasteCommand, placeFragment, readFragment } from "../model/clipboard.js";
import { fragmentText } from "../model/copying.js";
import { nodesOf } from "../model/document.js";
import { shownDrawings } from "../model/shown_drawings.js";
import { freeOf } from "../model/viewport.js";
import { grid, snapped } from "./editor.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("../canvas/canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Place} Place */

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {string} text
 * @param {Place} corner
 * @throws {import("../model/json.js").Problem} it is no part of a workflow
 */
export function paste(canvas, editor, text, corner) {
  const part = readFragment(text);
  const [first] = part.drawings;
  // A group has what it covers: it is put where there is nothing yet.
  const place = part.isPart && first?.kind === "groups"
    ? freeOf([...canvas.rectangles.values(), ...shownDrawings(editor.document)], { ...first, ...corner }, 4 * grid)
    : corner;
  const fragment = placeFragment(editor.document, part, snapped(place));
  if (!editor.perform(pasteCommand(fragment))) return;
  const [drawing] = fragment.drawings;
  // What was chosen is chosen again: a group with all in it, or nodes.
  if (drawing && (fragment.isPart || fragment.nodes.size === 0)) {
    editor.selectDrawing(drawing.key);
    canvas.withDrawings((drawings) => drawings.focus(drawing.key));
  } else editor.select(fragment.nodes.keys());
}

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 */
export function duplicate(canvas, editor) {
  const content = canvas.drawings?.content();
  const names = content ? [...content.nodes.keys()] : [...editor.selection];
  const drawings = [...content?.drawings.values() ?? []];
  if (names.length + drawings.length === 0) return;
  const { x, y } = cornerOf([...names.map((name) => editor.placeOf(name)), ...drawings]);
  const isGroup = drawings[0]?.kind === "groups";
  const corner = isGroup ? { x, y } : { x: x + 4 * grid, y: y + 4 * grid };
  paste(canvas, editor, fragmentText(editor.document, names, drawings), corner);
}

/**
 * The selected nodes where they are several, otherwise all.
 * @param {Editor} editor
 */
export async function arrange(editor) {
  await editor.places.load();
  const all = nodesOf(editor.document);
  const names = editor.selection.size > 1 ? editor.selection : new Set(all.keys());
  if (names.size === 0) return;
  const corner = cornerOf([...names].map((name) => editor.placeOf(name)));
  const laid = editor.places.layoutOf(names, names.size === all.size ? { x: 0, y: 0 } : corner);
  editor.perform({ ...moveNodes(laid), label: strings.bar.arrange });
}

/**
 * @param {ReadonlyArray<Place>} places
 * @returns {Place}
 */
function cornerOf(places) {
  return { x: Math.min(...places.map(({ x }) => x)), y: Math.min(...places.map(({ y }) => y)) };
}
