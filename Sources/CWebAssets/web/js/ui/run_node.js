/** How the run went for one node: where it stands, its error, what it returned and what it said. */

import { documentNode, failureText } from "../model/run.js";
import { durationText } from "../model/text.js";
import { button, element } from "./dom.js";
import { LogView } from "./log_view.js";
import { messageOf } from "./messages.js";
import { runStrings } from "./strings/run_strings.js";
import { partStrings } from "./strings/part_strings.js";
import { strings } from "./strings/strings.js";
import { addStyles } from "./styles.js";
import { nodeValues } from "./values.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/run.js").RunError} RunError */

const words = partStrings.inspector;

/** Of one node, listed. */
const mostInstances = 50;

await addStyles("runs");

export class NodeRun {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.facts = element("p", { class: "run-facts" });
    this.error = element("div", { class: "run-problem" });
    this.denials = element("div", { class: "run-denials" });
    this.traceback = element("div", { class: "run-problem" });
    this.values = element("div", { class: "run-values" });
    this.log = element("div", { class: "run-log" });
    this.instances = element("ul", { class: "run-instances", attributes: { "aria-label": runStrings.instances } });
    this.instancesOf = "";
    const parts = [this.facts, this.instances, this.error, this.denials, this.traceback, this.values, this.log];
    this.element = element("details", {
      class: "run-section",
      attributes: { open: true },
      children: [element("summary", { text: words.runState }), ...parts],
    });
    /** What each part was made of. */
    this.errorOf = /** @type {unknown} */ (undefined);
    this.denialsOf = "";
    this.valuesOf = "";
    this.logOf = "";
    /** @type {LogView | undefined} */
    this.logView = undefined;
  }

  /** @param {string} name of a node of the document */
  show(name) {
    const state = this.editor.nodeStates.get(name);
    this.element.hidden = !state;
    if (!state) return;
    const facts = [
      strings.run.state[state.state] ?? state.state,
      state.cached ? strings.run.cached : "",
      state.duration !== undefined ? durationText(state.duration) : "",
      state.attempt > 1 ? strings.run.attempt(state.attempt) : "",
      state.count > 1 ? strings.run.instances(state.doneCount, state.count) : "",
      state.reason,
      state.message,
    ].filter(Boolean);
    const text = facts.join(" · ");
    if (this.facts.textContent !== text) this.facts.textContent = text;
    this.facts.className = `run-facts is-${state.state}`;
    if (this.errorOf !== state.error) {
      this.errorOf = state.error;
      const { error } = state;
      this.error.replaceChildren(...(error ? errorParts(error) : []));
      this.traceback.replaceChildren(...(error?.traceback ? [opened(words.traceback, error.traceback)] : []));
    }
    this.showDenials(name, state.state === "failed" && this.editor.run.outcome !== undefined);
    this.showInstances(name, state.count);
    // Of many instances: once all of them have ended.
    this.showValues(name, state.doneCount === state.count && (state.state === "succeeded" || state.count > 1));
    this.showLog(name);
  }

  /**
   * Those of a node that runs several times, each with how it went.
   * @param {string} name
   * @param {number} count
   */
  showInstances(name, count) {
    this.instances.hidden = count < 2;
    if (count < 2) return;
    const own = [...this.editor.run.nodes].filter(([other]) => other !== name && documentNode(other) === name);
    const texts = own.slice(0, mostInstances).map(([other, { state, duration, error, cached }]) =>
      [
        other,
        cached ? strings.run.cached : strings.run.state[state] ?? state,
        duration === undefined ? "" : durationText(duration),
        failureText(error),
      ].filter(Boolean).join(" · ")
    );
    if (own.length > mostInstances) texts.push(runStrings.furtherInstances(own.length - mostInstances));
    const now = texts.join("\n");
    if (now === this.instancesOf) return;
    this.instancesOf = now;
    this.instances.replaceChildren(...texts.map((text) => element("li", { children: [element("bdi", { text })] })));
  }

  /**
   * @param {string} name
   * @param {boolean} isKnown what was refused is told once the run has ended
   */
  async showDenials(name, isKnown) {
    const denialsOf = isKnown ? `${this.editor.runId} ${name}` : "";
    if (denialsOf === this.denialsOf) return;
    this.denialsOf = denialsOf;
    this.denials.replaceChildren();
    if (!isKnown) return;
    const { denialParts } = await import("./denials.js");
    const parts = await denialParts(this.editor, name).catch((error) => [
      // Of runs that lie further back it isn't kept.
      element("p", { class: "quiet", text: messageOf(error) }),
    ]);
    if (this.denialsOf === denialsOf) this.denials.replaceChildren(...parts);
  }

  /**
   * @param {string} name
   * @param {boolean} isKnown it has ended, and may have returned something
   */
  async showValues(name, isKnown) {
    const valuesOf = isKnown ? `${this.editor.runId} ${name}` : "";
    if (valuesOf === this.valuesOf) return;
    this.valuesOf = valuesOf;
    this.values.replaceChildren();
    if (!isKnown) return;
    try {
      const parts = await nodeValues(this.editor, name);
      if (this.valuesOf === valuesOf) {
        this.values.replaceChildren(element("h3", { text: runStrings.values }), ...parts);
      }
    } catch (error) {
      if (this.valuesOf === valuesOf) {
        this.values.replaceChildren(element("p", { class: "run-error", text: messageOf(error) }));
      }
    }
  }

  /**
   * It is read once somebody wants to see it, and then of each node that is looked at.
   * @param {string} name
   */
  showLog(name) {
    if (name !== this.logOf) {
      this.logOf = name;
      const wasOpen = this.logView !== undefined;
      this.logView?.stop();
      this.logView = undefined;
      if (wasOpen) this.openLog(name);
      else this.log.replaceChildren(button(words.showLog, () => this.openLog(name).lines.focus()));
    }
    this.logView?.update();
  }

  /** @param {string} name */
  openLog(name) {
    const view = new LogView(this.editor, name);
    this.logView = view;
    this.log.replaceChildren(element("h3", { text: words.log }), view.element);
    view.update();
    return view;
  }
}

