/** A parameter's field, by its `ui_component`, its type and its constraints; or, in its place, one for an expression. */

import {
  choiceIndex,
  choiceText,
  fieldText,
  needsSwitch,
  parameterProblem,
  readExpression,
  readField,
  stepOf,
} from "../model/parameters.js";
import { setParameter } from "../model/node_commands.js";
import { nodesOf } from "../model/document.js";
import { isEqual, numericValue } from "../model/json.js";
import { isIdentifier } from "../model/names.js";
import { objectAt } from "../model/objects.js";
import { editorKind, hasExpressions } from "../model/parameter_kinds.js";
import { element, iconButton, setAttribute } from "./dom.js";
import { partStrings } from "./strings/part_strings.js";

/** @typedef {import("../model/catalog.js").Parameter} Parameter */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../model/parameters.js").Reading} Reading */
/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Input */

/**
 * `expressions`: those that are offered; none is taken for one where it isn't there. `check` says what is wrong with a value beside what
 * the parameter says, as the end of a sentence: then it isn't changed to that.
 * @typedef {{change: (value: JSONValue, isGesture: boolean) => void, settle: () => void, reset: () => void,
 *   expressions?: () => string[], check?: (value: JSONValue) => string | undefined}} FieldActions
 */

/**
 * What is done with a field of a node's parameter, wherever it is shown.
 * @param {import("./editor.js").Editor} editor
 * @param {string} name of the node
 * @param {Parameter} parameter
 * @returns {FieldActions}
 */
export function parameterActions(editor, name, parameter) {
  const gesture = `type ${name}.${parameter.name}`;
  return {
    change: (value, isGesture) =>
      editor.perform(setParameter(name, parameter.name, value, isGesture ? gesture : undefined)),
    settle: () => editor.endGesture(),
    reset: () => editor.perform(setParameter(name, parameter.name, undefined)),
    expressions: () => expressionsFor(editor, name),
  };
}

/**
 * @param {import("./editor.js").Editor} editor
 * @param {string} name of a node
 * @returns {string[]} what a parameter of it could be: the workflow's inputs, and the values of its matrix
 */
function expressionsFor({ document }, name) {
  const axes = objectAt(nodesOf(document).get(name), ["matrix"]);
  const names = [
    ...[...objectAt(document, ["spec", "inputs"]).keys()].map((input) => `inputs.${input}`),
    ...[...axes.keys()].filter((axis) => axis !== "include" && axis !== "exclude").map((axis) => `matrix.${axis}`),
  ];
  return names.filter((text) => text.split(".").every(isIdentifier)).slice(0, 200).map((text) => `\${{ ${text} }}`);
}

export class Field {
  /**
   * @param {Parameter} parameter
   * @param {JSONValue} value
   * @param {FieldActions} actions
   * @param {string} id of its input, which no other element of the page has
   */
  constructor(parameter, value, actions, id) {
    this.parameter = parameter;
    this.actions = actions;
    this.id = id;
    /** What the server said of its value. */
    this.told = "";
    /** Somebody wants to write an expression, where there is none yet. */
    this.wantsExpression = false;
    this.value = value;
    /** @type {import("../model/parameter_kinds.js").EditorKind | "expression"} */
    this.kind = this.kindFor(value);
    this.problem = element("p", { class: "field-problem", attributes: { id: `${id}-problem`, hidden: true } });
    this.list = element("datalist", { attributes: { id: `${id}-list` } });
    this.input = this.makeInput();
    const description = parameter.description
      ? element("p", {
        class: "field-description",
        text: parameter.description,
        attributes: { id: `${id}-description` },
      })
      : undefined;
    this.describedBy = `${description ? `${id}-description ` : ""}${id}-problem`;
    const words = partStrings.inspector;
    this.reset = iconButton("undo", words.reset(parameter.title), actions.reset, { class: "field-reset" });
    this.output = element("output", { class: "field-output", attributes: { for: id } });
    this.switch = actions.expressions && needsSwitch(parameter)
      ? iconButton("expression", words.expression(parameter.title), () => this.toggle(), { class: "field-switch" })
      : undefined;
    const label = element("label", {
      attributes: { for: id },
      children: [element("bdi", { text: parameter.title })],
    });
    const head = element("div", { class: "field-head", children: [label, this.output, this.reset, this.switch] });
    this.element = element("div", {
      class: "field",
      children: [head, this.input, this.list, description, this.problem],
    });
    this.finishInput();
    this.show(value, false);
  }

