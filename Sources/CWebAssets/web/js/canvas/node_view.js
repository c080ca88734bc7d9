/** A node as it is drawn. */

import { failureText } from "../model/run.js";
import { portPlace, sizes } from "../model/shapes.js";
import { durationText, secondsText } from "../model/text.js";
import { drawing, element, setAttribute } from "../ui/dom.js";
import { strings } from "../ui/strings/strings.js";

/** @typedef {import("../model/shapes.js").Shape} Shape */
/** @typedef {import("../model/shapes.js").ShapePort} ShapePort */
/** @typedef {import("../model/shapes.js").ShapeValue} ShapeValue */
/** @typedef {{element: HTMLElement, text: HTMLElement, bar: HTMLElement | undefined}} ValueLine */
/** @typedef {import("../ui/editor.js").Editor} Editor */
/** @typedef {ReturnType<import("../model/run.js").byDocumentNode> extends Map<string, infer State> ? State : never} NodeState */

export class NodeView {
  /** @param {Shape} shape */
  constructor(shape) {
    this.shape = shape;
    this.element = element("div", {
      class: "node",
      attributes: { role: "group", tabindex: -1, "data-node": shape.name },
    });
    this.state = element("span", { class: "node-state" });
    this.progress = element("div", { class: "node-progress", attributes: { hidden: true } });
    /** Beneath it: what it waits for, does or failed of. Made once there is something to say. @type {HTMLElement | undefined} */
    this.note = undefined;
    /** @type {NodeState | undefined} */
    this.shown = undefined;
    this.place = "";
    this.flags = "";
    /** Its problems, as they are shown. */
    this.told = "";
    /** @type {ValueLine[]} */
    this.values = [];
    /** @type {Map<string, HTMLElement>} by side and name */
    this.ports = new Map();
    this.draw(shape);
  }

  /** @param {Shape} shape */
  draw(shape) {
    this.shape = shape;
    [this.flags, this.told] = ["", ""];
    const { element: node } = this;
    node.style.width = `${shape.width}px`;
    node.style.height = `${shape.height}px`;
    node.classList.toggle("is-missing", shape.isMissing);
    const color = drawing("svg", { class: "node-color", "aria-hidden": "true", width: 4, height: sizes.header }, [
      drawing("rect", { width: 4, height: sizes.header, rx: 2, fill: shape.type?.color ?? "currentColor" }),
    ]);
    const head = element("div", {
      class: "node-head",
      children: [
        color,
        element("span", { class: "node-icon", text: shape.type?.icon || "", attributes: { "aria-hidden": "true" } }),
        element("span", {
          class: "node-names",
          children: [
            element("bdi", { class: "node-title", text: shape.title }),
            element("bdi", { class: "node-kind", text: shape.isMissing ? strings.canvas.missing : shape.kind }),
          ],
        }),
        this.state,
      ],
    });
    this.ports = new Map();
    const ports = [
      this.order("inputs"),
      this.order("outputs"),
      ...shape.inputs.map((port) => this.port("inputs", port)),
      ...shape.outputs.map((port) => this.port("outputs", port)),
    ];
    const rows = Math.max(shape.inputs.length, shape.outputs.length);
    this.values = shape.values.map((value, index) => this.value(value, rows, index));
    const values = this.values.map(({ element: line }) => line);
    node.replaceChildren(head, ...ports, ...values, this.progress, ...(this.note ? [this.note] : []));
  }

  /**
   * @param {ShapeValue} value
   * @param {number} rows of ports above it
   * @param {number} index
   */
  value(value, rows, index) {
    const text = element("bdi", { class: "node-value-text" });
    const line = element(value.kind === "other" && this.shape.type === undefined ? "div" : "button", {
      class: `node-value is-${value.kind}`,
      attributes: { type: "button", tabindex: -1, "data-value": value.name },
      children: [element("bdi", { class: "node-value-name", text: value.title }), text],
    });
    line.style.top = `${sizes.header + rows * sizes.row + index * sizes.value}px`;
    const made = {
      element: line,
      text,
      bar: value.kind === "slider" ? element("span", { class: "node-value-bar" }) : undefined,
    };
    if (made.bar) line.append(made.bar);
    showValue(made, value);
    return made;
  }

