/** A workflow that is worked on: palette, canvas, details, and what is done with all of it: saving and running. */

import { ServerProblem } from "../api/client.js";
import { watchPointers } from "../canvas/gestures.js";
import { watchKeys } from "../canvas/keyboard.js";
import { WorkflowCanvas } from "../canvas/canvas.js";
import { checkedDocument, nodesOf } from "../model/document.js";
import { conflictNotice } from "./conflict.js";
import { button, element, iconButton, isField } from "./dom.js";
import { helpDialog } from "./help.js";
import { NodeInspector } from "./inspector.js";
import { actionOf } from "./keys.js";
import { NodePalette } from "./palette.js";
import { messageOf } from "./messages.js";
import { session } from "./session.js";
import { strings } from "./strings.js";

/** @typedef {import("./editor.js").Editor} Editor */

/** Milliseconds after a change until it is remembered. */
const draftDelay = 500;

export class Workbench {
  /**
   * @param {Editor} editor
   * @param {{leave: () => void, signedOut: (message: string) => void}} around
   */
  constructor(editor, { leave, signedOut }) {
    this.editor = editor;
    this.leave = leave;
    this.signedOut = signedOut;
    this.ending = new AbortController();
    /** @type {import("./running.js").Runner | undefined} once there is a run */
    this.runner = undefined;
    this.canvas = new WorkflowCanvas();
    this.canvas.editor = editor;
    this.palette = new NodePalette();
    this.palette.editor = editor;
    this.palette.canvas = this.canvas;
    this.inspector = new NodeInspector();
    this.inspector.editor = editor;
    this.status = element("p", { class: "status", attributes: { role: "status", "aria-live": "polite" } });
    this.notice = element("div", {
      class: "notice",
      attributes: { hidden: true, role: "region", "aria-label": strings.save.title },
    });
    this.former = element("div", { class: "former", attributes: { hidden: true, role: "status" } });
    /** @type {import("./runs_panel.js").RunsPanel | undefined} once somebody wanted it */
    this.runs = undefined;
    this.noticeFor = /** @type {unknown} */ (undefined);
    const words = strings.bar;
    this.parts = {
      undo: iconButton("undo", words.undo, () => editor.undo()),
      redo: iconButton("redo", words.redo, () => editor.redo()),
      save: button(words.save, () => this.saveNow()),
      run: button(words.run, () => this.act("run"), { class: "primary" }),
      cancel: button(words.cancel, () => this.running((runner) => runner.cancel()), { class: "danger" }),
      state: element("span", { class: "quiet save-state" }),
      progress: element("span", { class: "quiet run-progress" }),
    };
    /** @type {unknown[]} what the bar shows */
    this.barOf = [];
    this.bar = this.makeBar();
    this.element = element("div", {
      class: "workbench",
      children: [
        this.bar,
        this.notice,
        this.former,
        element("main", { class: "panes", children: [this.palette, this.canvas, this.inspector] }),
        element("footer", { children: [this.status] }),
      ],
    });
    this.draftTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    /** @type {unknown} */
    this.keptOf = editor.history;
    /** Somebody who presses twice means it once. */
    this.isAsking = false;
  }

  makeBar() {
    const { editor } = this;
    const words = strings.bar;
    const { undo, redo, save, run, cancel, state, progress } = this.parts;
    /** @param {"palette" | "inspector"} pane */
    const toggle = (pane) => this.element.classList.toggle(`shows-${pane}`);
    return element("header", {
      class: "bar",
      children: [
        iconButton("menu", strings.workflows.back, () => this.goBack()),
        element("h1", { class: "workflow-title", children: [element("bdi", { text: editor.name })] }),
        state,
        progress,
        element("div", {
          class: "bar-group",
          attributes: { role: "toolbar", "aria-label": words.label },
          children: [
            iconButton("palette", words.palette, () => toggle("palette"), { class: "narrow-only" }),
            iconButton("inspector", words.inspector, () => toggle("inspector"), { class: "narrow-only" }),
            undo,
            redo,
            iconButton("arrange", words.arrange, () => this.arrange()),
            iconButton("fit", words.fit, () => this.canvas.fit()),
            iconButton("runs", words.runs, () => this.act("runs")),
            iconButton("help", words.help, () => this.showHelp()),
            save,
            run,
            cancel,
          ],
        }),
      ],
    });
  }

