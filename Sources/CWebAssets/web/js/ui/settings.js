/** What a node says beside its parameters: each in a field of its own, checked as it is written, each change a step that can be undone. */

import { addOrder, disconnect } from "../model/commands.js";
import { setMember } from "../model/node_commands.js";
import { kindOf, needsOf, nodesOf, sourcesOf } from "../model/document.js";
import { isArray } from "../model/json.js";
import { objectAt } from "../model/objects.js";
import { hasExpressions } from "../model/parameter_kinds.js";
import { orderProblem } from "../model/ports.js";
import * as model from "../model/settings.js";
import { chip, chooser, firstOf } from "./chooser.js";
import { button, element } from "./dom.js";
import { Field } from "./fields.js";
import { partStrings } from "./strings/part_strings.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {import("../model/json.js").JSONObject} JSONObject */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../model/catalog.js").Parameter} Parameter */
/** @typedef {(value: JSONValue) => string | undefined} Check */

const words = partStrings.settings;
const mostNames = 500;
/** More is none that the program takes. */
const mostEntries = 8;

export class Settings {
  /**
   * @param {Editor} editor
   * @param {string} name of the node
   */
  constructor(editor, name) {
    this.editor = editor;
    this.name = name;
    this.element = element("div", { class: "settings" });
    /** What it was drawn for: other fields are there when that changes. */
    this.drawnFor = "";
    /** @type {{field: Field, value: (node: JSONObject) => JSONValue}[]} */
    this.fields = [];
    /** @type {Map<string, HTMLInputElement>} by entry and failure */
    this.classes = new Map();
    this.order = element("div", { class: "input-row" });
    this.between = element("p", { class: "field-problem", attributes: { role: "status" } });
    /** @type {JSONValue | undefined} */
    this.orderOf = undefined;
    /** @type {unknown[]} */
    this.shownOf = [];
  }

