/** What is selected, in detail: parameters, what flows in, settings, and how the last run went. */

import { kindOf, nodesOf, parametersOf } from "../model/document.js";
import { isObject } from "../model/json.js";
import { objectAt } from "../model/objects.js";
import { lineOf } from "../model/text.js";
import { button, element, partStyles } from "./dom.js";
import { messageOf } from "./messages.js";
import { strings } from "./strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */

const words = strings.inspector;

/** What nobody needs who only looks at a workflow. */
async function loadParts() {
  const [{ Field, parameterActions }, { connectionRows }, { drawingDetails }, fields, { Settings }] = await Promise.all(
    [
      import("./fields.js"),
      import("./connections.js"),
      import("./drawing_details.js"),
      import("./node_fields.js"),
      import("./settings.js"),
      partStyles(),
    ],
  );
  return { Field, parameterActions, connectionRows, drawingDetails, ...fields, Settings };
}

export class NodeInspector extends HTMLElement {
  constructor() {
    super();
    /** @type {Editor | undefined} */
    this.editor = undefined;
    /** What the form was made for; it is made anew when that changes. */
    this.madeFor = "";
    /** What the fields are made of, once there was something to edit. @type {Awaited<ReturnType<typeof loadParts>> | undefined} */
    this.parts = undefined;
    this.isLoading = false;
    /** @type {string | undefined} what is to be focused when they are there; empty: the first field */
    this.wanted = undefined;
    /** @type {Map<string, import("./fields.js").Field>} */
    this.fields = new Map();
    this.heading = element("h2");
    this.problems = element("ul", { class: "problems" });
    this.inputs = element("div", { class: "inspector-inputs" });
    this.outcome = element("div", { class: "inspector-run" });
    /** @type {unknown[]} what those three were made of */
    this.shownOf = [];
    /** Of a group or a comment. @type {ReturnType<import("./drawing_details.js").drawingDetails> | undefined} */
    this.details = undefined;
    /** @type {import("./settings.js").Settings | undefined} */
    this.settings = undefined;
    this.nodeOutcome = element("div");
    /** @type {import("./run_node.js").NodeRun | undefined} once there was something to show */
    this.nodeRun = undefined;
    /** @type {import("./run_node.js").WholeRun | undefined} */
    this.wholeRun = undefined;
    /** @type {unknown} the problems that fields were told of */
    this.toldOf = undefined;
  }

  connectedCallback() {
    this.setAttribute("aria-label", words.label);
    this.setAttribute("role", "region");
    this.setAttribute("tabindex", "0");
  }

  update() {
    const { editor } = this;
    if (!editor) return;
    const name = editor.selection.size === 1 ? [...editor.selection][0] : undefined;
    const node = name === undefined ? undefined : nodesOf(editor.document).get(name);
    if (!this.parts && (node || objectAt(editor.document, ["spec", "inputs"]).size > 0)) this.load();
    const drawing = editor.selectedDrawing;
    if (drawing !== undefined && !this.parts) this.load();
    const made = drawing !== undefined
      ? `drawing ${drawing}`
      : node
      ? `node ${name} ${kindOf(node).text}`
      : `other ${editor.selection.size > 1}`;
    const madeFor = `${made} ${this.parts !== undefined}`;
    if (madeFor !== this.madeFor) {
      const focused = this.contains(document.activeElement) ? document.activeElement?.id : undefined;
      this.madeFor = madeFor;
      this.shownOf = [];
      this.fields = new Map();
      this.details = undefined;
      this.toldOf = undefined;
      if (drawing !== undefined) this.drawDrawing(editor, drawing);
      else if (name !== undefined && node) this.drawNode(editor, name, node);
      else if (editor.selection.size > 1) this.drawSeveral(editor);
      else this.drawWorkflow(editor);
      // Where somebody has renamed the node that is shown.
      if (focused) this.focusField(focused);
    }
    if (drawing !== undefined) this.details?.show();
    else if (name !== undefined && node) this.showNode(editor, name, node);
    else if (editor.selection.size > 1) this.showCount(editor.selection.size);
    else this.showWorkflow(editor);
  }

  /** Fields are loaded when there is something to edit. */
  async load() {
    if (this.isLoading || this.parts) return;
    this.isLoading = true;
    try {
      this.parts = await loadParts();
      this.update();
      if (this.wanted !== undefined) this.focusField(this.wanted);
    } catch (error) {
      this.editor?.say(messageOf(error), "error");
    }
    this.isLoading = false;
  }

  /** @param {string} [id] of a field; otherwise the first parameter, or the first field where there is none */
  focusField(id = "") {
    this.wanted = this.parts ? undefined : id;
    const [first] = this.fields.values();
    const input = id
      ? this.querySelector(`#${CSS.escape(id)}`)
      : first?.input ?? this.querySelector(".field input, .field select, .field textarea") ?? this;
    if (!(input instanceof HTMLElement) || (!this.parts && input === this)) return;
    input.focus();
    if (id && input instanceof HTMLInputElement) input.select();
  }

