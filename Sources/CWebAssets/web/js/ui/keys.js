/** Every key of the editor, once: what it does follows from this list, and so does the page that `?` shows. */

/**
 * `where`: "anywhere" also outside of the canvas, but not where somebody writes, unless it is with Ctrl.
 * @typedef {{keys: string[], action: string, what: string, where: "anywhere" | "canvas"}} KeyBinding
 * @type {ReadonlyArray<KeyBinding>}
 */
export const keyBindings = [
  { keys: ["/"], action: "search", what: "Search node types", where: "anywhere" },
  { keys: ["?"], action: "help", what: "Show these keys", where: "anywhere" },
  { keys: ["Ctrl+s"], action: "save", what: "Save", where: "anywhere" },
  { keys: ["Ctrl+Enter"], action: "run", what: "Run", where: "anywhere" },
  { keys: ["Ctrl+Shift+Enter"], action: "runTo", what: "Run to the selected nodes", where: "anywhere" },
  {
    keys: ["Ctrl+Alt+Enter"],
    action: "runFrom",
    what: "Run from the selected node on, with the results of the run that is shown",
    where: "anywhere",
  },
  { keys: ["r"], action: "runs", what: "Show or hide the runs", where: "anywhere" },
  { keys: ["x"], action: "nextProblem", what: "Go to the next problem, or node that failed", where: "anywhere" },
  { keys: ["Shift+x"], action: "lastProblem", what: "Go to the problem before", where: "anywhere" },
  { keys: ["Ctrl+z"], action: "undo", what: "Undo", where: "anywhere" },
  { keys: ["Ctrl+Shift+z", "Ctrl+y"], action: "redo", what: "Redo", where: "anywhere" },
  { keys: ["f"], action: "fit", what: "Show everything", where: "anywhere" },
  { keys: ["l"], action: "arrange", what: "Arrange the selected nodes, or all", where: "anywhere" },
  { keys: ["+", "="], action: "zoomIn", what: "Zoom in", where: "anywhere" },
  { keys: ["-"], action: "zoomOut", what: "Zoom out", where: "anywhere" },
  { keys: ["g"], action: "canvas", what: "Go to the canvas", where: "anywhere" },
  { keys: ["Escape"], action: "escape", what: "End what has begun; select nothing", where: "anywhere" },
  {
    keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
    action: "go",
    what: "Go to the next node in that direction",
    where: "canvas",
  },
  {
    keys: ["Alt+ArrowLeft", "Alt+ArrowRight", "Alt+ArrowUp", "Alt+ArrowDown"],
    action: "move",
    what: "Move the selected nodes",
    where: "canvas",
  },
  { keys: ["Enter"], action: "details", what: "Go to the node's details; on a port: connect", where: "canvas" },
  { keys: [" "], action: "toggle", what: "Add the node to the selection, or take it out", where: "canvas" },
  { keys: ["c"], action: "connect", what: "Connect the node: go to its ports", where: "canvas" },
  { keys: ["d", "Ctrl+d"], action: "duplicate", what: "Duplicate", where: "canvas" },
  { keys: ["Delete", "Backspace"], action: "remove", what: "Remove what is selected", where: "canvas" },
  { keys: ["Ctrl+a"], action: "selectAll", what: "Select all", where: "canvas" },
  { keys: ["Ctrl+c", "Ctrl+x", "Ctrl+v"], action: "clipboard", what: "Copy, cut, paste", where: "canvas" },
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
