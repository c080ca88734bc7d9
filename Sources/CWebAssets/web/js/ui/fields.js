/** A parameter's field, by its `ui_component`, its type and its constraints. */

import {
  editorKind,
  fieldText,
  hasExpressions,
  parameterProblem,
  readField,
  shortText,
  stepOf,
} from "../model/parameters.js";
import { isEqual, numericValue } from "../model/json.js";
import { lineOf } from "../model/text.js";
import { element, iconButton, setAttribute } from "./dom.js";
import { strings } from "./strings.js";

/** @typedef {import("../model/catalog.js").Parameter} Parameter */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {{change: (value: JSONValue, isGesture: boolean) => void, settle: () => void, reset: () => void}} FieldActions */

let count = 0;

export class Field {
  /**
   * @param {Parameter} parameter
   * @param {JSONValue} value
   * @param {FieldActions} actions
   */
  constructor(parameter, value, actions) {
    this.parameter = parameter;
    this.actions = actions;
    this.kind = Field.kindFor(parameter, value);
    /** What the server said of its value. */
    this.told = "";
    const id = `field-${++count}`;
    this.problem = element("p", { class: "field-problem", attributes: { id: `${id}-problem`, hidden: true } });
    this.input = this.makeInput();
    this.input.id = id;
    const description = parameter.description
      ? element("p", {
        class: "field-description",
        text: parameter.description,
        attributes: { id: `${id}-description` },
      })
      : undefined;
    setAttribute(this.input, "aria-describedby", `${description ? `${id}-description ` : ""}${id}-problem`);
    this.reset = iconButton("undo", strings.inspector.reset(parameter.title), actions.reset, { class: "field-reset" });
    this.output = element("output", { class: "field-output", attributes: { for: id } });
    const label = element("label", {
      attributes: { for: id },
      children: [element("bdi", { text: parameter.title })],
    });
    const head = element("div", { class: "field-head", children: [label, this.output, this.reset] });
    this.element = element("div", {
      class: `field field-${this.kind}`,
      children: [head, this.input, description, this.problem],
    });
    this.show(value, false);
  }

  /**
   * An expression can't be shown by a slider, a list or a checkbox.
   * @param {Parameter} parameter
   * @param {JSONValue} value
   */
  static kindFor(parameter, value) {
    const kind = editorKind(parameter);
    return hasExpressions(value) && (kind === "slider" || kind === "select" || kind === "checkbox") ? "text" : kind;
  }

  /** @returns {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} */
  makeInput() {
    const { parameter } = this;
    const on = { input: () => this.read(), change: () => this.actions.settle() };
    switch (this.kind) {
      case "checkbox":
        return element("input", { attributes: { type: "checkbox" }, on });
      case "select": {
        const choices = parameter.choices ?? [];
        const options = choices.map((choice, index) =>
          element("option", {
            text: typeof choice === "string" ? lineOf(choice, 80) : shortText(choice),
            attributes: { value: String(index) },
          })
        );
        return element("select", { on, children: options });
      }
      case "slider":
        // A drag is one step, and so are the keys until somebody leaves.
        return element("input", {
          attributes: { type: "range", min: parameter.least, max: parameter.most, step: stepOf(parameter) },
          on: { input: on.input, pointerdown: on.change, blur: on.change },
        });
      case "lines":
      case "json":
        return element("textarea", {
          attributes: { rows: 4, spellcheck: this.kind === "json" ? "false" : undefined },
          on,
        });
      case "secret":
        return element("input", { attributes: { type: "password", autocomplete: "off", spellcheck: "false" }, on });
      case "number":
        return element("input", { attributes: { type: "text", inputmode: "decimal", autocomplete: "off" }, on });
      case "text":
        return element("input", { attributes: { type: "text", autocomplete: "off" }, on });
    }
  }

  /** What the field says, into the document; what can't be a value stays in the field, with the reason. */
  read() {
    const { input, parameter } = this;
    this.told = "";
    /** @type {import("../model/parameters.js").Reading} */
    let reading;
    if (this.kind === "checkbox" && input instanceof HTMLInputElement) reading = { value: input.checked };
    else if (this.kind === "select") reading = { value: parameter.choices?.[Number(input.value)] ?? null };
    else if (this.kind === "slider") {
      reading = { value: parameter.type === "integer" ? Math.round(Number(input.value)) : Number(input.value) };
    } else reading = readField(parameter, input.value);
    if (reading.problem !== undefined) return this.showProblem(reading.problem);
    this.showProblem(parameterProblem(parameter, reading.value));
    this.actions.change(reading.value, this.kind !== "checkbox" && this.kind !== "select");
  }

  /**
   * @param {JSONValue} value
   * @param {boolean} isGiven false: it is the type's own
   */
  show(value, isGiven) {
    const { input, parameter } = this;
    this.reset.hidden = !isGiven;
    this.element.classList.toggle("is-given", isGiven);
    if (this.kind === "slider") this.output.textContent = fieldText(parameter, value);
    if (document.activeElement === input && this.kind !== "checkbox" && this.kind !== "select" && this.reads(value)) {
      return;
    }
    if (this.kind === "checkbox" && input instanceof HTMLInputElement) input.checked = value === true;
    else if (this.kind === "select") this.choose(value);
    else if (this.kind === "slider") input.value = String(numericValue(value) ?? parameter.least ?? 0);
    else input.value = fieldText(parameter, value);
    this.showProblem(parameterProblem(parameter, value));
  }

  /**
   * Whether what stands in the field means the value, or is still being written.
   * @param {JSONValue} value
   */
  reads(value) {
    if (this.kind === "slider") return Number(this.input.value) === numericValue(value);
    const reading = readField(this.parameter, this.input.value);
    return reading.problem !== undefined || isEqual(reading.value, value);
  }

  /** @param {JSONValue} value */
  choose(value) {
    const index = (this.parameter.choices ?? []).findIndex((choice) =>
      isEqual(choice, value) || (numericValue(choice) !== undefined && numericValue(choice) === numericValue(value))
    );
    this.input.value = String(index);
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
