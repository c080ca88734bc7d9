/** A workflow that is worked on: palette, canvas, details, and what is done with all of it: saving and running. */

import { allows, ServerProblem } from "../api/client.js";
import { watchPointers } from "../canvas/gestures.js";
import { actOn, watchKeys } from "../canvas/keyboard.js";
import { WorkflowCanvas } from "../canvas/canvas.js";
import { showsFields } from "../model/shapes.js";
import { Bar } from "./bar.js";
import { element, isField } from "./dom.js";
import { NodeInspector } from "./inspector.js";
import { actionOf } from "./keys.js";
import { NodePalette } from "./palette.js";
import { messageOf } from "./messages.js";
import { session } from "./session.js";
import { strings } from "./strings/strings.js";
import { addStyles } from "./styles.js";
import { watchTransfers } from "./transfers.js";

/** @typedef {import("./editor.js").Editor} Editor */

/** Milliseconds after a change until it is remembered. */
const draftDelay = 500;

export class Workbench {
  /**
   * @param {Editor} editor
   * @param {{signOut: () => void, signedOut: (message: string) => void}} around
   */
  constructor(editor, { signOut, signedOut }) {
    this.editor = editor;
    this.signOut = signOut;
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
    /** Changes of which a part has to be loaded: they come before what is asked for after them. @type {Promise<unknown>} */
    this.changing = Promise.resolve();
    /** @type {import("../canvas/keyboard.js").Around} */
    this.around = { showDetails: (field) => this.showDetails(field), showMenu: () => this.showMenu() };
    this.actions = this.makeActions();
    this.bar = new Bar(this);
    this.panes = element("main", { class: "panes", children: [this.palette, this.canvas, this.inspector] });
    /** @type {import("./text_view.js").TextView | undefined} */
    this.textView = undefined;
    this.element = element("div", {
      class: "workbench",
      children: [
        this.bar.element,
        this.notice,
        this.former,
        this.panes,
        element("footer", { children: [this.status] }),
      ],
    });
    this.draftTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
    /** @type {unknown} */
    this.keptOf = editor.history;
    /** It was said that the browser remembers nothing. */
    this.hasWarned = false;
    /** Somebody who presses twice means it once. */
    this.isAsking = false;
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
    watchTransfers(this, signal);
    addEventListener("beforeunload", (event) => {
      this.keepDraft();
      this.textView?.keep();
      if (editor.history.isDirty || this.textView?.isDirty) event.preventDefault();
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
    // What lay over the canvas has done its work.
    canvas.addEventListener("focusin", () => this.element.classList.remove("shows-palette"), { signal });
    this.element.addEventListener("act", (event) => {
      if (event instanceof CustomEvent) this.act(event.detail);
    }, { signal });
    canvas.addEventListener("details", (event) => {
      if (!(event instanceof CustomEvent)) return;
      editor.select([event.detail.name]);
      this.showDetails(`parameter-${event.detail.parameter}`);
    }, { signal });
    canvas.addEventListener("wish", (event) => {
      if (event instanceof CustomEvent) this.askForNode(event.detail);
    }, { signal });
    this.update();
    // Where it can't be known, the server refuses what isn't allowed.
    editor.client.me().then(({ scope }) => editor.allow(scope)).catch(() => undefined);
    requestIdleCallback(() => canvas.withMinimap(), { timeout: 2000 });
    const run = session.run(editor.name);
    if (run !== undefined) this.running((runner) => runner.follow(run));
  }

  /** @param {boolean} [keeps] what isn't saved; false: nothing of it stays */
  stop(keeps = true) {
    if (keeps) this.keepDraft();
    clearTimeout(this.draftTimer);
    this.ending.abort();
    if (!keeps) this.textView?.forget();
    else this.textView?.stop().then(() => this.keepDraft());
    this.runner?.stop();
    this.element.remove();
  }

  update() {
    const { editor } = this;
    const { history } = editor;
    this.canvas.update();
    this.inspector.update();
    if (this.runs?.element.isConnected) this.runs.update();
    this.bar.update();
    const text = editor.isConnected ? editor.message : strings.run.lost;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.classList.toggle("is-error", editor.messageKind === "error" || !editor.isConnected);
    this.showConflict();
    if (this.keptOf !== history) {
      this.keptOf = history;
      clearTimeout(this.draftTimer);
      this.draftTimer = setTimeout(() => {
        if (this.keepDraft() || this.hasWarned) return;
        this.hasWarned = true;
        editor.say(strings.save.notKept, "error");
      }, draftDelay);
    }
  }

  /** @returns {boolean} whether what isn't saved is kept, or everything is saved */
  keepDraft() {
    clearTimeout(this.draftTimer);
    const { history, name, tag } = this.editor;
    return session.keepDraft(name, history.isDirty ? history.document : null, tag);
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
    const act = this.actions.get(action);
    act?.();
    return act !== undefined;
  }

  /** @returns {Map<string, () => unknown>} what is done for each action of keys, buttons and menus */
  makeActions() {
    const { editor, canvas } = this;
    return new Map(Object.entries({
      search: () => this.search(),
      pages: () => this.show("pages"),
      help: () => this.show("help"),
      text: () => this.show("text"),
      exchange: () => this.show("exchange"),
      save: () => this.saveNow(),
      run: () => this.running(async (runner) => await this.isSettled() && runner.start()),
      runTo: () => this.running(async (runner) => await this.isSettled() && runner.startTo()),
      runFrom: () => this.running(async (runner) => await this.isSettled() && runner.startFrom()),
      cancel: () => editor.isRunning && this.running((runner) => runner.cancel()),
      runs: () => this.running((runner) => this.toggleRuns(runner)),
      nextProblem: () => this.goToTrouble(1),
      lastProblem: () => this.goToTrouble(-1),
      undo: () => editor.undo(),
      redo: () => editor.redo(),
      fit: () => canvas.fit(),
      duplicate: () => actOn(canvas, editor, this.around, "duplicate", undefined),
      arrange: () => this.changing = this.arrange(),
      zoomIn: () => canvas.zoomBy(1.25),
      zoomOut: () => canvas.zoomBy(0.8),
      showFields: () => this.toggleFields(),
      minimap: () => canvas.withMinimap(true),
      canvas: () => this.goToCanvas(),
      escape: () => this.escape(),
    }));
  }

  /** A node type; where a line has begun, one that fits it. */
  search() {
    const { editor, canvas } = this;
    if (editor.pending) return this.askForNode({ end: editor.pending, place: canvas.freePlace() });
    this.element.classList.add("shows-palette");
    this.palette.focusSearch();
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

  async arrange() {
    const { arrange } = await import("./placing.js");
    await arrange(this.editor);
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
    const [{ openCanvasMenu }] = await Promise.all([import("../canvas/menus.js"), addStyles("parts")]);
    openCanvasMenu(canvas, editor, at, (action) => {
      const name = canvas.nodeAt(document.activeElement) ?? [...editor.selection][0];
      const drawing = editor.selectedDrawing;
      if (drawing !== undefined && canvas.drawings?.act(drawing, action, undefined, false)) return;
      if (!actOn(canvas, editor, this.around, action, name)) this.act(action);
    });
  }

  /** Fields on all nodes, or what was given alone. */
  async toggleFields() {
    const { showFields } = await import("../model/node_commands.js");
    this.editor.perform(showFields(!showsFields(this.editor.document)));
  }

  /** @param {string} [field] its id; otherwise the first one */
  showDetails(field) {
    this.element.classList.add("shows-inspector");
    this.inspector.update();
    this.inspector.focusField(field);
  }

  /**
   * What is loaded when it is wanted.
   * @param {"pages" | "help" | "text" | "exchange"} what
   */
  async show(what) {
    try {
      const { show } = await import("./around.js");
      await show[what](this);
    } catch (error) {
      this.fail(error);
    }
  }

  // Saving

  /** @returns {Promise<boolean>} whether what is written as text is on the canvas, which is said where it isn't */
  async isSettled() {
    await this.changing.catch(() => undefined);
    if (!this.textView || await this.textView.settle()) return true;
    this.editor.say(strings.save.textFirst, "error");
    return false;
  }

  async saveNow() {
    const { editor } = this;
    if (this.isAsking || !await this.isSettled() || this.isAsking || !editor.history.isDirty) return;
    if (!allows(editor.scope, "author")) return editor.say(strings.bar.takes("author"), "error");
    this.isAsking = true;
    editor.say(strings.save.saving);
    // At once: what was said of the version before isn't true of this one.
    this.status.textContent = editor.message;
    try {
      const { document } = editor;
      const { save } = await import("./saving.js");
      await save(editor, document);
    } catch (error) {
      this.fail(error);
    } finally {
      this.isAsking = false;
    }
  }

  async showConflict() {
    const { conflict } = this.editor;
    this.notice.hidden = !conflict;
    if (!conflict || this.noticeFor === conflict) return;
    this.noticeFor = conflict;
    const { conflictNotice } = await import("./conflict.js");
    if (this.editor.conflict !== conflict) return;
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
        progress: this.bar.progress,
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
      // Where nothing can be remembered, what isn't saved would be lost on the way.
      if (this.keepDraft() || confirm(strings.workflows.leaveQuestion)) return this.signedOut(strings.signIn.refused);
      this.editor.say(strings.signIn.refused, "error");
    } else this.editor.say(messageOf(error), "error");
  }
}
