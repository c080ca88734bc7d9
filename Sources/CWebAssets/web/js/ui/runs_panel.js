/** The runs of the workflow, beneath the canvas: those before, when their nodes ran, and what two of them differ in. */

import { nodesOf, workflowName } from "../model/document.js";
import { documentNode } from "../model/run.js";
import { button, element, iconButton } from "./dom.js";
import { Gantt } from "./gantt.js";
import { LogView } from "./log_view.js";
import { messageOf } from "./messages.js";
import { comparison } from "./run_compare.js";
import { RunList } from "./run_list.js";
import { runStrings } from "./strings/run_strings.js";
import { strings } from "./strings/strings.js";
import { addStyles } from "./styles.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("./running.js").Runner} Runner */
/** @typedef {"list" | "timeline" | "log" | "compare"} Tab */

const words = runStrings.panel;
const tabs = /** @type {const} */ (["list", "timeline", "log", "compare"]);

await addStyles("runs");

export class RunsPanel {
  /**
   * @param {Editor} editor
   * @param {Runner} runner
   * @param {{showNode: (name: string) => void, close: () => void}} around
   */
  constructor(editor, runner, { showNode, close }) {
    this.editor = editor;
    /** @type {Tab} */
    this.tab = "list";
    this.list = new RunList(editor, runner, {
      workflow: workflowName(editor.document),
      compare: (left, right) => this.compare(left, right),
    });
    this.gantt = new Gantt(editor, showNode);
    this.compared = element("div", {
      class: "compared",
      children: [element("p", { class: "quiet", text: words.pickTwo })],
    });
    this.log = new LogView(editor, "");
    this.contents = {
      log: this.log.element,
      list: this.list.element,
      timeline: this.gantt.element,
      compare: this.compared,
    };
    this.buttons = tabs.map((tab) =>
      button(words.tabs[tab], () => this.show(tab), {
        attributes: { role: "tab", id: `runs-tab-${tab}`, "aria-controls": `runs-${tab}` },
      })
    );
    const panels = tabs.map((tab) =>
      element("div", {
        class: "drawer-panel",
        attributes: { role: "tabpanel", id: `runs-${tab}`, "aria-labelledby": `runs-tab-${tab}` },
        children: [this.contents[tab]],
      })
    );
    this.panels = panels;
    this.element = element("section", {
      class: "drawer",
      attributes: { "aria-label": words.label },
      children: [
        element("div", {
          class: "drawer-head",
          children: [
            element("div", {
              class: "drawer-tabs",
              attributes: { role: "tablist", "aria-label": words.label },
              on: { keydown: (event) => this.onKey(event) },
              children: this.buttons,
            }),
            iconButton("close", strings.close, close),
          ],
        }),
        ...panels,
      ],
    });
    this.show("list");
  }

  focus() {
    this.buttons[tabs.indexOf(this.tab)]?.focus();
  }

  /** Once for each frame in which something has changed. */
  update() {
    this.list.update();
    if (this.tab === "timeline") this.gantt.update();
    if (this.tab === "log") this.log.update();
  }

  /** @param {Tab} tab */
  show(tab) {
    this.tab = tab;
    for (const [index, name] of tabs.entries()) {
      const isShown = name === tab;
      this.buttons[index].setAttribute("aria-selected", String(isShown));
      this.buttons[index].tabIndex = isShown ? 0 : -1;
      this.panels[index].hidden = !isShown;
    }
    this.update();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    this.show(tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length]);
    this.focus();
  }

  /**
   * @param {string} left
   * @param {string} right
   */
  async compare(left, right) {
    this.show("compare");
    this.focus();
    this.compared.replaceChildren(
      element("p", { class: "quiet", text: runStrings.loading, attributes: { role: "status" } }),
    );
    const parts = await comparison(this.editor.client, left, right).catch((error) => [
      element("p", { class: "run-error", text: messageOf(error), attributes: { role: "alert" } }),
    ]);
    this.compared.replaceChildren(...parts);
  }
}

/**
 * Shows the runs beneath the canvas, or hides them.
 * @param {import("./workbench.js").Workbench} workbench
 * @param {Runner} runner
 */
export function toggleRuns(workbench, runner) {
  const { editor, canvas } = workbench;
  const close = () => {
    workbench.runs?.element.remove();
    workbench.goToCanvas();
  };
  if (workbench.runs?.element.isConnected) return close();
  const panel = workbench.runs ??= new RunsPanel(editor, runner, {
    showNode: (name) => {
      const own = documentNode(name);
      if (!nodesOf(editor.document).has(own)) return;
      editor.select([own]);
      canvas.focusNode(own);
    },
    close,
  });
  workbench.element.querySelector("footer")?.before(panel.element);
  panel.update();
  panel.focus();
}
