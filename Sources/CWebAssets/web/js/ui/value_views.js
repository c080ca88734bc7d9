/** How values look: pictures, tables, charts, trees and texts. What plugins made is shown as text, or as a picture in which nothing runs. */

import { isArray, isObject, writeJSON } from "../model/json.js";
import { linesOf } from "../model/text.js";
import { cellText, chartOf, sortedRows } from "../model/values.js";
import { button, drawing, element } from "./dom.js";
import { runStrings } from "./strings/run_strings.js";

/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../model/values.js").TableView} TableView */
/** @typedef {import("../model/values.js").ValueView} ValueView */

const words = runStrings;
/** Rows of a table, and members of a level of a tree, that are there at one time. */
const pageSize = 100;
const mostText = 200_000;

/**
 * @param {ValueView} view
 * @param {string} name of the value, for those who don't see it
 * @param {number} width in pixels, for what is drawn
 * @returns {HTMLElement}
 */
export function viewElement(view, name, width) {
  switch (view.kind) {
    case "picture":
      return noted(view, picture(new Blob([view.source], { type: "image/svg+xml" }), view.title || name));
    case "table":
      return noted(view, tableElement(view.table, view.title || name));
    case "chart":
      return chartElement(view.table, name, width);
    case "text":
      return textElement(view.text, name);
    case "tree":
      return element("div", { class: "tree", children: [branch("", view.value, true)] });
  }
}

/**
 * @param {{title: string, note: string}} view
 * @param {HTMLElement} content
 */
function noted({ title, note }, content) {
  if (!title && !note) return content;
  return element("figure", {
    children: [
      title ? element("figcaption", { children: [element("bdi", { text: title })] }) : undefined,
      content,
      note ? element("p", { class: "quiet", text: note }) : undefined,
    ],
  });
}

/**
 * An image's scripts don't run, and it fetches nothing.
 * @param {Blob} content
 * @param {string} alt
 * @returns {HTMLElement}
 */
export function picture(content, alt) {
  const address = URL.createObjectURL(content);
  const problem = element("p", { class: "run-error", text: words.noPicture, attributes: { hidden: true } });
  const image = element("img", {
    class: content.type === "image/svg+xml" ? "drawn" : "",
    attributes: { alt, decoding: "async" },
    on: {
      load: () => URL.revokeObjectURL(address),
      error: () => {
        URL.revokeObjectURL(address);
        image.hidden = true;
        problem.hidden = false;
      },
    },
  });
  image.src = address;
  return element("div", { class: "picture", children: [image, problem] });
}

/**
 * @param {string} text
 * @param {string} name
 */
export function textElement(text, name) {
  return element("pre", {
    text: linesOf(text, mostText),
    attributes: { tabindex: 0, role: "region", "aria-label": name },
  });
}

// Tables

/**
 * Sorted by a click on a column's head, a page at a time.
 * @param {TableView} table
 * @param {string} name
 * @returns {HTMLElement}
 */
export function tableElement(table, name) {
  let rows = table.rows;
  let [column, isDescending, start] = [-1, false, 0];
  const body = element("tbody");
  const place = element("span", { class: "quiet", attributes: { role: "status" } });
  const heads = table.columns.map((title, index) =>
    element("th", {
      class: table.numbers.includes(index) ? "is-number" : "",
      attributes: { scope: "col" },
      children: [button(title || " ", () => sort(index), { title: words.sort(title), class: "sort" })],
    })
  );
  const pages = element("div", {
    class: "pages",
    attributes: { hidden: rows.length <= pageSize },
    children: [
      button(words.before, () => go(start - pageSize)),
      place,
      button(words.after, () => go(start + pageSize)),
    ],
  });
  const [before, after] = pages.querySelectorAll("button");
  /** @param {number} index */
  const sort = (index) => {
    [column, isDescending] = column === index ? [index, !isDescending] : [index, false];
    rows = sortedRows(table, column, isDescending);
    heads.forEach((head, other) =>
      other === index
        ? head.setAttribute("aria-sort", isDescending ? "descending" : "ascending")
        : head.removeAttribute("aria-sort")
    );
    go(0);
  };
  /** @param {number} from */
  const go = (from) => {
    start = Math.max(0, Math.min(from, rows.length - 1));
    body.replaceChildren(
      ...rows.slice(start, start + pageSize).map((row) =>
        element("tr", {
          children: row.map((value, index) =>
            element("td", {
              class: table.numbers.includes(index) ? "is-number" : "",
              children: [element("bdi", { text: cellText(value) })],
            })
          ),
        })
      ),
    );
    place.textContent = words.rows(start + 1, Math.min(start + pageSize, rows.length), rows.length);
    if (before) before.disabled = start === 0;
    if (after) after.disabled = start + pageSize >= rows.length;
  };
  go(0);
  const head = element("thead", { children: [element("tr", { children: heads })] });
  return element("div", {
    class: "values-table",
    children: [
      element("div", {
        class: "scroll",
        attributes: { tabindex: 0, role: "region", "aria-label": name },
        children: [element("table", { children: [head, body] })],
      }),
      pages,
    ],
  });
}

// Charts

/**
 * @param {TableView} table
 * @param {string} name
 * @param {number} width
 * @returns {HTMLElement} with the same numbers as a table, for those who don't see it
 */