/** @param {RunError} error */
function errorParts({ message, cause, hint }) {
  return [
    element("p", { class: "run-error", text: message }),
    ...(cause ? [element("p", { class: "run-cause", text: cause })] : []),
    ...(hint ? [element("p", { class: "quiet", text: hint })] : []),
  ];
}

/**
 * @param {string} title
 * @param {string} text
 */
function opened(title, text) {
  return element("details", {
    attributes: { open: true },
    children: [
      element("summary", { text: title }),
      element("pre", { text, attributes: { tabindex: 0, "aria-label": title, role: "region" } }),
    ],
  });
}

/** How the run went as a whole. */
export class WholeRun {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.facts = element("p", { class: "run-facts" });
    this.failed = element("ul", { class: "problems", attributes: { "aria-label": runStrings.failed } });
    this.element = element("div", {
      class: "run-section",
      children: [element("h3", { text: words.runState }), this.facts, this.failed],
    });
    /** @type {unknown} */
    this.shownOf = undefined;
  }

  show() {
    const { editor } = this;
    if (this.shownOf === editor.run) return;
    this.shownOf = editor.run;
    const { outcome, began, ended } = editor.run;
    this.element.hidden = began === undefined;
    const time = began !== undefined && ended !== undefined ? durationText(ended - began) : "";
    this.facts.textContent = [outcome === undefined ? strings.run.goesOn : strings.run.outcome(outcome), time].join(
      " ",
    );
    this.facts.className = `run-facts is-${outcome}`;
    const failed = [...editor.nodeStates].filter(([, { state }]) => state === "failed");
    this.failed.hidden = failed.length === 0;
    this.failed.replaceChildren(
      ...failed.slice(0, 50).map(([name, { error }]) =>
        element("li", {
          children: [
            element("strong", { children: [element("bdi", { text: name })] }),
            element("span", { text: failureText(error) }),
            button(runStrings.show(name), () => editor.select([name])),
          ],
        })
      ),
    );
  }
}