  /**
   * What has changed is written into what is there: somebody may be at it.
   * @param {Shape} shape
   */
  showValues(shape) {
    const before = this.shape.values;
    this.shape = shape;
    shape.values.forEach((value, index) => {
      const line = this.values[index];
      if (line && value !== before[index]) showValue(line, value);
    });
  }

  /**
   * @param {"inputs" | "outputs"} side
   * @param {ShapePort} port
   */
  port(side, port) {
    const rest = (port.required ? strings.canvas.required : "") + (port.multiple ? strings.canvas.multiple : "");
    const label = side === "inputs"
      ? strings.canvas.input(port.title, port.type, rest)
      : strings.canvas.output(port.title, port.type);
    const hint = port.description ? `${label}\n${port.description}` : label;
    const made = element("button", {
      class: `port ${side}`,
      title: hint,
      attributes: {
        type: "button",
        tabindex: -1,
        "aria-label": label,
        "data-label": label,
        "data-hint": hint,
        "data-port": port.name,
        "data-side": side,
      },
      children: [
        element("span", {
          class: `port-dot${port.multiple ? " is-multiple" : ""}`,
          attributes: { "aria-hidden": "true" },
        }),
        element("bdi", { class: "port-title", text: port.title }),
        side === "inputs" && port.required
          ? element("span", { class: "port-required", text: "*", attributes: { "aria-hidden": "true" } })
          : undefined,
      ],
    });
    made.style.top = `${portPlace(this.shape, side, port.name).y - sizes.row / 2}px`;
    this.ports.set(`${side} ${port.name}`, made);
    return made;
  }

  /**
   * Where lines of order begin and end.
   * @param {"inputs" | "outputs"} side
   */
  order(side) {
    const label = strings.order[side](this.shape.title);
    const made = element("button", {
      class: `order-handle ${side}`,
      title: label,
      attributes: { type: "button", tabindex: -1, "aria-label": label, "data-order": side },
      children: [element("span", { class: "order-dot", attributes: { "aria-hidden": "true" } })],
    });
    made.style.top = `${portPlace(this.shape, side, undefined).y - sizes.row / 2}px`;
    this.ports.set(`${side} `, made);
    return made;
  }

  /**
   * @param {import("../model/document.js").Place} place
   */
  moveTo(place) {
    const text = `translate(${place.x}px, ${place.y}px)`;
    if (text === this.place) return;
    this.place = text;
    this.element.style.transform = text;
  }

  /**
   * @param {boolean} isSelected
   * @param {ReadonlyArray<{port: string, what: string}> | undefined} problems
   * @param {NodeState | undefined} state in the last run
   * @param {{isFocus: boolean, isChanged: boolean, now: number}} rest Tab leads to it; it has changed since that run
   */
  show(isSelected, problems, state, { isFocus, isChanged, now }) {
    const { element: node } = this;
    const shown = [...problems ?? [], ...failuresOf(state)];
    const told = shown.map(({ port, what }) => `${port}: ${what}`).join("\n");
    const time = state?.state === "running" ? elapsedText(state, now) : "";
    const flags = `${time} ${isSelected} ${isFocus} ${isChanged} ${this.shape.kind} ${told}`;
    if (flags === this.flags && state === this.shown) return;
    this.flags = flags;
    setAttribute(node, "tabindex", isFocus ? 0 : -1);
    node.classList.toggle("is-selected", isSelected);
    node.classList.toggle("is-changed", isChanged && state !== undefined);
    node.classList.toggle("has-problems", problems !== undefined);
    if (told !== this.told) {
      this.told = told;
      this.showProblems(shown);
    }
    if (state !== this.shown) {
      this.shown = state;
      setAttribute(node, "data-state", state?.state);
      const fraction = state?.fraction;
      this.progress.hidden = state?.state !== "running";
      this.progress.classList.toggle("is-open", fraction === undefined);
      this.progress.style.transform = fraction === undefined ? "" : `scaleX(${fraction})`;
      this.showNote(state ? noteText(state) : "");
    }
    const text = state ? stateText(state, time) : "";
    if (this.state.textContent !== text) this.state.textContent = text;
    const words = [
      state ? strings.run.state[state.state] ?? state.state : "",
      this.note?.textContent ?? "",
      isChanged && state ? strings.run.changed : "",
      isSelected ? strings.canvas.isSelected : "",
    ].filter(Boolean);
    setAttribute(node, "aria-label", strings.canvas.node(this.shape.title, this.shape.kind, words.join(", ")));
  }

