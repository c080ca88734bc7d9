/** What is said of runs, by what is loaded with the first of them: see `strings.js`. */

export const runStrings = {
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
  show: (/** @type {string} */ size) => `Show (${size})`,
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
