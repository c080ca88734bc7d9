/** A field with a list of names: a part of one finds it, by the keyboard as by a finger. And what was chosen, to be taken out again. */

import { lineOf } from "../model/text.js";
import { element, iconButton, setAttribute } from "./dom.js";
import { strings } from "./strings/strings.js";

/**
 * @param {string} id
 * @param {string} label
 * @param {string} hint
 * @param {{list: () => string[], choose: (text: string) => string | undefined}} actions `list` is asked for when somebody comes to the
 *   field; `choose` gives why that can't be chosen
 * @returns {HTMLElement[]}
 */
export function chooser(id, label, hint, { list, choose }) {
  const options = element("datalist", { attributes: { id: `${id}-list` } });
  const problem = element("p", { class: "field-problem", attributes: { id: `${id}-problem`, hidden: true } });
  /** @param {string | undefined} reason */
  function show(reason) {
    problem.textContent = reason ? strings.canvas.refused(reason) : "";
    problem.hidden = !reason;
    setAttribute(input, "aria-invalid", reason ? "true" : undefined);
  }
  function end() {
    const text = input.value.trim();
    if (text === "") return;
    const reason = choose(text);
    if (!reason) input.value = "";
    show(reason);
  }
  const input = element("input", {
    attributes: {
      id,
      type: "text",
      list: options.id,
      placeholder: hint,
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": label,
      "aria-describedby": problem.id,
    },
    on: {
      focus: () => options.replaceChildren(...list().map((value) => element("option", { attributes: { value } }))),
      change: end,
      input: (event) => {
        show(undefined);
        // What is picked in the list wasn't typed, and nothing more will come.
        if (!(event instanceof InputEvent) || event.inputType === "insertReplacementText") end();
      },
    },
  });
  return [input, options, problem];
}

/**
 * @template Item
 * @param {number} most
 * @param {ReadonlyArray<Item>} items
 * @param {(item: Item) => boolean} fits
 * @returns {Item[]} no more is looked at than is needed
 */
export function firstOf(most, items, fits) {
  /** @type {Item[]} */
  const found = [];
  for (const item of items) {
    if (found.length >= most) break;
    if (fits(item)) found.push(item);
  }
  return found;
}

/**
 * @param {string} text
 * @param {string} label of the button that takes it out
 * @param {() => void} remove
 */
export function chip(text, label, remove) {
  return element("span", {
    class: "source",
    children: [element("bdi", { text: lineOf(text, 140) }), iconButton("close", lineOf(label, 300), remove)],
  });
}
