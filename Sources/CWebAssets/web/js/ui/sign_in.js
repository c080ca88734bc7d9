/** Who somebody is. */

import { element } from "./dom.js";
import { messageOf } from "./messages.js";
import { strings } from "./strings/strings.js";

/**
 * @param {string} message what went wrong before; empty: nothing
 * @param {(token: string) => Promise<void>} signIn
 * @returns {HTMLElement}
 */
export function signInScreen(message, signIn) {
  const words = strings.signIn;
  const problem = element("p", {
    class: "field-problem",
    text: message,
    attributes: { id: "token-problem", role: "alert" },
  });
  const input = element("input", {
    attributes: {
      id: "token",
      type: "password",
      autocomplete: "off",
      required: true,
      spellcheck: "false",
      autofocus: true,
      "aria-describedby": "token-explanation token-problem",
    },
  });
  const act = element("button", { class: "primary", text: words.act, attributes: { type: "submit" } });
  const form = element("form", {
    class: "card",
    on: {
      submit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        act.disabled = true;
        problem.textContent = "";
        try {
          await signIn(input.value.trim());
        } catch (error) {
          problem.textContent = messageOf(error);
          act.disabled = false;
          input.focus();
        }
      },
    },
    children: [
      element("h1", { text: strings.product }),
      element("p", { class: "quiet", text: words.explanation, attributes: { id: "token-explanation" } }),
      element("div", {
        class: "field",
        children: [element("label", { text: words.field, attributes: { for: "token" } }), input, problem],
      }),
      act,
      element("p", { class: "quiet", text: words.kept }),
    ],
  });
  return element("main", { class: "screen", children: [form] });
}
