/** Runs of the workflow that is worked on: begun, watched, cancelled. Loaded with the first of them. */

import { allows, readDiagnostics, ServerProblem } from "../api/client.js";
import { followRun } from "../api/follow.js";
import { askWaiting, listRuns, rerun, runDetail } from "../api/runs.js";
import { nodesOf, workflowName } from "../model/document.js";
import { documentTo, hasResultsBefore } from "../model/partial.js";
import { withPorts } from "../model/problems.js";
import { emptyRun, isEnded } from "../model/run.js";
import { withReasons } from "../model/run_events.js";
import { durationText, secondsText } from "../model/text.js";
import { button, element } from "./dom.js";
import { runStrings, whenText } from "./strings/run_strings.js";
import { session } from "./session.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Editor} Editor */

const words = runStrings;
/** Milliseconds between two looks at what isn't told by events: the time, and what queued nodes wait for. */
const tick = 1000;

export class Runner {
  /**
   * @param {Editor} editor
   * @param {{fail: (error: unknown) => void, progress: HTMLElement, former: HTMLElement}} around `progress` says how far the run is,
   *   `former` that it isn't the latest
   */
  constructor(editor, { fail, progress, former }) {
    this.editor = editor;
    this.fail = fail;
    this.progress = progress;
    this.former = former;
    /** What is said of a run that isn't the latest; empty: it is. */
    this.formerText = "";
    /** @type {unknown} what `former` was made of */
    this.formerOf = undefined;
    editor.watch(() => this.showFormer());
    /** @type {AbortController | undefined} of the run that is watched */
    this.following = undefined;
    /** Somebody who presses twice means it once. */
    this.isAsking = false;
    /** Nodes of the run that is watched. */
    this.count = 0;
    /** @type {ReadonlyMap<string, string>} by the run's names: what queued nodes wait for */
    this.reasons = new Map();
    /** Looks in a row that found something queued. */
    this.queuedTicks = 0;
    this.wasAsked = false;
  }

  /** What is on the canvas, saved or not. */
  start() {
    return this.begin(this.editor.document, (document) => this.editor.client.start(document, this.editor.runInputs));
  }

  /** The selected nodes, and all that they wait for. */
  startTo() {
    const { editor } = this;
    if (editor.selection.size === 0) return editor.say(words.selectSome, "error");
    const document = documentTo(editor.document, editor.selection);
    return this.begin(document, () => editor.client.start(document, editor.runInputs));
  }

  /** The selected node, and all that follows from it, with the results of the run that is shown. */
  startFrom() {
    const { editor } = this;
    const [name] = editor.selection;
    const run = editor.runId;
    if (name === undefined || editor.selection.size > 1) return editor.say(words.selectOne, "error");
    if (run === undefined) return editor.say(words.noRun, "error");
    if (editor.isRunning) return editor.say(words.stillRuns, "error");
    if (!hasResultsBefore(editor.document, name, (other) => editor.nodeStates.get(other)?.state)) {
      return editor.say(words.noResults(name), "error");
    }
    return this.begin(editor.document, (document) => rerun(editor.client, run, { from: name, document }));
  }

  /**
   * @param {import("../model/document.js").WorkflowDocument} document
   * @param {(document: import("../model/document.js").WorkflowDocument) => Promise<string>} ask
   * @param {boolean} [isOther] what is run is another one, which the server knows
   */
  async begin(document, ask, isOther = false) {
    const { editor } = this;
    if (this.isAsking) return;
    if (editor.isRunning) return editor.say(words.isRunning, "error");
    if (!allows(editor.scope, "runner")) return editor.say(strings.bar.takes("runner"), "error");
    this.isAsking = true;
    editor.problems = [];
    try {
      const run = await ask(document);
      editor.say(strings.run.started);
      session.keepRun(editor.name, run);
      this.follow(run, isOther ? undefined : document);
    } catch (error) {
      if (error instanceof ServerProblem && error.diagnostics.length > 0) {
        editor.problems = withPorts(error.diagnostics, document, editor.catalog);
        const named = error.diagnostics.find(({ node }) => node && nodesOf(editor.document).has(node));
        editor.select(named ? [named.node] : []);
        editor.say(strings.run.problems(error.diagnostics.length), "error");
      } else this.fail(error);
    } finally {
      this.isAsking = false;
    }
  }

  /**
   * A run of before.
   * @param {string} run
   */
  open(run) {
    session.keepRun(this.editor.name, run);
    return this.follow(run);
  }

  /**
   * All of a run once more, with the workflow and the inputs that it had.
   * @param {string} run
   */
  again(run) {
    return this.begin(this.editor.document, () => rerun(this.editor.client, run, {}), true);
  }

  /** The run that is shown is gone. */
  forget() {
    const { editor } = this;
    this.stop();
    session.keepRun(editor.name, null);
    [editor.runId, editor.run, editor.runDocument] = [undefined, emptyRun, undefined];
    editor.changed();
  }