  /** @param {JSONObject} node */
  show(node) {
    const defaults = this.hasDefaults();
    if (node === this.shownOf[0] && defaults === this.shownOf[1]) return;
    this.shownOf = [node, defaults];
    const inputs = sourcesOf(node).map(([port]) => port);
    const now = JSON.stringify([
      kindOf(node).kind,
      inputs,
      model.retryMode(node),
      model.retryEntries(node).length,
      defaults,
    ]);
    if (now !== this.drawnFor) {
      this.drawnFor = now;
      const focused = this.element.contains(document.activeElement) ? document.activeElement?.id : undefined;
      this.draw(node, inputs);
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
    for (const { field, value } of this.fields) {
      const given = value(node);
      field.show(given ?? field.parameter.defaultValue, given !== null);
    }
    model.retryEntries(node).forEach((entry, index) => {
      const on = model.retryOn(entry);
      for (const one of model.retryClasses) {
        const box = this.classes.get(`${index} ${one}`);
        if (box) box.checked = on.includes(one);
      }
    });
    this.between.textContent = model.retriesProblem(node) ?? "";
    this.showOrder(node);
  }

  hasDefaults() {
    return objectAt(this.editor.document, ["spec", "defaults"]).has("retry");
  }

  /** @returns {JSONObject} the node as it is now */
  get node() {
    return nodesOf(this.editor.document).get(this.name) ?? new Map();
  }

  /**
   * @param {JSONObject} node
   * @param {string[]} inputs that something flows into
   */
  draw(node, inputs) {
    const { kind } = kindOf(node);
    this.fields = [];
    this.classes = new Map();
    this.orderOf = undefined;
    const parameter = model.settingParameter;
    this.element.replaceChildren(
      this.field(["timeout"], parameter("timeout", "string", ...words.timeout), model.durationProblem),
      this.field(
        ["cache"],
        parameter("cache", "string", ...words.cache, { choices: ["auto", "never"], defaultValue: "auto" }),
      ),
      this.field(
        ["continue-on-error"],
        parameter("continue-on-error", "boolean", ...words.goOn, { defaultValue: false }),
      ),
      this.section("order", words.order, [
        this.order,
        element("p", { class: "field-description", text: words.orderHint }),
      ]),
      this.section("retry", words.retry, this.retryParts(node)),
      ...(kind === "workflow" ? [] : [this.section("resources", words.resources, [
        this.field(["resources", "cpu"], parameter("cpu", "number", ...words.cpu, { least: 0.01, most: 4096 })),
        this.field(["resources", "memory"], parameter("memory", "string", ...words.memory), model.memoryProblem),
        this.field(["resources", "gpu"], parameter("gpu", "number", ...words.gpu), model.gpuProblem),
        this.field(
          ["resources", "gpuMemory"],
          parameter("gpuMemory", "string", ...words.gpuMemory),
          model.memoryProblem,
        ),
        this.field(
          ["resources", "semaphores"],
          parameter("semaphores", "mapping", ...words.semaphores),
          model.semaphoresProblem,
        ),
      ])]),
      this.section("many", words.many, [
        ...(kind === "type" ? [this.foreachField(node, inputs)] : []),
        this.field(
          ["matrix"],
          parameter("matrix", "mapping", ...words.matrix),
          (value) =>
            value !== null && this.node.has("foreach") ? words.notBeside(words.foreach[0]) : model.matrixProblem(value),
          true,
        ),
      ]),
    );
  }

  /**
   * Open where something in it is said already.
   * @param {string} id
   * @param {string} title
   * @param {HTMLElement[]} parts
   */
  section(id, title, parts) {
    const members = { order: ["needs"], retry: ["retry"], resources: ["resources"], many: ["foreach", "matrix"] }[id] ??
      [];
    const before = this.element.querySelector(`#settings-${id}`);
    const isOpen = before instanceof HTMLDetailsElement ? before.open : members.some((member) => this.node.has(member));
    return element("details", {
      class: "settings-section",
      attributes: { id: `settings-${id}`, open: isOpen },
      children: [element("summary", { text: title }), element("div", { class: "settings", children: parts })],
    });
  }

  /**
   * What can't be a value of it stays in the field, and the node as it was.
   * @param {string[]} path
   * @param {Parameter} parameter
   * @param {Check} [check]
   * @param {boolean} [takesExpressions]
   */
  field(path, parameter, check, takesExpressions = false) {
    const { editor, name } = this;
    /** @param {JSONValue | undefined} value @param {string} [gesture] */
    const set = (value, gesture) => void editor.perform(setMember(name, path, value, gesture));
    return this.anyField(
      `setting-${path.join("-")}`,
      parameter,
      (node) => model.settingOf(node, path),
      set,
      check,
      takesExpressions,
    );
  }

  /**
   * @param {string} id
   * @param {Parameter} parameter
   * @param {(node: JSONObject) => JSONValue} value null: nothing is said
   * @param {(value: JSONValue | undefined, gesture?: string) => void} set
   * @param {Check} [check]
   * @param {boolean} [takesExpressions]
   */
  anyField(id, parameter, value, set, check, takesExpressions = false) {
    const gesture = `type ${this.name} ${id}`;
    const field = new Field(parameter, value(this.node) ?? parameter.defaultValue, {
      change: (given, isGesture) =>
        set(given === null || given === parameter.defaultValue ? undefined : given, isGesture ? gesture : undefined),
      settle: () => this.editor.endGesture(),
      reset: () => set(undefined),
      check: (given) => !takesExpressions && hasExpressions(given) ? words.noExpression : check?.(given),
    }, id);
    this.fields.push({ field, value });
    return field.element;
  }

  /**
   * @param {JSONObject} node
   * @param {string[]} inputs
   */
  foreachField(node, inputs) {
    const given = node.get("foreach");
    const choices = [null, ...inputs];
    if (typeof given === "string" && !inputs.includes(given)) choices.push(given);
    const parameter = model.settingParameter("foreach", "string", ...words.foreach, { choices });
    return this.field(
      ["foreach"],
      parameter,
      (value) => value !== null && this.node.has("matrix") ? words.notBeside(words.matrix[0]) : undefined,
    );
  }

  // Order

  /** @param {JSONObject} node */
  showOrder(node) {
    const needs = node.get("needs") ?? null;
    if (needs === this.orderOf) return;
    this.orderOf = needs;
    const { editor, name } = this;
    const had = this.order.contains(document.activeElement);
    /** @param {string} other */
    const refusal = (other) => orderProblem(editor.document, other, name)?.reason;
    this.order.replaceChildren(
      ...needsOf(node).slice(0, mostNames).map((other) =>
        chip(
          other,
          words.noWait(other),
          () => void editor.perform(disconnect([{ kind: "order", from: { node: other }, to: { node: name } }])),
        )
      ),
      ...chooser("settings-needs", words.waitFor, words.nodeHint, {
        list: () => firstOf(mostNames, [...nodesOf(editor.document).keys()], (other) => refusal(other) === undefined),
        choose: (other) => {
          const reason = refusal(other);
          if (!reason) editor.perform(addOrder(other, name));
          return reason;
        },
      }),
    );
    if (had) this.order.querySelector("input")?.focus({ preventScroll: true });
  }

  // Retries

  /** @param {JSONValue | undefined} value @param {string} [gesture] */
  setRetry(value, gesture) {
    this.editor.perform(setMember(this.name, "retry", value, gesture));
  }

  /** @param {JSONObject} node */
  retryParts(node) {
    const mode = model.retryMode(node);
    const select = element("select", {
      attributes: { id: "retry-mode", "aria-label": words.retry },
      children: Object.entries(words.retryModes).map(([value, text]) =>
        element("option", { text, attributes: { value } })
      ),
      on: {
        change: () =>
          this.setRetry(
            select.value === "defaults" ? undefined : select.value === "never" ? [] : model.withRetryEntry(this.node),
          ),
      },
    });
    select.value = mode;
    if (mode !== "entries") return [select];
    const entries = model.retryEntries(node);
    const hasRoom = isArray(model.withRetryEntry(node)) && entries.length < model.retryClasses.length;
    return [
      select,
      ...entries.slice(0, mostEntries).map((_, index) => this.retryEntry(index, entries.length)),
      this.between,
      ...(hasRoom
        ? [
          button(words.retryMore, () => this.setRetry(model.withRetryEntry(this.node)), {
            attributes: { id: "retry-more" },
          }),
        ]
        : []),
    ];
  }

  /**
   * @param {number} index
   * @param {number} count
   */
  retryEntry(index, count) {
    /** @param {string} member @param {Parameter} parameter @param {Check} [check] */
    const field = (member, parameter, check) =>
      this.anyField(
        `retry-${index}-${member}`,
        parameter,
        (node) => model.settingOf(model.retryEntries(node)[index] ?? new Map(), [member]),
        (value, gesture) => this.setRetry(model.withRetry(this.node, index, member, value ?? null), gesture),
        check,
      );
    const parameter = model.settingParameter;
    return element("fieldset", {
      class: "retry-entry",
      children: [
        element("legend", { text: words.retryEntry(index + 1, count) }),
        field(
          "max",
          parameter("max", "integer", ...words.retryMax, { least: 0, most: 100 }),
          (value) => value === null ? words.needed : undefined,
        ),
        element("div", {
          class: "retry-classes",
          attributes: { role: "group", "aria-label": words.retryOn },
          children: model.retryClasses.map((one) => this.retryClass(index, one)),
        }),
        field("delay", parameter("delay", "string", ...words.retryDelay), model.durationProblem),
        field("factor", parameter("factor", "number", ...words.retryFactor, { least: 1, most: 100 })),
        field("max-delay", parameter("max-delay", "string", ...words.retryMaxDelay), model.durationProblem),
        button(words.retryRemove, () => this.setRetry(model.withoutRetryEntry(this.node, index)), { class: "danger" }),
      ],
    });
  }

  /**
   * @param {number} index of the entry
   * @param {typeof model.retryClasses[number]} one
   */
  retryClass(index, one) {
    const box = element("input", {
      attributes: { type: "checkbox", id: `retry-${index}-${one}` },
      on: {
        change: () => {
          const entry = model.retryEntries(this.node)[index] ?? new Map();
          const before = model.retryOn(entry);
          const on = before.includes(one) ? before.filter((other) => other !== one) : [...before, one];
          this.setRetry(model.withRetry(this.node, index, "on", on));
        },
      },
    });
    this.classes.set(`${index} ${one}`, box);
    return element("label", { children: [box, words.retryClass[one]] });
  }
}
