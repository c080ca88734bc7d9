/** Every key of the editor, once: what it does follows from this list, and so does the page that `?` shows, in the words of part_strings.js. */

const arrows = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/**
 * `where`: "anywhere" also outside of the canvas, but not where somebody writes, unless it is with Ctrl.
 * @typedef {{keys: string[], action: string, where: "anywhere" | "canvas"}} KeyBinding
 * @type {ReadonlyArray<KeyBinding>}
 */
export const keyBindings = [
  { keys: ["/"], action: "search", where: "anywhere" },
  { keys: ["?"], action: "help", where: "anywhere" },
  { keys: ["h"], action: "pages", where: "anywhere" },
  { keys: ["y"], action: "text", where: "anywhere" },
  { keys: ["Ctrl+o"], action: "exchange", where: "anywhere" },
  { keys: ["Ctrl+s"], action: "save", where: "anywhere" },
  { keys: ["Ctrl+Enter"], action: "run", where: "anywhere" },
  { keys: ["Ctrl+Shift+Enter"], action: "runTo", where: "anywhere" },
  {
    keys: ["Ctrl+Alt+Enter"],
    action: "runFrom",
    where: "anywhere",
  },
  { keys: ["r"], action: "runs", where: "anywhere" },
  { keys: ["Shift+r"], action: "cancel", where: "anywhere" },
  { keys: ["x"], action: "nextProblem", where: "anywhere" },
  { keys: ["Shift+x"], action: "lastProblem", where: "anywhere" },
  { keys: ["Ctrl+z"], action: "undo", where: "anywhere" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], action: "redo", where: "anywhere" },
  { keys: ["f"], action: "fit", where: "anywhere" },
  { keys: ["l"], action: "arrange", where: "anywhere" },
  { keys: ["+", "="], action: "zoomIn", where: "anywhere" },
  { keys: ["-"], action: "zoomOut", where: "anywhere" },
  { keys: ["m"], action: "minimap", where: "anywhere" },
  { keys: ["g"], action: "canvas", where: "anywhere" },
  { keys: ["Escape"], action: "escape", where: "anywhere" },
  {
    keys: arrows,
    action: "go",
    where: "canvas",
  },
  {
    keys: arrows.map((arrow) => `Shift+${arrow}`),
    action: "pan",
    where: "canvas",
  },
  {
    keys: arrows.flatMap((arrow) => [`Alt+${arrow}`, `Alt+Shift+${arrow}`]),
    action: "move",
    where: "canvas",
  },
  {
    keys: ["Enter"],
    action: "details",
    where: "canvas",
  },
  { keys: ["F2"], action: "rename", where: "canvas" },
  { keys: [" "], action: "toggle", where: "canvas" },
  { keys: ["c"], action: "connect", where: "canvas" },
  { keys: ["e"], action: "fields", where: "canvas" },
  { keys: ["i"], action: "showFields", where: "anywhere" },
  { keys: ["o"], action: "order", where: "canvas" },
  { keys: ["Shift+g"], action: "group", where: "canvas" },
  { keys: ["w"], action: "lines", where: "canvas" },
  {
    keys: ["p"],
    action: "addPoint",
    where: "canvas",
  },
  { keys: ["Shift+p"], action: "removePoint", where: "canvas" },
  { keys: ["n"], action: "note", where: "canvas" },
  {
    keys: arrows.map((arrow) => `Ctrl+${arrow}`),
    action: "resize",
    where: "canvas",
  },
  { keys: ["Shift+F10", "ContextMenu"], action: "menu", where: "canvas" },
  { keys: ["d", "Ctrl+d"], action: "duplicate", where: "canvas" },
  { keys: ["Delete", "Backspace"], action: "remove", where: "canvas" },
  { keys: ["Ctrl+a"], action: "selectAll", where: "canvas" },
  { keys: ["Ctrl+c", "Ctrl+x", "Ctrl+v"], action: "clipboard", where: "canvas" },
];

/**
 * @param {KeyboardEvent} event
 * @returns {string} as the list has it; the Command key of a Mac is Ctrl
 */
export function keyName(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isShifted = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${
    isShifted ? "Shift+" : ""
  }${key}`;
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} isCanvas
 * @returns {string | undefined} an action
 */
export function actionOf(event, isCanvas) {
  const name = keyName(event);
  const found = keyBindings.find(({ keys, where }) => keys.includes(name) && (where === "anywhere" || isCanvas));
  return found?.action;
}
