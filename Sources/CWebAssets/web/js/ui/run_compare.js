/** Two runs beside each other. */

import { runDetail } from "../api/runs.js";
import { differingOf, differingText, nodesBeside } from "../model/compare.js";
import { durationText } from "../model/text.js";
import { element } from "./dom.js";
import { messageOf } from "./messages.js";
import { runStrings, whenText } from "./strings/run_strings.js";
import { strings } from "./strings/strings.js";
import { tableElement } from "./value_views.js";

/** @typedef {import("../model/run_list.js").RunDetail} RunDetail */
/** @typedef {import("../model/run_list.js").RunNode} RunNode */
/** @typedef {import("../model/compare.js").Differing} Differing */

const words = runStrings.compare;

/**
 * @param {import("../api/client.js").Client} client
 * @param {string} first
 * @param {string} second
 * @returns {Promise<HTMLElement[]>}
 */
export async function comparison(client, first, second) {
  try {
    const [left, right] = await Promise.all([runDetail(client, first), runDetail(client, second)]);
    const { inputs, settings } = differingOf(left, right);
    const titles = [left, right].map(({ created }) => whenText(created));
    return [
      element("h3", { text: words.wholes }),
      beside([words.run, ...titles], [
        [words.state, ...[left, right].map(({ state }) => runStrings.panel.states[state] ?? state)],
        [
          words.took,
          ...[left, right].map(({ created, ended }) => ended === undefined ? "" : durationText(ended - created)),
        ],
      ], words.wholes),
      ...part(words.inputs, words.sameInputs, inputs, titles),
      ...part(
        words.settings,
        left.document && right.document ? words.sameSettings : words.noSettings,
        settings,
        titles,
      ),
      element("h3", { text: words.nodes }),
      beside(
        [words.node, ...titles],
        nodesBeside(left, right).map((row) => [row.name, nodeText(row.left), nodeText(row.right)]),
        words.nodes,
      ),
    ];
  } catch (error) {
    return [element("p", { class: "run-error", text: messageOf(error), attributes: { role: "alert" } })];
  }
}

/**
 * @param {string} title
 * @param {string} same
 * @param {Differing[]} list
 * @param {string[]} titles of the runs
 */
function part(title, same, list, titles) {
  const rows = list.map(({ place, left, right }) => [place, differingText(left), differingText(right)]);
  return [
    element("h3", { text: title }),
    rows.length === 0 ? element("p", { class: "quiet", text: same }) : beside([words.place, ...titles], rows, title),
  ];
}

/**
 * @param {string[]} columns
 * @param {string[][]} rows
 * @param {string} name
 */
function beside(columns, rows, name) {
  return tableElement({ columns, rows, label: 0, numbers: [] }, name);
}

/** @param {RunNode | undefined} node */
function nodeText(node) {
  if (!node) return "–";
  const state = node.cached ? strings.run.cached : strings.run.state[node.state] ?? node.state;
  return node.duration === undefined || node.cached ? state : `${state} · ${durationText(node.duration)}`;
}
