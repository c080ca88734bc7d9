/** The keys, listed. */

import { button, element } from "./dom.js";
import { keyBindings } from "./keys.js";
import { pageStrings } from "./strings/page_strings.js";
import { partStrings } from "./strings/part_strings.js";

/** @returns {HTMLDialogElement} which begins at its top, also where it is longer than the screen */
export function helpDialog() {
  const rows = keyBindings.map(({ keys, action }) =>
    element("div", {
      children: [
        element("dt", {
          children: shownKeys(keys).flatMap((key, index) => [index > 0 ? " " : "", element("kbd", { text: key })]),
        }),
        element("dd", { text: partStrings.keys[action] ?? action }),
      ],
    })
  );
  /** @type {HTMLDialogElement} */
  const dialog = element("dialog", {
    attributes: { "aria-labelledby": "help-title" },
    children: [
      element("h2", { text: pageStrings.help.title, attributes: { id: "help-title", tabindex: -1, autofocus: true } }),
      element("dl", { class: "keys", children: rows }),
      button(pageStrings.help.close, () => dialog.close(), { class: "primary" }),
    ],
  });
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
}

/**
 * @param {ReadonlyArray<string>} keys
 * @returns {string[]} the four arrows as one
 */
export function shownKeys(keys) {
  return [...new Set(keys.map((key) => shownKey(key.replace(/Arrow[A-Z][a-z]+$/, "arrows"))))];
}

/** @param {string} key */
function shownKey(key) {
  return key.replace(/^ $/, "Space").replace(
    /\+([a-z])$/,
    (_, letter) => `+${letter.toUpperCase()}`,
  );
}
