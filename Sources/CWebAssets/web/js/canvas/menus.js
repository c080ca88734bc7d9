/** What can be done with what lies at a place of the canvas: the same as by keys, which stand beside it. */

import { keyBindings } from "../ui/keys.js";
import { openMenu } from "../ui/menu.js";
import { shownKeys } from "../ui/help.js";
import { partStrings } from "../ui/strings/part_strings.js";

/** @typedef {import("./canvas.js").WorkflowCanvas} WorkflowCanvas */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {import("../model/document.js").Place} Place */

const words = partStrings.menu;

/**
 * @param {WorkflowCanvas} canvas
 * @param {Editor} editor
 * @param {Place | undefined} at of the canvas' element; otherwise it is about what is focused
 * @param {(action: string) => void} act with what is focused or selected
 */
export function openCanvasMenu(canvas, editor, at, act) {
  const focused = canvas.contains(document.activeElement) && document.activeElement || canvas;
  const { left, top, width } = focused.getBoundingClientRect();
  const point = at ?? canvas.pointOf({ clientX: left + width / 2, clientY: top + 24 });
  const target = at ? canvas.elementAt(point) : focused;
  const name = canvas.nodeAt(target) ?? canvas.placeholderAt(point);
  const drawing = canvas.drawingAt(target)?.key;
  const edge = canvas.edgeAt(target);
  const before = editor.selection;
  if (name !== undefined) {
    if (!before.has(name)) editor.select([name]);
    canvas.focusNode(name, false);
  } else if (drawing !== undefined) {
    editor.selectDrawing(drawing);
    canvas.drawings?.focus(drawing);
  } else if (edge !== undefined) editor.select([], [edge]);
  else canvas.focus({ preventScroll: true });
  /** @param {string} action @param {string} [label] @param {() => void} [own] */
  const item = (action, label, own) => {
    const binding = keyBindings.find((known) => known.action === action);
    return {
      label: label ?? partStrings.keys[action] ?? action,
      keys: shownKeys(binding?.keys ?? [])[0] ?? "",
      act: own ?? (() => act(action)),
    };
  };
  /** @type {import("../ui/menu.js").MenuItem[]} */
  let items;
  if (name !== undefined) {
    const isOne = editor.selection.size === 1;
    items = [
      ...(isOne
        ? [item("details", words.details), item("rename"), item("connect", words.connect), item("order")]
        : [item("arrange")]),
      ...(before.size > 0 && !before.has(name)
        ? [item("toggle", words.addToSelection, () => editor.select([...before, name]))]
        : []),
      item("duplicate"),
      item("group"),
      item("remove", partStrings.inspector.remove),
    ];
  } else if (drawing !== undefined) {
    items = [item("details", words.edit), item("duplicate"), item("remove", partStrings.inspector.remove)];
  } else if (edge !== undefined) {
    const place = canvas.toPlace(point);
    items = [
      item("addPoint", partStrings.lines.add, () => canvas.withPoints((points) => points.add(edge, place))),
      item("removePoint"),
      item("remove", partStrings.inspector.remove),
    ];
  } else {
    items = [
      item("search", words.add),
      item("note", undefined, () => canvas.withDrawings((drawings) => drawings.addNote(canvas.toPlace(point)))),
      ...(editor.selection.size > 0 ? [item("group")] : []),
      item("selectAll"),
      item("arrange"),
      item("showFields"),
      item("fit"),
    ];
  }
  const corner = canvas.getBoundingClientRect();
  openMenu(items, { x: corner.left + point.x, y: corner.top + point.y }, words.label);
}