  /**
   * @param {string} text
   * @param {...(Node | undefined)} rest
   */
  begin(text, ...rest) {
    this.heading = element("h2", { children: [element("bdi", { text })] });
    this.replaceChildren(this.heading, ...rest.filter((part) => part !== undefined));
  }

  /** @param {Editor} editor */
  drawSeveral(editor) {
    this.begin(words.several(editor.selection.size), this.runActions(), this.actions(editor));
  }

  /** @param {number} count */
  showCount(count) {
    const text = words.several(count);
    if (this.heading.textContent !== text) this.heading.textContent = text;
  }

  /**
   * @param {Editor} editor
   * @param {string} key
   */
  drawDrawing(editor, key) {
    this.details = this.parts?.drawingDetails(editor, key);
    this.begin(this.details?.title ?? "", ...this.details?.parts ?? []);
  }

  // The workflow

  /** @param {Editor} editor */
  drawWorkflow(editor) {
    const fields = [];
    const { parts } = this;
    for (const [name, input] of objectAt(editor.document, ["spec", "inputs"])) {
      if (isObject(input) && parts) fields.push(parts.runInput(editor, name, input));
    }
    this.begin(
      words.none,
      element("p", { class: "quiet", text: words.noneHint }),
      this.problems,
      this.outcome,
      fields.length > 0 ? element("h3", { text: words.runInputs }) : undefined,
      ...fields,
    );
  }

  /** @param {Editor} editor */
  showWorkflow(editor) {
    this.showProblems(editor, editor.problems);
    if (editor.runId !== undefined && !this.wholeRun) this.loadRun(editor);
    this.wholeRun?.show();
  }

  // A node

  /**
   * @param {Editor} editor
   * @param {string} name
   * @param {JSONObject} node
   */
  drawNode(editor, name, node) {
    if (!this.parts) return this.begin(name);
    const { Field, parameterActions, Settings } = this.parts;
    this.settings = new Settings(editor, name);
    const type = editor.typeOf(name);
    const { kind, text } = kindOf(node);
    const { nameField, textField } = this.parts;
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
      this.actions(editor),
    );
    this.begin(name, ...parts);
  }

  /** What the workbench does: the event "act". */
  runActions() {
    /** @param {string} action */
    const order = (action) => this.dispatchEvent(new CustomEvent("act", { detail: action, bubbles: true }));
    return element("div", {
      class: "inspector-actions run-actions",
      children: [
        button(words.runTo, () => order("runTo"), { title: words.runToHint }),
        this.editor?.selection.size === 1
          ? button(words.runFrom, () => order("runFrom"), { title: words.runFromHint })
          : undefined,
      ],
    });
  }

  /** @param {Editor} editor */
  actions(editor) {
    return element("div", {
      class: "inspector-actions",
      children: [
        button(words.duplicate, () => editor.duplicate()),
        button(words.remove, () => editor.removeSelected(), { class: "danger" }),
      ],
    });
  }

  /**
   * @param {Editor} editor
   * @param {string} name
   * @param {JSONObject} node
   */
  showNode(editor, name, node) {
    if (!this.parts) return;
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
    this.showProblems(editor, editor.problemsOf(name));
    this.showInputs(editor, name, node);
    this.showRun(editor, name);
  }

  /**
   * @param {JSONObject} node
   * @param {string} member
   */
  showMember(node, member) {
    const input = this.querySelector(`#member-${member}`);
    if (
      !(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) || document.activeElement === input
    ) return;
    const value = node.get(member);
    input.value = typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
  }

  /**
   * @param {Editor} editor
   * @param {ReadonlyArray<import("./editor.js").Diagnostic>} problems
   */
  showProblems(editor, problems) {
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
   * @param {Editor} editor
   * @param {string} name
   * @param {JSONObject} node
   */
  showInputs(editor, name, node) {
    const focused = this.inputs.contains(document.activeElement) ? document.activeElement?.id : undefined;
    this.inputs.replaceChildren(...this.parts?.connectionRows(editor, name, node) ?? []);
    const again = focused ? this.inputs.querySelector(`#${focused}`) : null;
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }

  /**
   * @param {Editor} editor
   * @param {string} name
   */
  showRun(editor, name) {
    if (editor.nodeStates.has(name) && !this.nodeRun) this.loadRun(editor);
    this.nodeRun?.show(name);
  }

  /** What it takes to show a run comes with the first one. @param {Editor} editor */
  async loadRun(editor) {
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

customElements.define("node-inspector", NodeInspector);
