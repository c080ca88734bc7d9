/** A group or a comment in detail: its text and its colour. */

import { changeDrawing } from "../model/drawings.js";
import { drawingAt } from "../model/shown_drawings.js";
import { element } from "./dom.js";
import { partStrings } from "./strings/part_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */

const words = partStrings.drawings;

/** Seen on light and dark grounds alike. */
const colors = /** @type {const} */ ({
  blue: "#4a7bd0",
  green: "#3c9a66",
  yellow: "#b98900",
  red: "#cc5b52",
  purple: "#8a63c4",
});

/**
 * @param {Editor} editor
 * @param {string} key
 * @returns {{title: string, parts: HTMLElement[], show: () => void}}
 */
export function drawingDetails(editor, key) {
  const isGroup = key.startsWith("groups");
  const member = isGroup ? "title" : "text";
  const gesture = `type ${key}`;
  const text = element(isGroup ? "input" : "textarea", {
    attributes: { id: "drawing-text", autocomplete: "off", ...(isGroup ? { type: "text" } : { rows: 6 }) },
    on: {
      input: () => editor.perform(changeDrawing(key, [[member, text.value]], gesture)),
      change: () => editor.endGesture(),
    },
  });
  const other = element("option", {
    text: words.otherColor,
    attributes: { value: "other", hidden: true, disabled: true },
  });
  const color = element("select", {
    attributes: { id: "drawing-color" },
    children: [
      element("option", { text: words.noColor, attributes: { value: "" } }),
      ...Object.entries(colors).map(([name, value]) =>
        element("option", { text: words.colors[/** @type {keyof typeof colors} */ (name)], attributes: { value } })
      ),
      other,
    ],
    on: { change: () => editor.perform(changeDrawing(key, [["color", color.value === "" ? undefined : color.value]])) },
  });
  return {
    title: isGroup ? words.groupTitle : words.comment,
    parts: [
      field("drawing-text", isGroup ? words.title : words.text, text),
      field("drawing-color", words.color, color),
    ],
    show: () => {
      const drawing = drawingAt(editor.document, key);
      if (!drawing) return;
      if (document.activeElement !== text) text.value = drawing[member];
      const isKnown = Object.values(colors).some((value) => value === drawing.color);
      color.value = drawing.color === undefined ? "" : isKnown ? drawing.color : "other";
    },
  };
}

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement} input
 */
function field(id, title, input) {
  return element("div", {
    class: "field",
    children: [element("label", { text: title, attributes: { for: id } }), input],
  });
}