  /**
   * An expression can't be shown by a slider, a list or a checkbox.
   * @param {JSONValue} value
   */
  kindFor(value) {
    const isExpression = this.wantsExpression || (this.actions.expressions !== undefined && hasExpressions(value));
    return isExpression && needsSwitch(this.parameter) ? "expression" : editorKind(this.parameter);
  }

  finishInput() {
    this.input.id = this.id;
    setAttribute(this.input, "aria-describedby", this.describedBy);
    this.element.className = `field field-${this.kind}`;
    if (this.switch) setAttribute(this.switch, "aria-pressed", String(this.kind === "expression"));
    if (this.kind !== "slider") this.output.textContent = "";
  }

  /** Another kind of input in the place of this one, focused where this one was. */
  remakeInput() {
    const { input } = this;
    const hadFocus = document.activeElement === input;
    this.input = this.makeInput();
    this.finishInput();
    input.replaceWith(this.input);
    if (hadFocus) this.input.focus();
  }

  /** To an expression, or back: then it is as its type says, for what it yields isn't known here. */
  toggle() {
    if (this.kind === "expression") {
      this.wantsExpression = false;
      if (hasExpressions(this.value)) this.actions.reset();
      else this.show(this.value, !this.reset.hidden);
    } else {
      this.wantsExpression = true;
      this.show(this.value, !this.reset.hidden);
      this.input.focus();
    }
  }

  /** @returns {Input} */
  makeInput() {
    const { parameter } = this;
    const on = { input: () => this.read(), change: () => this.actions.settle() };
    this.list.replaceChildren();
    switch (this.kind) {
      case "checkbox":
        return element("input", { attributes: { type: "checkbox" }, on });
      case "select": {
        const choices = parameter.choices ?? [];
        const options = choices.map((choice, index) =>
          element("option", { text: choiceText(choice), attributes: { value: String(index) } })
        );
        return element("select", { on, children: options });
      }
      case "search":
        return this.makeSearch(on);
      case "slider":
        // A drag is one step, and so are the keys until somebody leaves.
        return element("input", {
          attributes: { type: "range", min: parameter.least, max: parameter.most, step: stepOf(parameter) },
          on: { input: on.input, pointerdown: on.change, blur: on.change },
        });
      case "lines":
      case "json": {
        const lines = fieldText(parameter, this.value).split("\n").length;
        return element("textarea", {
          attributes: {
            rows: Math.min(12, Math.max(4, lines)),
            spellcheck: this.kind === "json" ? "false" : undefined,
          },
          on,
        });
      }
      case "secret":
        return element("input", { attributes: { type: "password", autocomplete: "off", spellcheck: "false" }, on });
      case "number":
        return element("input", { attributes: { type: "text", inputmode: "decimal", autocomplete: "off" }, on });
      case "text":
        return element("input", { attributes: { type: "text", autocomplete: "off" }, on });
      case "expression":
        this.list.append(
          ...(this.actions.expressions?.() ?? []).map((value) => element("option", { attributes: { value } })),
        );
        return element("input", {
          attributes: {
            type: "text",
            list: this.list.id,
            autocomplete: "off",
            spellcheck: "false",
            placeholder: "${{ … }}",
          },
          on,
        });
    }
  }