  /**
   * A port says what is wrong with it.
   * @param {ReadonlyArray<{port: string, what: string}>} problems
   */
  showProblems(problems) {
    for (const port of this.ports.values()) {
      const found = problems.filter((problem) => problem.port === port.dataset.port).map(({ what }) => what).join("; ");
      const label = port.dataset.label ?? "";
      port.classList.toggle("has-problem", found !== "");
      setAttribute(port, "aria-label", found ? `${label}: ${found}` : label);
      port.title = found ? `${label}\n${found}` : port.dataset.hint ?? label;
    }
  }

  /** @param {string} text */
  showNote(text) {
    if (text === (this.note?.textContent ?? "")) return;
    this.note ??= this.element.appendChild(element("p", { class: "node-note", attributes: { "aria-hidden": "true" } }));
    this.note.textContent = text;
    this.note.title = text;
  }

  /**
   * @param {(side: "inputs" | "outputs", port: string) => {reason: string} | undefined} refusal
   * @param {string | undefined} own the port that the line begins at
   */
  showFit(refusal, own) {
    for (const [key, port] of this.ports) {
      const [side, name] = /** @type {["inputs" | "outputs", string]} */ (key.split(" "));
      const fits = own !== key && refusal(side, name) === undefined;
      port.classList.toggle("fits", fits);
      port.classList.toggle("refuses", own !== key && !fits);
      port.classList.toggle("is-pending", own === key);
    }
  }

  hideFit() {
    for (const port of this.ports.values()) port.classList.remove("fits", "refuses", "is-pending");
  }
}

/**
 * @param {ValueLine} line
 * @param {ShapeValue} value
 */
function showValue({ element: line, text, bar }, value) {
  if (value.kind === "checkbox") line.classList.toggle("is-on", value.isOn);
  else if (text.textContent !== value.text) text.textContent = value.text;
  if (bar) bar.style.transform = `scaleX(${value.fraction ?? 0})`;
  if (line.tagName === "BUTTON") setAttribute(line, "aria-label", strings.canvas.value(value.title, value.text));
}

/**
 * @param {NodeState} state
 * @param {number} now
 * @returns {string} how long it runs; empty in its first second
 */
function elapsedText({ started }, now) {
  return started === undefined || now - started < 1000 ? "" : secondsText(now - started);
}

/**
 * @param {NodeState} state
 * @param {string} time for how long it runs
 */
function stateText(state, time) {
  const words = [strings.run.state[state.state] ?? state.state];
  if (state.cached && state.state === "succeeded") words[0] = strings.run.cached;
  else if (state.state === "succeeded" && state.duration !== undefined) words[0] = durationText(state.duration);
  if (state.count > 1) words.push(strings.run.instances(state.doneCount, state.count));
  if (state.state === "running" && state.fraction !== undefined) words[0] = `${Math.round(100 * state.fraction)} %`;
  if (time) words.push(time);
  return words.join(" · ");
}

/** @param {NodeState} state */
function noteText({ state, message, error }) {
  if (state === "failed" || state === "retrying") return failureText(error);
  return state === "queued" || state === "running" ? message : "";
}

/**
 * An error belongs to the port that it names.
 * @param {NodeState | undefined} state
 * @returns {{port: string, what: string}[]}
 */
function failuresOf(state) {
  if (state?.state !== "failed" || !state.error) return [];
  const port = /\b(?:in|out)put '([^']{1,64})'/.exec(state.error.message)?.[1];
  return port === undefined ? [] : [{ port, what: failureText(state.error) }];
}