function chartElement(table, name, width) {
  const shown = element("div", { class: "chart" });
  const choice = element("select", {
    attributes: { "aria-label": words.charted },
    on: { change: () => draw() },
    children: table.numbers.map((index) =>
      element("option", { text: table.columns[index] ?? "", attributes: { value: index } })
    ),
  });
  const draw = () => {
    const column = Number(choice.value);
    const chart = chartOf(table, column);
    const title = words.chart(name, table.columns[column] ?? "", chart.total);
    const attributes = { role: "img", "aria-label": title, class: `chart-${chart.kind}` };
    shown.replaceChildren(chart.kind === "bars" ? bars(chart, width, attributes) : line(chart, width, attributes));
  };
  draw();
  return element("div", {
    class: "chart-and-table",
    children: [
      table.numbers.length > 1 ? choice : undefined,
      shown,
      element("details", {
        children: [element("summary", { text: words.numbers }), tableElement(table, words.numbers)],
      }),
    ],
  });
}

/** @typedef {ReturnType<typeof chartOf>} Chart */

/**
 * @param {Chart} chart
 * @param {number} width
 * @param {Record<string, string>} attributes
 */
function bars({ points, least, most }, width, attributes) {
  const [row, across] = [36, width - 2];
  const extent = most - least || 1;
  const zero = (-least / extent) * across;
  const drawn = points.flatMap(({ label, value }, index) => {
    const length = Math.max(1, (Math.abs(value) / extent) * across);
    const text = drawing("text", { x: 0, y: index * row + 13, class: "chart-label" });
    text.textContent = label;
    const number = drawing("text", { x: width, y: index * row + 13, class: "chart-number" });
    number.textContent = numberText(value);
    return [
      text,
      number,
      drawing("rect", { x: value < 0 ? zero - length : zero, y: index * row + 19, width: length, height: 10, rx: 2 }),
    ];
  });
  const height = points.length * row;
  return drawing("svg", { ...attributes, width, height, viewBox: `0 0 ${width} ${height}` }, drawn);
}

/**
 * @param {Chart} chart
 * @param {number} width
 * @param {Record<string, string>} attributes
 */
function line({ points, least, most, total }, width, attributes) {
  const height = Math.max(140, Math.min(360, width / 2));
  const extent = most - least || 1;
  const path = points.map(({ value, place }, index) => {
    const x = (place / Math.max(1, total - 1)) * (width - 4) + 2;
    const y = height - 4 - ((value - least) / extent) * (height - 26);
    return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const top = drawing("text", { x: 2, y: 13, class: "chart-label" });
  top.textContent = numberText(most);
  const bottom = drawing("text", { x: 2, y: height + 14, class: "chart-label" });
  bottom.textContent = numberText(least);
  return drawing("svg", { ...attributes, width, height: height + 20, viewBox: `0 0 ${width} ${height + 20}` }, [
    drawing("path", { d: `M0 22H${width}M0 ${height - 3}H${width}`, class: "chart-rule" }),
    drawing("path", { d: path.join("") }),
    top,
    bottom,
  ]);
}

/** @param {number} value */
function numberText(value) {
  return value.toLocaleString(undefined, { maximumSignificantDigits: 6 });
}

// Trees

/**
 * A member, whose own members are made once it is opened.
 * @param {string} name
 * @param {JSONValue} value
 * @param {boolean} isOpen
 * @returns {HTMLElement}
 */
function branch(name, value, isOpen) {
  const label = name === "" ? [] : [element("bdi", { class: "tree-name", text: cellText(name, 100) }), " "];
  const isList = isArray(value);
  if (!isList && !isObject(value)) {
    return element("div", {
      class: "tree-leaf",
      children: [...label, element("bdi", { text: leafText(value) })],
    });
  }
  const size = isList ? value.length : value.size;
  const content = element("div", { class: "tree-content" });
  const made = element("details", {
    children: [
      element("summary", {
        children: [
          ...label,
          element("span", { class: "quiet", text: isList ? words.items(size) : words.members(size) }),
        ],
      }),
      content,
    ],
  });
  const open = () => {
    if (content.childElementCount === 0) addMembers(content, entriesOf(value));
  };
  made.addEventListener("toggle", () => made.open && open());
  if (isOpen) {
    open();
    made.open = true;
  }
  return made;
}

/** @param {JSONValue} value */
function leafText(value) {
  return linesOf(writeJSON(typeof value === "string" ? value.slice(0, 2000) : value), 2000);
}

/**
 * @param {JSONValue} value
 * @returns {IterableIterator<[string, JSONValue]>}
 */
function* entriesOf(value) {
  if (isObject(value)) yield* value;
  else if (isArray(value)) { for (const [index, item] of value.entries()) yield [String(index), item]; }
}

/**
 * @param {HTMLElement} content
 * @param {IterableIterator<[string, JSONValue]>} entries
 */
function addMembers(content, entries) {
  /** @type {HTMLElement[]} */
  const made = [];
  while (made.length < pageSize) {
    const next = entries.next();
    if (next.done) return content.append(...made);
    made.push(branch(next.value[0], next.value[1], false));
  }
  const more = button(words.more, () => {
    more.remove();
    addMembers(content, entries);
  });
  content.append(...made, more);
}