  /**
   * @param {string} run
   * @param {import("../model/document.js").WorkflowDocument} [document] what it was begun with; without one the server is asked
   */
  async follow(run, document = undefined) {
    const { editor } = this;
    this.stop();
    const following = new AbortController();
    this.following = following;
    this.count = nodesOf(document ?? editor.document).size;
    [editor.runId, editor.run, editor.runDocument] = [run, emptyRun, document];
    editor.changed();
    if (!document) this.learn(run, following.signal);
    const timer = setInterval(() => this.look(run, following.signal), tick);
    following.signal.addEventListener("abort", () => clearInterval(timer));
    try {
      const state = await followRun(editor.client, run, {
        onChange: (changed) => {
          editor.run = withReasons(changed, this.reasons);
          this.showProgress();
          editor.changed();
        },
        onConnection: (isConnected) => {
          if (editor.isConnected !== isConnected) editor.changed();
          editor.isConnected = isConnected;
        },
        signal: following.signal,
      });
      clearInterval(timer);
      if (following.signal.aborted || state.outcome === undefined) return;
      editor.say(strings.run.outcome(state.outcome), state.outcome === "succeeded" ? "info" : "error");
      // The run itself is told of all the same where they can't be asked for.
      if (state.outcome !== "succeeded") await this.findProblems(run, following.signal).catch(() => undefined);
    } catch (error) {
      clearInterval(timer);
      if (following.signal.aborted) return;
      // It has answered, whatever it said.
      editor.isConnected = true;
      if (error instanceof ServerProblem && error.status === 404) {
        // A run of which nobody knows any more.
        this.forget();
        editor.say(words.gone, "error");
      } else {
        // After another sign-in it is shown again.
        if (!(error instanceof ServerProblem && error.status === 401)) session.keepRun(editor.name, null);
        editor.runId = undefined;
        this.fail(error);
      }
    }
  }

  /**
   * What it was begun with, and whether it is the latest.
   * @param {string} run
   * @param {AbortSignal} signal
   */
  async learn(run, signal) {
    const { editor } = this;
    try {
      const [detail, { runs }] = await Promise.all([
        runDetail(editor.client, run),
        listRuns(editor.client, workflowName(editor.document), { limit: 1 }),
      ]);
      if (signal.aborted) return;
      editor.runDocument = detail.document;
      this.count = detail.document ? nodesOf(detail.document).size : detail.count;
      const state = words.panel.states[detail.state] ?? detail.state;
      this.latest = runs[0]?.run ?? run;
      this.formerText = this.latest === run ? "" : words.former(whenText(detail.created), detail.submitter, state);
      this.showProgress();
      editor.changed();
    } catch {
      // The run itself is told of all the same.
    }
  }

  /**
   * A run that could not be carried out has problems in the place of a node that failed.
   * @param {string} run
   * @param {AbortSignal} signal
   */
  async findProblems(run, signal) {
    const { editor } = this;
    const problems = readDiagnostics((await runDetail(editor.client, run)).problems);
    if (signal.aborted || problems.length === 0) return;
    editor.problems = problems;
    editor.changed();
  }

  /** Says that a run is shown that isn't the latest, and what has changed since. */
  showFormer() {
    const count = this.editor.changedSince.size;
    const formerOf = this.formerText && `${this.formerText} ${count}`;
    if (formerOf === this.formerOf) return;
    this.formerOf = formerOf;
    this.former.hidden = formerOf === "";
    this.former.replaceChildren(
      element("span", { text: count > 0 ? `${this.formerText} ${words.changedSince(count)}` : this.formerText }),
      button(words.latest, () => this.latest && this.open(this.latest)),
    );
  }

  stop() {
    this.following?.abort();
    this.formerText = "";
    this.reasons = new Map();
    this.queuedTicks = 0;
    this.wasAsked = false;
    this.progress.textContent = "";
  }

  /**
   * Each second of a run: the time, and every other one what nodes wait for that are still queued.
   * @param {string} run
   * @param {AbortSignal} signal
   */
  async look(run, signal) {
    const { editor } = this;
    this.showProgress();
    editor.now = editor.client.now();
    editor.changed();
    const isQueued = [...editor.run.nodes.values()].some(({ state }) => state === "queued");
    this.queuedTicks = isQueued ? this.queuedTicks + 1 : 0;
    // Who has come late wasn't told what is queued: it is asked once.
    const isWanted = this.wasAsked ? this.queuedTicks > 0 && this.queuedTicks % 2 === 0 : true;
    if (!isWanted || editor.run.outcome !== undefined) return;
    this.wasAsked = true;
    try {
      const reasons = await askWaiting(editor.client, run);
      if (signal.aborted) return;
      this.reasons = reasons;
      editor.run = withReasons(editor.run, reasons);
      editor.changed();
    } catch {
      // It is asked again.
    }
  }

  showProgress() {
    const { editor } = this;
    const { run, nodeStates } = editor;
    if (run.began === undefined) return;
    const done = [...nodeStates.values()].filter(({ state }) => isEnded(state)).length;
    const time = run.ended === undefined
      ? secondsText(editor.client.now() - run.began)
      : durationText(run.ended - run.began);
    const text = words.progress(done, Math.max(done, this.count), time);
    if (this.progress.textContent !== text) this.progress.textContent = text;
    this.progress.style.setProperty("--done", String(done / Math.max(1, done, this.count)));
    this.progress.dataset.outcome = run.outcome ?? "";
  }

  async cancel() {
    const { editor } = this;
    if (editor.runId === undefined) return;
    try {
      await editor.client.cancel(editor.runId);
    } catch (error) {
      this.fail(error);
    }
  }
}
