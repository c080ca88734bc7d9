/** The screens before a workflow: who somebody is, and which workflow it is to be. */

import { Problem } from "../model/json.js";
import { isWorkflowName } from "../model/names.js";
import { button, element } from "./dom.js";
import { strings } from "./strings.js";

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

/**
 * @param {{name: string, version: number}[]} workflows
 * @param {{open: (name: string) => void, create: (name: string) => void, signOut: (() => void) | undefined}} actions
 * @returns {HTMLElement}
 */
export function workflowsScreen(workflows, { open, create, signOut }) {
  const words = strings.workflows;
  const problem = element("p", { class: "field-problem", attributes: { id: "name-problem", role: "alert" } });
  const input = element("input", {
    attributes: {
      id: "workflow-name",
      type: "text",
      autocomplete: "off",
      required: true,
      "aria-describedby": "name-problem",
    },
  });
  const form = element("form", {
    class: "new-workflow",
    attributes: { novalidate: true },
    on: {
      submit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        const name = input.value.trim();
        if (!isWorkflowName(name)) problem.textContent = words.grammar;
        else if (workflows.some((workflow) => workflow.name === name)) problem.textContent = words.taken(name);
        else create(name);
      },
    },
    children: [
      element("div", {
        class: "field",
        children: [element("label", { text: words.name, attributes: { for: "workflow-name" } }), input, problem],
      }),
      element("button", { class: "primary", text: words.create, attributes: { type: "submit" } }),
    ],
  });
  const list = workflows.length === 0 ? element("p", { class: "quiet", text: words.empty }) : element("ul", {
    class: "workflow-list",
    children: workflows.map(({ name, version }) =>
      element("li", {
        children: [
          element("button", {
            class: "workflow-item",
            attributes: { type: "button" },
            on: { click: () => open(name) },
            children: [
              element("bdi", { text: name }),
              element("span", { class: "quiet", text: words.version(version) }),
            ],
          }),
        ],
      })
    ),
  });
  return element("main", {
    class: "screen",
    children: [
      element("div", {
        class: "card",
        children: [
          element("div", {
            class: "card-head",
            children: [
              element("h1", { text: words.title }),
              signOut ? button(strings.bar.signOut, signOut) : undefined,
            ],
          }),
          list,
          element("h2", { text: words.create }),
          form,
        ],
      }),
    ],
  });
}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  if (error instanceof Problem) return error.hint ? `${error.message} (${error.hint})` : error.message;
  return error instanceof Error ? error.message : String(error);
}