  /** @param {{input: () => void, change: () => void}} on */
  makeSearch(on) {
    const choices = this.parameter.choices ?? [];
    this.list.append(...choices.map((choice) => element("option", { attributes: { value: choiceText(choice) } })));
    const input = element("input", {
      attributes: { type: "text", list: this.list.id, autocomplete: "off", spellcheck: "false" },
      on: {
        ...on,
        // A list shows what fits the text: of all choices one sees all.
        focus: () => {
          input.placeholder = input.value;
          input.value = "";
        },
        blur: () => {
          input.placeholder = "";
          if (input.value === "") input.value = fieldText(this.parameter, this.value);
        },
      },
    });
    return input;
  }

  /** What the field says, into the document; what can't be a value stays in the field, with the reason. */
  read() {
    this.told = "";
    const reading = this.reading();
    if (reading.problem !== undefined) return this.showProblem(reading.problem);
    const problem = this.problemOf(reading.value);
    this.showProblem(problem);
    if (problem && this.actions.check) return;
    this.actions.change(reading.value, this.kind !== "checkbox" && this.kind !== "select");
  }

  /** @returns {Reading} */
  reading() {
    const { input, parameter } = this;
    switch (this.kind) {
      case "checkbox":
        return { value: input instanceof HTMLInputElement && input.checked };
      case "select":
        return { value: parameter.choices?.[Number(input.value)] ?? null };
      case "slider":
        return { value: parameter.type === "integer" ? Math.round(Number(input.value)) : Number(input.value) };
      case "expression":
        return readExpression(input.value);
      case "number":
        // One that has begun isn't one yet.
        return this.actions.expressions && hasExpressions(input.value)
          ? readExpression(input.value)
          : readField(parameter, input.value);
      default:
        return readField(parameter, input.value);
    }
  }

  /**
   * @param {JSONValue} value
   * @param {boolean} isGiven false: it is the type's own
   */
  show(value, isGiven) {
    this.value = value;
    if (hasExpressions(value)) this.wantsExpression = false;
    const kind = this.kindFor(value);
    const isOther = kind !== this.kind;
    if (isOther) {
      this.kind = kind;
      this.remakeInput();
    }
    const { input, parameter } = this;
    this.reset.hidden = !isGiven;
    if (kind === "slider") this.output.textContent = fieldText(parameter, value);
    const isWriting = !isOther && document.activeElement === input && kind !== "checkbox" && kind !== "select";
    if (isWriting && this.reads(value)) return;
    if (kind === "checkbox" && input instanceof HTMLInputElement) input.checked = value === true;
    else if (kind === "select") input.value = String(choiceIndex(parameter, value));
    else if (kind === "slider") input.value = String(numericValue(value) ?? parameter.least ?? 0);
    else if (kind === "expression") input.value = hasExpressions(value) ? fieldText(parameter, value) : "";
    else input.value = fieldText(parameter, value);
    this.showProblem(this.problemOf(value));
  }

  /** @param {JSONValue} value */
  problemOf(value) {
    return parameterProblem(this.parameter, value) ?? this.actions.check?.(value);
  }

  /**
   * Whether what stands in the field means the value, or is still being written.
   * @param {JSONValue} value
   */
  reads(value) {
    if (this.kind === "slider") return Number(this.input.value) === numericValue(value);
    const reading = this.reading();
    if (reading.problem === undefined && this.actions.check && this.problemOf(reading.value)) return true;
    return reading.problem !== undefined || isEqual(reading.value, value);
  }

  /** @param {string} text what the server says of it, until it is changed */
  tell(text) {
    this.told = text;
    this.showProblem(undefined);
  }

  /** @param {string | undefined} text */
  showProblem(text) {
    const shown = text ? `${this.parameter.title} ${text}` : this.told;
    this.problem.textContent = shown;
    this.problem.hidden = !shown;
    setAttribute(this.input, "aria-invalid", shown ? "true" : undefined);
  }
}
