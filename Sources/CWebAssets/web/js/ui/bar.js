/** What stands above a workflow: its name, whether it is saved, how far its run is, and what is done with all of it. */

import { allows } from "../api/client.js";
import { button, element, iconButton } from "./dom.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./workbench.js").Workbench} Workbench */

const words = strings.bar;

export class Bar {
  /** @param {Workbench} bench */
  constructor(bench) {
    const { editor } = bench;
    this.editor = editor;
    this.undo = iconButton("undo", words.undo, () => editor.undo());
    this.redo = iconButton("redo", words.redo, () => editor.redo());
    this.save = button(words.save, () => bench.saveNow());
    this.run = button(words.run, () => bench.act("run"), { class: "primary" });
    this.cancel = button(words.cancel, () => bench.act("cancel"), { class: "danger" });
    this.state = element("span", { class: "quiet save-state" });
    this.progress = element("span", { class: "quiet run-progress" });
    /** @type {unknown[]} what it shows */
    this.shownOf = [];
    /** @param {"palette" | "inspector"} pane */
    const toggle = (pane) => bench.element.classList.toggle(`shows-${pane}`);
    this.element = element("header", {
      class: "bar",
      children: [
        iconButton("menu", words.menu, () => bench.act("pages"), { attributes: { "aria-haspopup": "dialog" } }),
        element("h1", { class: "workflow-title", children: [element("bdi", { text: editor.name })] }),
        this.state,
        this.progress,
        element("div", {
          class: "bar-group",
          attributes: { role: "toolbar", "aria-label": words.label },
          children: [
            iconButton("palette", words.palette, () => toggle("palette"), { class: "narrow-only" }),
            iconButton("inspector", words.inspector, () => toggle("inspector"), { class: "narrow-only" }),
            this.undo,
            this.redo,
            iconButton("arrange", words.arrange, () => bench.act("arrange")),
            iconButton("fit", words.fit, () => bench.act("fit")),
            iconButton("text", words.text, () => bench.act("text")),
            iconButton("exchange", words.exchange, () => bench.act("exchange")),
            iconButton("runs", words.runs, () => bench.act("runs")),
            iconButton("help", words.help, () => bench.act("help"), { class: "wide-only" }),
            this.save,
            this.run,
            this.cancel,
          ],
        }),
      ],
    });
  }

  update() {
    const { history, isRunning, tag, name, scope } = this.editor;
    const now = [history.undoLabel, history.redoLabel, history.isDirty, isRunning, tag, scope];
    if (now.every((part, index) => part === this.shownOf[index])) return;
    this.shownOf = now;
    const { undo, redo, save, run, cancel, state } = this;
    undo.disabled = history.undoLabel === undefined;
    redo.disabled = history.redoLabel === undefined;
    undo.title = history.undoLabel ? `${words.undo}: ${history.undoLabel}` : words.undo;
    redo.title = history.redoLabel ? `${words.redo}: ${history.redoLabel}` : words.redo;
    run.hidden = isRunning;
    cancel.hidden = !isRunning;
    const mayRun = allows(scope, "runner");
    run.disabled = !mayRun;
    run.title = mayRun ? "" : words.takes("runner");
    const maySave = allows(scope, "author");
    save.disabled = !history.isDirty || !maySave;
    save.title = maySave ? "" : words.takes("author");
    state.textContent = history.isDirty ? (tag === null ? words.fresh : words.dirty) : words.saved;
    state.classList.toggle("is-dirty", history.isDirty);
    document.title = `${history.isDirty ? "• " : ""}${name} – ${strings.product}`;
  }
}
