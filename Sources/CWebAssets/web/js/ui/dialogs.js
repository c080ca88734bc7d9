/** Questions in front of a screen, moments as texts, and buttons that wait for what they began. */

import { button, element } from "./dom.js";

let count = 0;

/**
 * @template {string} Answer
 * @param {object} options
 * @param {string} options.title
 * @param {(Node | undefined)[]} options.content
 * @param {{answer: Answer, label: string, class?: string}[]} options.answers the last is what Enter in a field means
 * @param {string} options.cancel
 * @returns {Promise<Answer | undefined>} undefined: it was left
 */
export function ask({ title, content, answers, cancel }) {
  return new Promise((resolve) => {
    const id = `dialog-${++count}`;
    /** @type {Answer | undefined} */
    let chosen;
    /** @type {HTMLDialogElement} */
    const dialog = element("dialog", { class: "question", attributes: { "aria-labelledby": id } });
    /** @param {Answer | undefined} answer */
    const end = (answer) => {
      chosen = answer;
      dialog.close();
    };
    const form = element("form", {
      on: {
        submit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          end(answers[answers.length - 1].answer);
        },
      },
      children: [
        element("h2", { text: title, attributes: { id, tabindex: -1, autofocus: true } }),
        ...content,
        element("div", {
          class: "question-answers",
          children: [
            button(cancel, () => end(undefined)),
            ...answers.map(({ answer, label, class: kind }, index) =>
              index === answers.length - 1
                ? element("button", { class: kind ?? "primary", text: label, attributes: { type: "submit" } })
                : button(label, () => end(answer), kind ? { class: kind } : {})
            ),
          ],
        }),
      ],
    });
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * @param {number} milliseconds since 1970
 * @returns {string} as it is written where somebody is
 */
export function momentText(milliseconds) {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime())
    ? ""
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