  /** Begins to listen; the element has to be in the page. */
  start() {
    const { editor, canvas, ending } = this;
    const { signal } = ending;
    const stops = [
      editor.watch(() => this.update()),
      watchPointers(canvas, editor),
      watchKeys(canvas, editor, { showDetails: () => this.showDetails() }),
    ];
    signal.addEventListener("abort", () => stops.forEach((stop) => stop()));
    addEventListener("keydown", (event) => this.onKey(event), { signal });
    for (const kind of /** @type {const} */ (["copy", "cut", "paste"])) {
      document.addEventListener(kind, (event) => this.onClipboard(kind, event), { signal });
    }
    addEventListener("beforeunload", (event) => {
      this.keepDraft();
      if (editor.history.isDirty) event.preventDefault();
    }, { signal });
    this.element.addEventListener("act", (event) => {
      if (event instanceof CustomEvent) this.act(event.detail);
    }, { signal });
    canvas.addEventListener("wish", (event) => {
      if (event instanceof CustomEvent) this.askForNode(event.detail);
    }, { signal });
    this.update();
    const run = session.run(editor.name);
    if (run !== undefined) this.running((runner) => runner.follow(run));
  }

  stop() {
    this.keepDraft();
    this.ending.abort();
    this.runner?.stop();
    this.element.remove();
  }

  update() {
    const { editor } = this;
    const { history } = editor;
    this.canvas.update();
    this.inspector.update();
    if (this.runs?.element.isConnected) this.runs.update();
    this.updateBar();
    const text = editor.isConnected ? editor.message : strings.run.lost;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("is-error", editor.messageKind === "error" || !editor.isConnected);
    this.showConflict();
    if (this.keptOf !== history) {
      this.keptOf = history;
      clearTimeout(this.draftTimer);
      this.draftTimer = setTimeout(() => this.keepDraft(), draftDelay);
    }
  }

  updateBar() {
    const { history, isRunning, tag, name } = this.editor;
    const now = [history.undoLabel, history.redoLabel, history.isDirty, isRunning, tag];
    if (now.every((part, index) => part === this.barOf[index])) return;
    this.barOf = now;
    const { undo, redo, save, run, cancel, state } = this.parts;
    undo.disabled = history.undoLabel === undefined;
    redo.disabled = history.redoLabel === undefined;
    undo.title = history.undoLabel ? `${strings.bar.undo}: ${history.undoLabel}` : strings.bar.undo;
    redo.title = history.redoLabel ? `${strings.bar.redo}: ${history.redoLabel}` : strings.bar.redo;
    run.hidden = isRunning;
    cancel.hidden = !isRunning;
    save.disabled = !history.isDirty;
    state.textContent = history.isDirty ? (tag === null ? strings.bar.fresh : strings.bar.dirty) : strings.bar.saved;
    state.classList.toggle("is-dirty", history.isDirty);
    document.title = `${history.isDirty ? "• " : ""}${name} – ${strings.product}`;
  }

  keepDraft() {
    clearTimeout(this.draftTimer);
    const { history, name, tag } = this.editor;
    session.keepDraft(name, history.isDirty ? history.document : null, tag);
  }

