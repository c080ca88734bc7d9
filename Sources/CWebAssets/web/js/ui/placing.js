/** What puts several nodes somewhere: pasting, duplicating and arranging; loaded when somebody does it. */

import { moveNodes } from "../model/commands.js";
import { paste as pasteCommand, placeFragment, readFragment } from "../model/clipboard.js";
import { fragmentText } from "../model/copying.js";
import { nodesOf } from "../model/document.js";
import { grid, snapped } from "./editor.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Content} Content */
/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Place} Place */

/**
 * @param {Editor} editor
 * @param {string} text
 * @param {Place} corner
 * @throws {import("../model/json.js").Problem} it is no part of a workflow
 */
export function paste(editor, text, corner) {
  const fragment = placeFragment(editor.document, readFragment(text), snapped(corner));
  if (!editor.perform(pasteCommand(fragment))) return;
  const [drawing] = fragment.drawings;
  // What was chosen is chosen again: a group with all in it, or nodes.
  if (drawing && (fragment.isPart || fragment.nodes.size === 0)) editor.selectDrawing(drawing.key);
  else editor.select(fragment.nodes.keys());
}

/**
 * @param {Editor} editor
 * @param {Content | undefined} content of a group or a comment that is selected; otherwise it is about the selected nodes
 */
export function duplicate(editor, content) {
  const names = content ? [...content.nodes.keys()] : [...editor.selection];
  const drawings = [...content?.drawings.values() ?? []];
  if (names.length + drawings.length === 0) return;
  const { x, y } = cornerOf([...names.map((name) => editor.placeOf(name)), ...drawings]);
  paste(editor, fragmentText(editor.document, names, drawings), { x: x + 4 * grid, y: y + 4 * grid });
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
