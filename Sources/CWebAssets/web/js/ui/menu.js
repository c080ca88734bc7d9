/** What can be done at a place, listed there: on a right click, a long press, or the menu key. */

import { button, element } from "./dom.js";

/** @typedef {{label: string, keys?: string, act: () => void}} MenuItem */

/**
 * @param {ReadonlyArray<MenuItem>} items
 * @param {{x: number, y: number}} point of the window
 * @param {string} label
 */
export function openMenu(items, point, label) {
  document.querySelector(".menu")?.remove();
  const before = document.activeElement;
  /** @param {boolean} isBack */
  const close = (isBack) => {
    ending.abort();
    menu.remove();
    if (isBack && before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const ending = new AbortController();
  const { signal } = ending;
  const menu = element("div", {
    class: "menu",
    attributes: { role: "menu", "aria-label": label },
    children: items.map(({ label: text, keys, act }) => {
      const made = button("", () => {
        close(true);
        act();
      }, { attributes: { role: "menuitem", tabindex: -1 } });
      made.append(text, ...(keys ? [element("kbd", { text: keys, attributes: { "aria-hidden": "true" } })] : []));
      return made;
    }),
  });
  menu.addEventListener("keydown", (event) => {
    const all = [...menu.querySelectorAll("button")];
    const index = all.findIndex((one) => one === document.activeElement);
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") close(true);
    else if (event.key === "ArrowDown") all[(index + 1) % all.length]?.focus();
    else if (event.key === "ArrowUp") all[(index - 1 + all.length) % all.length]?.focus();
    else if (event.key === "Home") all[0]?.focus();
    else if (event.key === "End") all.at(-1)?.focus();
    else return;
    event.preventDefault();
  });
  addEventListener("pointerdown", (event) => {
    if (!(event.target instanceof Node && menu.contains(event.target))) close(false);
  }, { signal, capture: true });
  for (const kind of ["blur", "resize"]) addEventListener(kind, () => close(false), { signal });
  // Within a landmark, as everything else.
  (document.querySelector("main") ?? document.body).append(menu);
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(point.x, innerWidth - width - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(point.y, innerHeight - height - 4))}px`;
  menu.querySelector("button")?.focus();
}
