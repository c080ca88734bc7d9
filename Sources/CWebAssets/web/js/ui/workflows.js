/** Which workflow it is to be. */

import { allows } from "../api/client.js";
import { isWorkflowName } from "../model/names.js";
import { addressOf } from "../model/routes.js";
import { element } from "./dom.js";
import { session } from "./session.js";
import { strings } from "./strings/strings.js";

const words = strings.workflows;

/**
 * @param {import("./pages.js").Around} around
 * @returns {Promise<import("./pages.js").Screen>}
 */
export async function workflowsPage({ client, create, message }) {
  const [workflows, { scope }] = await Promise.all([client.workflows(), client.me()]);
  const drafts = new Set(session.draftNames());
  const unsaved = [...drafts].filter((name) => !workflows.some((workflow) => workflow.name === name));
  const rows = [
    ...workflows.map(({ name, version }) => row(name, words.version(version), drafts.has(name))),
    ...unsaved.filter(isWorkflowName).map((name) => row(name, "", true)),
  ];
  const content = element("div", {
    class: "page-narrow",
    children: [
      element("h1", { text: words.title, attributes: { tabindex: -1 } }),
      message ? element("p", { class: "page-problem", text: message, attributes: { role: "alert" } }) : undefined,
      rows.length === 0
        ? element("p", { class: "quiet", text: words.empty })
        : element("ul", { class: "workflow-list", children: rows }),
      ...(allows(scope, "runner")
        ? [element("h2", { text: words.create }), newWorkflow(workflows, create)]
        : [element("p", { class: "quiet", text: strings.bar.takes("author") })]),
    ],
  });
  return { element: content, title: words.title };
}

/**
 * @param {string} name
 * @param {string} version
 * @param {boolean} isDraft with changes of this tab
 */
function row(name, version, isDraft) {
  return element("li", {
    children: [
      element("a", {
        class: "workflow-item",
        attributes: { href: addressOf({ screen: "workflow", name }) },
        children: [
          element("bdi", { text: name }),
          element("span", {
            class: "quiet",
            children: [version, isDraft ? element("span", { class: "mark", text: words.draft }) : ""],
          }),
        ],
      }),
    ],
  });
}

/**
 * @param {{name: string}[]} workflows
 * @param {(name: string) => void} create
 */
function newWorkflow(workflows, create) {
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
  return element("form", {
    class: "new-workflow",
    attributes: { novalidate: true },
    on: {
      submit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        const name = input.value.trim();
        if (!isWorkflowName(name)) problem.textContent = strings.workflows.grammar;
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
}
