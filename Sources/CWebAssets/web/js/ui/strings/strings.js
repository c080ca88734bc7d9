/**
 * What the editor says; what depends on something is a function of it. Here is what the first load of a workflow needs, `part_strings.js`
 * has what is wanted at a workflow later, `run_strings.js` what comes with the first run, and `page_strings.js` the other screens. What the
 * model says is in model/words.js and model/part_words.js, with the same difference.
 */

export const strings = {
  product: "Orchestrator",
  noPart: "A part of the editor can't be loaded. Is the server running, and this machine connected?",
  signIn: {
    title: "Sign in",
    refused: "This token isn't taken.",
    explanation:
      "This server takes a token: the one that its first start has shown, or one of “orchestrator token create”.",
    field: "Token",
    act: "Sign in",
    kept: "It is kept until this tab is closed.",
  },
  workflows: {
    title: "Workflows",
    empty: "There is no workflow yet.",
    create: "New workflow",
    name: "Name",
    open: "Open",
    grammar: "Use a lower-case letter, then up to 63 lower-case letters, digits, '_', '.' or '-'.",
    taken: (/** @type {string} */ name) => `There is a workflow ${name} already.`,
    version: (/** @type {number} */ version) => `version ${version}`,
    none: (/** @type {string} */ name) => `There is no workflow ${name}.`,
    draft: "not saved",
    back: "All workflows",
    leaveQuestion: "There are changes that aren't saved. Leave them?",
  },
  bar: {
    label: "Workflow",
    undo: "Undo",
    redo: "Redo",
    save: "Save",
    run: "Run",
    cancel: "Cancel the run",
    fit: "Show everything",
    arrange: "Arrange the nodes",
    help: "Keys",
    runs: "Runs",
    palette: "Palette",
    inspector: "Details",
    menu: "Menu",
    text: "As text",
    exchange: "Import and export",
    dirty: "Changed",
    saved: "Saved",
    fresh: "Not saved yet",
    takes: (/** @type {string} */ scope) => `This takes a token with the scope ${scope}.`,
  },
  palette: {
    label: "Node types",
    search: "Search node types",
    hint: "Press / to search, Enter to add",
    none: "Nothing fits.",
    empty: "This server has no plugins yet.",
    refused: (/** @type {number} */ count) => `${count} node types can't be shown.`,
    fitting: (/** @type {number} */ count, /** @type {string} */ port) => `${count} that fit ${port}`,
    found: (/** @type {number} */ count) => count === 1 ? "1 node type" : `${count} node types`,
  },
  canvas: {
    label: "Canvas",
    empty: "Drag a node type here, or press / and pick one.",
    node: (/** @type {string} */ name, /** @type {string} */ kind, /** @type {string} */ state) =>
      `${name}, ${kind}${state ? `, ${state}` : ""}`,
    input: (/** @type {string} */ title, /** @type {string} */ type, /** @type {string} */ rest) =>
      `Input ${title}${type ? `, ${type}` : ""}${rest}`,
    output: (/** @type {string} */ title, /** @type {string} */ type) => `Output ${title}${type ? `, ${type}` : ""}`,
    value: (/** @type {string} */ title, /** @type {string} */ text) => `${title}: ${text || "empty"}`,
    required: ", required",
    multiple: ", takes several",
    connectFrom: (/** @type {string} */ port) => `Connecting ${port}: choose where to. Escape ends it.`,
    connectNone: (/** @type {string} */ port) => `Nothing here fits ${port}.`,
    connected: (/** @type {string} */ from, /** @type {string} */ to) => `Connected ${from} to ${to}.`,
    refused: (/** @type {string} */ reason) => `Can't be connected: ${reason}.`,
    sameSide: "an output goes to an input",
    ended: "Not connected.",
    selected: (/** @type {number} */ count) => count === 1 ? "1 node selected" : `${count} nodes selected`,
    done: (/** @type {string} */ label) => `${label}.`,
    undone: (/** @type {string} */ label) => `Undone: ${label}.`,
    redone: (/** @type {string} */ label) => `Done again: ${label}.`,
    nothingCopied: "Nothing is selected.",
    copied: (/** @type {number} */ nodes, /** @type {number} */ groups, /** @type {number} */ comments) =>
      [counted(nodes, "node"), counted(groups, "group"), counted(comments, "comment")].flat().join(", ") + " copied.",
    missing: "its plugin isn't here",
    isSelected: "selected",
  },
  minimap: { show: "Show the map", hide: "Hide the map", shown: "The map is shown.", hidden: "The map is hidden." },
  inspector: {
    label: "Details",
    none: "Nothing selected",
    noneHint: "Select a node to see its parameters.",
    several: (/** @type {number} */ count) => `${count} nodes`,
  },
  order: {
    only: "order goes from node to node, and values from port to port",
    of: (/** @type {string} */ node) => `the order after ${node}`,
    done: (/** @type {string} */ from, /** @type {string} */ to) => `${to} waits for ${from}.`,
    inputs: (/** @type {string} */ node) => `Let ${node} wait for another node`,
    outputs: (/** @type {string} */ node) => `Let another node wait for ${node}`,
  },
  save: {
    saving: "Saving …",
    done: (/** @type {string} */ name) => `Saved ${name}.`,
    empty: "A workflow needs a node before it can be saved.",
    conflict: (/** @type {string} */ author) => `${author || "Somebody"} has saved another version meanwhile.`,
    title: "Another version",
    notKept: "This browser can't keep what isn't saved: it is lost with this page until you save it.",
    textFirst: "What is written as text isn't on the canvas yet: see there why.",
    comments:
      "This workflow has comments. They stay where it is changed as text, and go where it is changed on the canvas.",
    commentsLost: "Its comments aren't in this version; the version before has them.",
    draft: "Went on with changes of this tab that weren't saved.",
  },
  run: {
    started: "The run has started.",
    problems: (/** @type {number} */ count) =>
      count === 1 ? "It can't be run: 1 problem." : `It can't be run: ${count} problems.`,
    changed: "changed since the run",
    goesOn: "The run goes on.",
    lost: "The connection is lost. It is tried again.",
    outcome: (/** @type {string} */ outcome) => `The run ${outcomes[outcome] ?? "has ended"}.`,
    cached: "cached",
    attempt: (/** @type {number} */ attempt) => `attempt ${attempt}`,
    instances: (/** @type {number} */ done, /** @type {number} */ count) => `${done} of ${count}`,
    state: /** @type {Record<string, string>} */ ({
      waiting: "waiting",
      queued: "queued",
      running: "running",
      retrying: "trying again",
      succeeded: "succeeded",
      failed: "failed",
      skipped: "skipped",
      cancelled: "cancelled",
    }),
  },
  close: "Close",
};

/** @type {Record<string, string>} */
const outcomes = {
  succeeded: "has succeeded",
  failed: "has failed",
  sandboxUnavailable: "had no sandbox",
  deadlineExceeded: "took too long",
  interrupted: "was cancelled",
  stateLost: "couldn't be written down",
};

/**
 * @param {number} count
 * @param {string} one
 */
function counted(count, one) {
  return count === 0 ? [] : [`${count} ${one}${count === 1 ? "" : "s"}`];
}
