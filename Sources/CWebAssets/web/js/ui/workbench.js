/** A workflow that is worked on: palette, canvas, details, and what is done with all of it: saving and running. */

import { ServerProblem } from "../api/client.js";
import { watchPointers } from "../canvas/gestures.js";
import { actOn, watchKeys } from "../canvas/keyboard.js";
import { WorkflowCanvas } from "../canvas/canvas.js";
import { showFields } from "../model/commands.js";
import { checkedDocument, nodesOf } from "../model/document.js";
import { emptyRun } from "../model/run.js";
import { showsFields } from "../model/shapes.js";
import { button, element, iconButton, isField, partStyles } from "./dom.js";
import { NodeInspector } from "./inspector.js";
import { actionOf } from "./keys.js";
import { NodePalette } from "./palette.js";
import { messageOf } from "./screens.js";
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
    /** @type {AbortController | undefined} of the run that is watched */
    this.following = undefined;
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
    this.noticeFor = /** @type {unknown} */ (undefined);
    const words = strings.bar;
    /** @type {import("../canvas/keyboard.js").Around} */
    this.around = { showDetails: (field) => this.showDetails(field), showMenu: () => this.showMenu() };
    this.parts = {
      undo: iconButton("undo", words.undo, () => editor.undo()),
      redo: iconButton("redo", words.redo, () => editor.redo()),
      save: button(words.save, () => this.saveNow()),
      run: button(words.run, () => this.runNow(), { class: "primary" }),
      cancel: button(words.cancel, () => this.cancelRun(), { class: "danger" }),
      state: element("span", { class: "quiet save-state" }),
    };
    /** @type {unknown[]} what the bar shows */
    this.barOf = [];
    this.bar = this.makeBar();
    this.element = element("div", {
      class: "workbench",
      children: [
        this.bar,
        this.notice,
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
    const { undo, redo, save, run, cancel, state } = this.parts;
    /** @param {"palette" | "inspector"} pane */
    const toggle = (pane) => this.element.classList.toggle(`shows-${pane}`);
    return element("header", {
      class: "bar",
      children: [
        iconButton("menu", strings.workflows.back, () => this.goBack()),
        element("h1", { class: "workflow-title", children: [element("bdi", { text: editor.name })] }),
        state,
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
      watchPointers(canvas, editor, { open: (point) => this.openAt(point), menu: (point) => this.showMenu(point) }),
      watchKeys(canvas, editor, this.around),
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
    canvas.addEventListener("contextmenu", (event) => {
      if (isField(event.target)) return;
      event.preventDefault();
      // A finger's long press is told by the gestures, where browsers differ.
      if (!(event instanceof PointerEvent && event.pointerType === "touch")) this.showMenu(canvas.pointOf(event));
    }, { signal });
    // Who begins to do something will look at details.
    for (const kind of ["keydown", "pointerdown"]) {
      addEventListener(kind, () => this.inspector.load(), { signal, once: true, capture: true });
    }
    canvas.addEventListener("details", (event) => {
      if (!(event instanceof CustomEvent)) return;
      editor.select([event.detail.name]);
      this.showDetails(`parameter-${event.detail.parameter}`);
    }, { signal });
    canvas.addEventListener("wish", (event) => {
      if (event instanceof CustomEvent) this.askForNode(event.detail);
    }, { signal });
    this.update();
    requestIdleCallback(() => canvas.withMinimap(), { timeout: 2000 });
    const run = session.run(editor.name);
    if (run !== undefined) this.follow(run);
  }

  stop() {
    this.keepDraft();
    this.ending.abort();
    this.following?.abort();
    this.element.remove();
  }

  update() {
    const { editor } = this;
    const { history } = editor;
    this.canvas.update();
    this.inspector.update();
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
        if (!editor.isRunning) this.runNow();
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
      case "showFields":
        editor.perform(showFields(!showsFields(editor.document)));
        return true;
      case "minimap":
        canvas.withMinimap(true);
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
    const inPane = this.palette.contains(document.activeElement) || this.inspector.contains(document.activeElement);
    this.palette.endWish();
    if (editor.pending) {
      editor.setPending(undefined);
      editor.say(strings.canvas.ended);
      if (inPane) this.goToCanvas();
    } else if (inPane) this.goToCanvas();
    else editor.select([]);
    this.element.classList.remove("shows-palette", "shows-inspector");
  }

  async arrange() {
    await this.editor.arrange();
    if (this.editor.selection.size < 2) this.canvas.fit();
  }

  /**
   * What a double click does, or a long press where there is no menu.
   * @param {import("../model/document.js").Place} point of the canvas' element
   */
  openAt(point) {
    const { canvas, editor } = this;
    const target = canvas.elementAt(point);
    const name = canvas.nodeAt(target) ?? canvas.placeholderAt(point);
    const drawing = canvas.drawingAt(target)?.key;
    const edge = canvas.edgeAt(target);
    if (drawing !== undefined) canvas.drawings?.edit(drawing);
    else if (name !== undefined) actOn(canvas, editor, this.around, "details", name);
    else if (edge === undefined) this.act("search");
    else {
      const index = target?.getAttribute("data-point") ?? null;
      canvas.withPoints((points) => {
        if (index === null) points.add(edge, canvas.toPlace(point));
        else points.remove(edge, Number(index));
      });
    }
  }

  /** @param {import("../model/document.js").Place} [at] of the canvas' element; otherwise it is about what is focused */
  async showMenu(at) {
    const { canvas, editor } = this;
    const focused = canvas.contains(document.activeElement) && document.activeElement || canvas;
    const { left, top, width } = focused.getBoundingClientRect();
    const point = at ?? canvas.pointOf({ clientX: left + width / 2, clientY: top + 24 });
    const target = at ? canvas.elementAt(point) : focused;
    const [{ openCanvasMenu }] = await Promise.all([import("../canvas/menus.js"), partStyles()]);
    openCanvasMenu(canvas, editor, { target, point }, (action) => {
      const name = canvas.nodeAt(document.activeElement) ?? [...editor.selection][0];
      const drawing = editor.selectedDrawing;
      if (drawing !== undefined && canvas.drawings?.act(drawing, action, undefined, false)) return;
      if (!actOn(canvas, editor, this.around, action, name)) this.act(action);
    });
  }

  /** @param {string} [field] its id; otherwise the first one */
  showDetails(field) {
    this.element.classList.add("shows-inspector");
    this.inspector.update();
    this.inspector.focusField(field);
  }

  async showHelp() {
    const { helpDialog } = await import("./help.js");
    if (this.element.querySelector("dialog")) return;
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

  async showConflict() {
    const { conflict } = this.editor;
    this.notice.hidden = !conflict;
    if (!conflict || this.noticeFor === conflict) return;
    this.noticeFor = conflict;
    const { conflictNotice } = await import("./conflict.js");
    if (this.noticeFor === conflict) {
      this.notice.replaceChildren(...conflictNotice(this.editor, conflict, () => this.saveNow()));
    }
  }

  // Running

  async runNow() {
    const { editor } = this;
    if (this.isAsking) return;
    this.isAsking = true;
    editor.problems = [];
    try {
      const run = await editor.client.start(editor.document, editor.runInputs);
      editor.say(strings.run.started);
      session.keepRun(editor.name, run);
      this.follow(run);
    } catch (error) {
      if (error instanceof ServerProblem && error.diagnostics.length > 0) {
        editor.problems = error.diagnostics;
        const named = error.diagnostics.find(({ node }) => node && nodesOf(editor.document).has(node));
        editor.select(named ? [named.node] : []);
        editor.say(strings.run.problems(error.diagnostics.length), "error");
      } else this.fail(error);
    } finally {
      this.isAsking = false;
    }
  }

  /** @param {string} run */
  async follow(run) {
    const { editor } = this;
    this.following?.abort();
    const following = new AbortController();
    this.following = following;
    editor.runId = run;
    editor.run = emptyRun;
    editor.changed();
    try {
      const { followRun } = await import("../api/follow.js");
      const state = await followRun(editor.client, run, {
        onChange: (changed) => {
          editor.run = changed;
          editor.changed();
        },
        onConnection: (isConnected) => {
          if (editor.isConnected !== isConnected) editor.changed();
          editor.isConnected = isConnected;
        },
        signal: following.signal,
      });
      if (following.signal.aborted || state.outcome === undefined) return;
      editor.say(strings.run.outcome(state.outcome), state.outcome === "succeeded" ? "info" : "error");
    } catch (error) {
      if (following.signal.aborted) return;
      // A run of which nobody knows any more.
      session.keepRun(editor.name, null);
      editor.runId = undefined;
      if (error instanceof ServerProblem && error.status === 404) editor.changed();
      else this.fail(error);
    }
  }

  async cancelRun() {
    const { editor } = this;
    if (editor.runId === undefined) return;
    try {
      await editor.client.cancel(editor.runId);
    } catch (error) {
      this.fail(error);
    }
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
