/** What the inspector shows: parameters, what flows in, settings, and how the last run went; loaded once there is something to show. */

import { kindOf, nodesOf, parametersOf } from "../model/document.js";
import { isObject } from "../model/json.js";
import { objectAt } from "../model/objects.js";
import { lineOf } from "../model/text.js";
import { connectionRows } from "./connections.js";
import { button, element } from "./dom.js";
import { drawingDetails } from "./drawing_details.js";
import { Field, parameterActions } from "./fields.js";
import { messageOf } from "./messages.js";
import { nameField, runInput, textField } from "./node_fields.js";
import { Settings } from "./settings.js";
import { partStrings } from "./strings/part_strings.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */

const words = { ...strings.inspector, ...partStrings.inspector };

export class Details {
  /**
   * @param {Editor} editor
   * @param {import("./inspector.js").NodeInspector} inspector
   */
  constructor(editor, inspector) {
    this.editor = editor;
    this.inspector = inspector;
    /** What the form was made for; it is made anew when that changes. */
    this.madeFor = "";
    /** @type {Map<string, Field>} */
    this.fields = new Map();
    this.heading = element("h2");
    this.problems = element("ul", { class: "problems" });
    this.inputs = element("div", { class: "inspector-inputs" });
    this.outcome = element("div", { class: "inspector-run" });
    /** @type {unknown[]} what those three were made of */
    this.shownOf = [];
    /** Of a group or a comment. @type {ReturnType<typeof drawingDetails> | undefined} */
    this.details = undefined;
    /** @type {Settings | undefined} */
    this.settings = undefined;
    this.nodeOutcome = element("div");
    /** @type {import("./run_node.js").NodeRun | undefined} once there was something to show */
    this.nodeRun = undefined;
    /** @type {import("./run_node.js").WholeRun | undefined} */
    this.wholeRun = undefined;
    /** @type {unknown} the problems that fields were told of */
    this.toldOf = undefined;
  }

  update() {
    const { editor } = this;
    const name = editor.selection.size === 1 ? [...editor.selection][0] : undefined;
    const node = name === undefined ? undefined : nodesOf(editor.document).get(name);
    const drawing = editor.selectedDrawing;
    const madeFor = drawing !== undefined
      ? `drawing ${drawing}`
      : node
      ? `node ${name} ${kindOf(node).text}`
      : `other ${editor.selection.size > 1}`;
    if (madeFor !== this.madeFor) {
      const isWithin = this.inspector.contains(document.activeElement);
      const focused = isWithin ? document.activeElement?.id : undefined;
      this.madeFor = madeFor;
      this.shownOf = [];
      this.fields = new Map();
      this.details = undefined;
      this.toldOf = undefined;
      if (drawing !== undefined) this.drawDrawing(drawing);
      else if (name !== undefined && node) this.drawNode(name, node);
      else if (editor.selection.size > 1) this.drawSeveral();
      else this.drawWorkflow();
      // Where somebody has renamed the node that is shown.
      if (focused) this.inspector.focusField(focused);
    }
    if (drawing !== undefined) this.details?.show();
    else if (name !== undefined && node) this.showNode(name, node);
    else if (editor.selection.size > 1) this.showCount(editor.selection.size);
    else this.showWorkflow();
  }

  /**
   * @param {string} text
   * @param {...(Node | undefined)} rest
   */
  begin(text, ...rest) {
    this.heading = this.inspector.begin(text, ...rest);
  }

  // Several

  drawSeveral() {
    this.begin(words.several(this.editor.selection.size), this.runActions(), this.actions());
  }

  /** @param {number} count */
  showCount(count) {
    const text = words.several(count);
    if (this.heading.textContent !== text) this.heading.textContent = text;
  }

  // A group or a comment

  /** @param {string} key */
  drawDrawing(key) {
    this.details = drawingDetails(this.editor, key);
    this.begin(this.details.title, ...this.details.parts, this.actions());
  }

  // The workflow

  drawWorkflow() {
    const { editor } = this;
    const fields = [...objectAt(editor.document, ["spec", "inputs"])].flatMap(([name, input]) =>
      isObject(input) ? [runInput(editor, name, input)] : []
    );
    this.begin(
      words.none,
      element("p", { class: "quiet", text: words.noneHint }),
      this.problems,
      this.outcome,
      fields.length > 0 ? element("h3", { text: words.runInputs }) : undefined,
      ...fields,
    );
  }

  showWorkflow() {
    const { editor } = this;
    this.showProblems(editor.problems);
    if (editor.runId !== undefined && !this.wholeRun) this.loadRun();
    this.wholeRun?.show();
  }

  // A node

