/** A table of a page: where the screen is narrow it moves within its frame, by keys too. */

import { element } from "./dom.js";

/**
 * @param {string} title
 * @param {string[]} heads
 * @param {HTMLElement[]} rows
 */
export function pageTable(title, heads, rows) {
  return element("div", {
    class: "page-table",
    attributes: { tabindex: 0, role: "region", "aria-label": title },
    children: [
      element("table", {
        children: [
          element("thead", {
            children: [
              element("tr", { children: heads.map((text) => element("th", { text, attributes: { scope: "col" } })) }),
            ],
          }),
          element("tbody", { children: rows }),
        ],
      }),
    ],
  });
}
