/** The runs of a workflow, the latest first, a page at a time, and what can be done with each. */

import { allows } from "../api/client.js";
import { deleteRun, listRuns, reportOf } from "../api/runs.js";
import { durationText } from "../model/text.js";
import { button, element } from "./dom.js";
import { messageOf } from "./messages.js";
import { runStrings, whenText } from "./strings/run_strings.js";
import { keep } from "./values.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/run_list.js").RunEntry} RunEntry */

const words = runStrings.panel;
const pageSize = 50;
const retryPause = 400;
/** Runs that are shown at one time: who wants older ones asks the command line. */
const most = 1000;

export class RunList {
  /**
   * @param {Editor} editor
   * @param {import("./running.js").Runner} runner
   * @param {{workflow: string, compare: (left: string, right: string) => void}} options
   */
  constructor(editor, runner, { workflow, compare }) {
    this.editor = editor;
    this.runner = runner;
    this.workflow = workflow;
    /** @type {RunEntry[]} */
    this.runs = [];
    /** @type {string | undefined} before which run the next page is */
    this.next = undefined;
    /** @type {Set<string>} those to be compared, at most two */
    this.picked = new Set();
    this.mayRun = false;
    this.loadedFor = "";
    this.retries = 0;
    this.note = element("p", { class: "quiet", attributes: { role: "status" } });
    this.body = element("tbody");
    this.more = button(words.older, () => this.load(this.next), { attributes: { hidden: true } });
    this.comparing = button(words.compare, () => {
      const [left, right] = this.runs.filter(({ run }) => this.picked.has(run)).reverse();
      if (left && right) compare(left.run, right.run);
    }, { attributes: { disabled: true } });
    const heads = [words.pick, words.state, words.when, words.acts, words.took, words.nodes, words.by];
    this.element = element("div", {
      class: "run-list",
      children: [
        element("div", {
          class: "scroll",
          attributes: { tabindex: 0, role: "region", "aria-label": words.listed },
          children: [
            element("table", {
              children: [
                element("thead", {
                  children: [
                    element("tr", {
                      children: heads.map((text) => element("th", { text, attributes: { scope: "col" } })),
                    }),
                  ],
                }),
                this.body,
              ],
            }),
          ],
        }),
        element("div", { class: "inspector-actions", children: [this.comparing, this.more, this.note] }),
      ],
    });
  }

  /** Asked anew when another run has begun, or one has ended. */
  update() {
    const { runId, run } = this.editor;
    const loadedFor = `${runId} ${run.outcome}`;
    if (loadedFor === this.loadedFor) return;
    this.loadedFor = loadedFor;
    this.load(undefined);
  }

  /** @param {string | undefined} before */
  async load(before) {
    const { client } = this.editor;
    try {
      const [{ runs, next }, me] = await Promise.all([
        listRuns(client, this.workflow, { before, limit: pageSize }),
        client.me(),
      ]);
      this.mayRun = allows(me.scope, "runner");
      this.runs = before === undefined ? runs : [...this.runs, ...runs].slice(0, most);
      this.next = this.runs.length < most ? next : undefined;
      this.draw();
      // One that has only just ended may still be said to run.
      const isLate = this.runs.some(({ state, ended }) => state === "running" && ended !== undefined);
      this.retries = isLate ? this.retries + 1 : 0;
      if (isLate && before === undefined && this.retries <= 5) setTimeout(() => this.load(undefined), retryPause);
    } catch (error) {
      this.note.textContent = messageOf(error);
    }
  }

  draw() {
    const focused = document.activeElement;
    const label = focused && this.body.contains(focused) ? focused.getAttribute("aria-label") : undefined;
    for (const run of this.picked) if (!this.runs.some((entry) => entry.run === run)) this.picked.delete(run);
    this.body.replaceChildren(...this.runs.map((entry) => this.row(entry)));
    this.more.hidden = this.next === undefined;
    this.comparing.disabled = this.picked.size !== 2;
    this.note.textContent = this.runs.length === 0 ? words.none : words.pickTwo;
    if (!label) return;
    const again = [...this.body.querySelectorAll("[aria-label]")].find((one) =>
      one.getAttribute("aria-label") === label
    );
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }

  /** @param {RunEntry} entry */
  row(entry) {
    const { run, state, created, ended, count, submitter, parent } = entry;
    const when = whenText(created);
    const isShown = run === this.editor.runId;
    /**
     * @param {string} text
     * @param {() => unknown} act
     * @param {string} [kind]
     */
    const acting = (text, act, kind = "") =>
      button(text, () => this.attempt(act), { class: kind, attributes: { "aria-label": `${text}: ${when}` } });
    const hasEnded = ended !== undefined;
    const pick = element("input", {
      attributes: { type: "checkbox", "aria-label": words.pickOne(when) },
      on: { change: () => this.pick(run, pick.checked) },
    });
    pick.checked = this.picked.has(run);
    const cells = [
      pick,
      element("span", { class: `run-state is-${state}`, text: words.states[state] ?? state }),
      element("span", { text: when, title: parent ? words.repeats(parent) : run }),
      element("div", {
        class: "run-acts",
        children: [
          isShown
            ? element("span", { class: "quiet", text: words.isShown })
            : acting(words.show, () => this.runner.open(run)),
          hasEnded && this.mayRun ? acting(words.again, () => this.runner.again(run)) : undefined,
          hasEnded
            ? acting(words.report, async () => keep(await reportOf(this.editor.client, run), `${run}.html`))
            : undefined,
          hasEnded && this.mayRun ? acting(words.remove, () => this.remove(entry), "danger") : undefined,
        ],
      }),
      hasEnded ? durationText(ended - created) : "",
      String(count),
      element("bdi", { text: submitter }),
    ];
    return element("tr", {
      attributes: { "aria-current": isShown ? "true" : undefined, "data-run": run },
      children: cells.map((cell) => element("td", { children: [cell] })),
    });
  }

  /**
   * @param {string} run
   * @param {boolean} isPicked
   */
  pick(run, isPicked) {
    if (isPicked) this.picked.add(run);
    else this.picked.delete(run);
    // Of three the first one goes.
    const [first] = this.picked;
    if (this.picked.size > 2) this.picked.delete(first);
    this.draw();
  }

  /** @param {RunEntry} entry */
  async remove({ run, created }) {
    if (!confirm(words.removeQuestion(whenText(created)))) return;
    await deleteRun(this.editor.client, run);
    if (run === this.editor.runId) this.runner.forget();
    this.editor.say(words.removed);
    await this.load(undefined);
  }

  /** @param {() => unknown} act */
  async attempt(act) {
    try {
      await act();
    } catch (error) {
      this.editor.say(messageOf(error), "error");
    }
  }
}