  // Keys

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const isWriting = isField(event.target);
    const hasControl = event.ctrlKey || event.metaKey;
    if (isWriting && !hasControl && event.key !== "Escape") return;
    const action = actionOf(event, false);
    // A field has an undo of its own, for what was written last.
    if (action === undefined || (isWriting && (action === "undo" || action === "redo"))) return;
    if (!this.act(action)) return;
    event.preventDefault();
  }

  /**
   * @param {string} action
   * @returns {boolean} whether there is such a one
   */
  act(action) {
    const { editor, canvas } = this;
    switch (action) {
      case "search":
        if (editor.pending) this.askForNode({ end: editor.pending, place: canvas.freePlace() });
        else {
          this.element.classList.add("shows-palette");
          this.palette.focusSearch();
        }
        return true;
      case "help":
        this.showHelp();
        return true;
      case "save":
        this.saveNow();
        return true;
      case "run":
        this.running((runner) => runner.start());
        return true;
      case "runTo":
        this.running((runner) => runner.startTo());
        return true;
      case "runFrom":
        this.running((runner) => runner.startFrom());
        return true;
      case "runs":
        this.running((runner) => this.toggleRuns(runner));
        return true;
      case "nextProblem":
        this.goToTrouble(1);
        return true;
      case "lastProblem":
        this.goToTrouble(-1);
        return true;
      case "undo":
        editor.undo();
        return true;
      case "redo":
        editor.redo();
        return true;
      case "fit":
        canvas.fit();
        return true;
      case "arrange":
        this.arrange();
        return true;
      case "zoomIn":
        canvas.zoomBy(1.25);
        return true;
      case "zoomOut":
        canvas.zoomBy(0.8);
        return true;
      case "canvas":
        this.goToCanvas();
        return true;
      case "escape":
        this.escape();
        return true;
      default:
        return false;
    }
  }

  /** @param {import("./palette.js").Wish} wish */
  askForNode(wish) {
    this.element.classList.add("shows-palette");
    this.palette.ask(wish);
  }

  goToCanvas() {
    const [name] = this.editor.selection;
    const target = name ?? this.canvas.focusName;
    if (target) this.canvas.focusNode(target);
    else this.canvas.focus();
  }

  escape() {
    const { editor } = this;
    const panes = [this.palette, this.inspector, this.runs?.element];
    const inPane = panes.some((pane) => pane?.contains(document.activeElement));
    this.palette.endWish();
    if (editor.pending) {
      editor.setPending(undefined);
      editor.say(strings.canvas.ended);
      if (inPane) this.goToCanvas();
    } else if (inPane) this.goToCanvas();
    else editor.select([]);
    this.element.classList.remove("shows-palette", "shows-inspector");
  }

  arrange() {
    this.editor.arrange();
    if (this.editor.selection.size < 2) this.canvas.fit();
  }

  showDetails() {
    this.element.classList.add("shows-inspector");
    this.inspector.focusFirst();
  }

  showHelp() {
    const dialog = helpDialog();
    this.element.append(dialog);
    dialog.showModal();
  }

  /**
   * @param {"copy" | "cut" | "paste"} kind
   * @param {ClipboardEvent} event
   */
  onClipboard(kind, event) {
    if (isField(event.target) || !event.clipboardData || !String(getSelection() ?? "").match(/^\s*$/)) return;
    const { editor, canvas } = this;
    event.preventDefault();
    if (kind === "paste") {
      try {
        editor.paste(event.clipboardData.getData("text/plain"), canvas.freePlace());
      } catch (error) {
        editor.say(messageOf(error), "error");
      }
      return;
    }
    const text = editor.copy();
    if (text === "") return;
    event.clipboardData.setData("text/plain", text);
    if (kind === "cut") editor.removeSelected();
  }

  // Saving

  async saveNow() {
    const { editor } = this;
    const { document, isDirty } = editor.history;
    if (!isDirty || this.isAsking) return;
    if (nodesOf(document).size === 0) return editor.say(strings.save.empty, "error");
    this.isAsking = true;
    try {
      editor.tag = await editor.client.save(editor.name, document, editor.tag);
      editor.history = editor.history.markSaved(document);
      editor.conflict = undefined;
      editor.say(strings.save.done(editor.name));
    } catch (error) {
      if (error instanceof ServerProblem && error.status === 412) await this.findConflict(error);
      else this.fail(error);
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {ServerProblem} refusal */
  async findConflict(refusal) {
    const { editor } = this;
    try {
      const { document, tag, author } = await editor.client.workflow(editor.name);
      editor.conflict = { document: checkedDocument(document), tag, author };
      editor.say(strings.save.conflict(author), "error");
    } catch (error) {
      if (error instanceof ServerProblem && error.status === 404) editor.tag = null;
      this.fail(refusal);
    }
  }

  showConflict() {
    const { conflict } = this.editor;
    this.notice.hidden = !conflict;
    if (!conflict || this.noticeFor === conflict) return;
    this.noticeFor = conflict;
    this.notice.replaceChildren(...conflictNotice(this.editor, conflict, () => this.saveNow()));
  }

  // Running

  /** @param {(runner: import("./running.js").Runner) => unknown} act with what runs, which is loaded when it is wanted */
  async running(act) {
    try {
      const { Runner } = await import("./running.js");
      if (this.ending.signal.aborted) return;
      this.runner ??= new Runner(this.editor, {
        fail: (error) => this.fail(error),
        progress: this.parts.progress,
        former: this.former,
      });
      await act(this.runner);
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param {import("./running.js").Runner} runner */
  async toggleRuns(runner) {
    const { toggleRuns } = await import("./runs_panel.js");
    toggleRuns(this, runner);
  }

  /** @param {1 | -1} step */
  async goToTrouble(step) {
    const { goToTrouble } = await import("./troubles.js");
    goToTrouble(this.editor, this.canvas, this.inspector, step);
  }

  /** @param {unknown} error */
  fail(error) {
    if (error instanceof ServerProblem && error.status === 401) {
      this.keepDraft();
      this.signedOut(strings.signIn.refused);
    } else this.editor.say(messageOf(error), "error");
  }

  goBack() {
    this.keepDraft();
    if (this.editor.history.isDirty && !confirm(strings.workflows.leaveQuestion)) return;
    this.leave();
  }
}