  /**
   * @param {string} name
   * @param {JSONObject} node
   */
  drawNode(name, node) {
    const { editor } = this;
    this.settings = new Settings(editor, name);
    const type = editor.typeOf(name);
    const { kind, text } = kindOf(node);
    const parts = [
      nameField(editor, name),
      element("p", {
        class: "quiet",
        children: [element("bdi", { text: type ? `${type.title} · ${type.type} ${type.version}` : lineOf(text, 200) })],
      }),
      type?.description ? element("p", { class: "description", text: type.description }) : undefined,
      this.problems,
      this.runActions(),
      this.nodeOutcome,
    ];
    if (kind !== "type") {
      parts.push(textField(editor, name, kind, kind === "run" ? words.command : words.file, kind === "run"));
    }
    if (type && type.parameters.length > 0) parts.push(element("h3", { text: words.parameters }));
    for (const parameter of type?.parameters ?? []) {
      const given = parametersOf(node).get(parameter.name);
      const actions = parameterActions(editor, name, parameter);
      const field = new Field(parameter, given ?? parameter.defaultValue, actions, `parameter-${parameter.name}`);
      this.fields.set(parameter.name, field);
      parts.push(field.element);
    }
    parts.push(
      this.inputs,
      element("h3", { text: words.settings }),
      textField(editor, name, "if", words.condition, false),
      this.settings.element,
      this.actions(),
    );
    this.begin(name, ...parts);
  }

  /**
   * What the workbench does: the event "act".
   * @param {string} action
   */
  order(action) {
    this.inspector.dispatchEvent(new CustomEvent("act", { detail: action, bubbles: true }));
  }

  runActions() {
    return element("div", {
      class: "inspector-actions run-actions",
      children: [
        button(words.runTo, () => this.order("runTo"), { title: words.runToHint }),
        this.editor.selection.size === 1
          ? button(words.runFrom, () => this.order("runFrom"), { title: words.runFromHint })
          : undefined,
      ],
    });
  }

  actions() {
    const { editor } = this;
    return element("div", {
      class: "inspector-actions",
      children: [
        button(words.duplicate, () => this.order("duplicate")),
        button(words.remove, () => editor.removeSelected(), { class: "danger" }),
      ],
    });
  }

  /**
   * @param {string} name
   * @param {JSONObject} node
   */
  showNode(name, node) {
    const { editor } = this;
    const values = parametersOf(node);
    const told = this.toldOf === editor.problems ? [] : editor.problemsOf(name);
    for (const { parameter, what } of told) this.fields.get(parameter)?.tell(what);
    this.toldOf = editor.problems;
    for (const [parameter, field] of this.fields) {
      field.show(values.get(parameter) ?? field.parameter.defaultValue, values.has(parameter));
    }
    for (const member of ["if", "run", "workflow"]) this.showMember(node, member);
    this.settings?.show(node);
    const now = [nodesOf(editor.document), editor.problems, editor.nodeStates.get(name), editor.runId];
    if (now.every((part, index) => part === this.shownOf[index])) return;
    this.shownOf = now;
    this.showProblems(editor.problemsOf(name));
    this.showInputs(name, node);
    this.showRun(name);
  }

  /**
   * @param {JSONObject} node
   * @param {string} member
   */
  showMember(node, member) {
    const input = this.inspector.querySelector(`#member-${member}`);
    if (
      !(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) || document.activeElement === input
    ) return;
    const value = node.get(member);
    input.value = typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
  }

  /** @param {ReadonlyArray<import("./editor.js").Diagnostic>} problems */
  showProblems(problems) {
    const { editor } = this;
    this.problems.hidden = problems.length === 0;
    this.problems.replaceChildren(
      ...problems.slice(0, 50).map(({ what, why, hint, node }) =>
        element("li", {
          children: [
            element("strong", { text: what }),
            why ? element("span", { text: why }) : undefined,
            hint ? element("span", { class: "quiet", text: hint }) : undefined,
            node && nodesOf(editor.document).has(node) && !editor.selection.has(node)
              ? button(words.showNode(node), () => editor.select([node]))
              : undefined,
          ],
        })
      ),
    );
  }

  /**
   * @param {string} name
   * @param {JSONObject} node
   */
  showInputs(name, node) {
    const focused = this.inputs.contains(document.activeElement) ? document.activeElement?.id : undefined;
    this.inputs.replaceChildren(...connectionRows(this.editor, name, node));
    const again = focused ? this.inputs.querySelector(`#${focused}`) : null;
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }

  /** @param {string} name */
  showRun(name) {
    if (this.editor.nodeStates.has(name) && !this.nodeRun) this.loadRun();
    this.nodeRun?.show(name);
  }

  /** What it takes to show a run comes with the first one. */
  async loadRun() {
    const { editor } = this;
    try {
      const { NodeRun, WholeRun } = await import("./run_node.js");
      if (this.nodeRun) return;
      const [one, whole] = [new NodeRun(editor), new WholeRun(editor)];
      [this.nodeRun, this.wholeRun] = [one, whole];
      this.nodeOutcome.replaceChildren(one.element);
      this.outcome.replaceChildren(whole.element);
      this.shownOf = [];
      editor.changed();
    } catch (error) {
      editor.say(messageOf(error), "error");
    }
  }
}
