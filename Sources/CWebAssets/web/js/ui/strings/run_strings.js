/** What is said of runs, by what is loaded with the first of them: see `strings.js`. */

export const runStrings = {
  gone: "This run isn't there any more.",
  former: (/** @type {string} */ when, /** @type {string} */ by, /** @type {string} */ state) =>
    `This is the run of ${when}${by ? ` by ${by}` : ""}: ${state}.`,
  changedSince: (/** @type {number} */ count) =>
    count === 1 ? "One node has changed since." : `${count} nodes have changed since.`,
  latest: "Show the latest run",
  panel: {
    label: "Runs",
    tabs: { list: "Runs", timeline: "Timeline", log: "Log", compare: "Compare" },
    listed: "Runs, the latest first",
    none: "There was no run yet.",
    older: "Older runs",
    compare: "Compare",
    pick: "Compare",
    pickOne: (/** @type {string} */ when) => `Compare the run of ${when}`,
    pickTwo: "Two that are ticked can be compared.",
    state: "State",
    when: "When",
    took: "Took",
    nodes: "Nodes",
    by: "By",
    acts: "Actions",
    show: "Show",
    isShown: "shown",
    again: "Run again",
    report: "Report",
    remove: "Remove",
    removeQuestion: (/** @type {string} */ when) =>
      `Remove the run of ${when} with its log, its workspace and its results?`,
    removed: "Removed the run.",
    repeats: (/** @type {string} */ parent) => `Repeats ${parent}`,
    states: /** @type {Record<string, string>} */ ({
      running: "running",
      cutOff: "cut off",
      succeeded: "succeeded",
      failed: "failed",
      sandboxUnavailable: "no sandbox",
      deadlineExceeded: "took too long",
      interrupted: "cancelled",
      stateLost: "not written down",
    }),
  },
  log: {
    label: (/** @type {string} */ node) => node ? `Log of ${node}` : "Log of the run",
    search: "Search in the log",
    older: "Older",
    newest: "Newest",
    copy: "Copy",
    copied: "Copied.",
    download: "Download",
    nothing: "Nothing was said.",
    notFound: "Nothing of it is in what is shown.",
    lines: (/** @type {number} */ count) => count === 1 ? "1 line" : `${count} lines`,
  },
  gantt: {
    label: "When each node waited and ran",
    none: "Nothing has run yet.",
    table: "As a table",
    columns: ["Node", "State", "Ready after ms", "Waited ms", "Ran ms", "Attempts"],
    waited: (/** @type {string} */ time) => `waited ${time}`,
    ran: (/** @type {string} */ time, /** @type {string} */ start) => `ran ${time} from ${start} on`,
    attempts: (/** @type {number} */ count) => `${count} attempts`,
  },
  compare: {
    wholes: "Both",
    run: "Run",
    state: "State",
    took: "Took",
    inputs: "Inputs that differ",
    sameInputs: "They were given the same.",
    settings: "Settings that differ",
    sameSettings: "Their nodes were set the same.",
    noSettings: "One of them has no workflow that can be read.",
    place: "Where",
    nodes: "Nodes",
    node: "Node",
  },
  noTrouble: "There is no problem.",
  trouble: (/** @type {number} */ index, /** @type {number} */ count, /** @type {string} */ text) =>
    count === 1 ? text : `${index} of ${count}: ${text}`,
  isRunning: "A run goes on: cancel it, or wait for its end.",
  instances: "Instances",
  furtherInstances: (/** @type {number} */ count) => `And ${count} more.`,
  failed: "Failed",
  denials: {
    title: "Refused by its sandbox",
    further: (/** @type {number} */ count) => `And ${count} more.`,
    tried: (/** @type {string} */ what) => `It ${what}`,
    because: (/** @type {string} */ why) => `Refused: ${why}.`,
    risk: (/** @type {string} */ risk) => `Think of: ${risk}.`,
    unknown: "The run had too many nodes to keep what was refused to this one.",
    nothing: "Nothing that can be granted would allow it.",
    notAsked: (/** @type {string} */ plugin, /** @type {string} */ permission) =>
      `${permission} would allow it, but the plugin ${plugin} doesn't ask for that: granting it changes nothing.`,
    grant: (/** @type {string} */ permission, /** @type {string} */ plugin) => `Grant ${permission} to ${plugin}`,
    granted: (/** @type {string} */ permission, /** @type {string} */ plugin) => `Granted ${permission} to ${plugin}.`,
    again: "Run from here",
    ask: "An admin can allow it:",
    copy: "Copy the command",
    copied: "Copied the command.",
  },
  selectSome: "Select the nodes to run to.",
  selectOne: "Select the node to run from.",
  noRun: "No run is shown whose results could be taken: run all of it first.",
  stillRuns: "The run that is shown hasn't ended: its results can't be taken yet.",
  noResults: (/** @type {string} */ name) =>
    `The run that is shown has no results of what lies before ${name}: run all of it, or to it.`,
  progress: (/** @type {number} */ done, /** @type {number} */ count, /** @type {string} */ time) =>
    `${done} of ${count} · ${time}`,
  values: "Outputs",
  value: (/** @type {string} */ name) => `Output ${name}`,
  noValues: "It returned nothing.",
  looks: (/** @type {string} */ name) => `How ${name} is shown`,
  kinds: { table: "Table", chart: "Chart", picture: "Picture", text: "Text", tree: "Tree" },
  larger: "Larger",
  download: "Download",
  downloaded: (/** @type {string} */ name) => `Downloaded ${name}.`,
  tooLarge: "it is too large for this browser: take it with the API",
  show: (/** @type {string} */ what) => `Show ${what}`,
  loading: "Loading …",
  beginning: (/** @type {string} */ shown, /** @type {string} */ all) => `The first ${shown} of ${all}:`,
  array: (/** @type {string} */ what) => `An array: ${what}`,
  noLook: "It is neither text nor a picture.",
  noPicture: "It can't be drawn.",
  sort: (/** @type {string} */ column) => `Sort by ${column}`,
  rows: (/** @type {number} */ first, /** @type {number} */ last, /** @type {number} */ count) =>
    `${first}–${last} of ${count}`,
  before: "Before",
  after: "After",
  more: "More",
  charted: "What is charted",
  chart: (/** @type {string} */ name, /** @type {string} */ column, /** @type {number} */ count) =>
    `Chart of ${name}: ${column}, ${count} values`,
  numbers: "The numbers",
  items: (/** @type {number} */ count) => count === 1 ? "1 item" : `${count} items`,
  members: (/** @type {number} */ count) => count === 1 ? "1 member" : `${count} members`,
};

/**
 * @param {number} time milliseconds since 1970
 * @returns {string} of today the time alone
 */
export function whenText(time) {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString(undefined, { timeStyle: "medium" })
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
