/** Elements of the page. Text goes into them as text: nothing here, or anywhere in the editor, makes markup of it. */

/**
 * @typedef {object} Options
 * @property {string} [class]
 * @property {string} [text]
 * @property {string} [title]
 * @property {Record<string, string | number | boolean | undefined>} [attributes] true: an empty one; false or undefined: none
 * @property {Record<string, (event: any) => void>} [on]
 * @property {ReadonlyArray<Node | string | undefined>} [children]
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Options} [options]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, options = {}) {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  if (options.title) made.title = options.title;
  for (const [name, value] of Object.entries(options.attributes ?? {})) setAttribute(made, name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) made.addEventListener(name, listener);
  for (const child of options.children ?? []) if (child !== undefined) made.append(child);
  return made;
}

/**
 * @param {Element} target
 * @param {string} name
 * @param {string | number | boolean | undefined} value true: an empty one; false or undefined: none
 */
export function setAttribute(target, name, value) {
  if (value === undefined || value === false) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value === true ? "" : value)) {
    target.setAttribute(name, String(value === true ? "" : value));
  }
}

const svgNamespace = "http://www.w3.org/2000/svg";

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {SVGElement[]} [children]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawing(tag, attributes = {}, children = []) {
  const made = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Lines of 24 by 24, one path each. */
const icons = {
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4",
  redo: "M16 5l4 4-4 4M20 9H10a5 5 0 0 0 0 10h4",
  run: "M7 4l13 8-13 8z",
  stop: "M6 6h12v12H6z",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  arrange: "M4 5h6v5H4zM14 3h6v5h-6zM14 13h6v5h-6zM10 7.5h4M12 7.5v8h2",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18v.5",
  runs: "M12 7v5l4 2M12 4a8 8 0 1 1-8 8M4 5v4h4M4.5 8.5A8 8 0 0 1 12 4",
  palette: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  inspector: "M4 6h10M18 6h2M4 12h4M12 12h8M4 18h12M20 18h0M14 4v4M8 10v4M16 16v4",
  expression: "M9 4c-3 0-3 2-3 4s0 4-2 4c2 0 2 2 2 4s0 4 3 4M15 4c3 0 3 2 3 4s0 4 2 4c-2 0-2 2-2 4s0 4-3 4",
  text: "M4 5h16M4 10h10M4 15h14M4 20h8",
  exchange: "M12 4v10M8 10l4 4 4-4M4 15v5h16v-5",
  map: "M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14",
  menu: "M4 6h16M4 12h16M4 18h16",
  leave: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
};

/**
 * @param {keyof typeof icons} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return drawing("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, [
    drawing("path", { d: icons[name] }),
  ]);
}

/**
 * @param {keyof typeof icons} name
 * @param {string} label
 * @param {() => void} act
 * @param {Options} [options]
 */
export function iconButton(name, label, act, options = {}) {
  return element("button", {
    ...options,
    class: `icon-button ${options.class ?? ""}`.trim(),
    title: label,
    attributes: { type: "button", "aria-label": label, ...options.attributes },
    on: { click: act },
    children: [icon(name)],
  });
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {Options} [options]
 */
export function button(label, act, options = {}) {
  return element("button", {
    text: label,
    ...options,
    attributes: { type: "button", ...options.attributes },
    on: { click: act },
  });
}

/**
 * Whether somebody is writing there, so that a key is a letter and no order.
 * @param {EventTarget | null} target
 */
export function isField(target) {
  return target instanceof HTMLElement &&
    (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && !["checkbox", "range", "button"].includes(target.type)));
}
