/** The hosts: what they have, what is held of it by which nodes, what waits and for what. Asked again while somebody looks. */

import { ServerProblem } from "../api/client.js";
import { bytesText, readHosts, readQueue, readRuns, workflowOf } from "../model/hosts.js";
import { addressOf } from "../model/routes.js";
import { durationText } from "../model/text.js";
import { momentText } from "./dialogs.js";
import { element } from "./dom.js";
import { messageOf } from "./messages.js";
import { pageTable } from "./page_table.js";
import { pageStrings } from "./strings/page_strings.js";
import { strings } from "./strings/strings.js";

/** @typedef {import("../api/client.js").Client} Client */
/** @typedef {import("../model/hosts.js").Host} Host */
/** @typedef {import("../model/hosts.js").RunningNode} RunningNode */
/** @typedef {import("../model/hosts.js").ListedRun} ListedRun */
/** @typedef {{hosts: Host[], queue: ReturnType<typeof readQueue>, runs: ListedRun[], names: string[]}} State */

const words = pageStrings.hosts;

/** Milliseconds. */
const pause = 2000;

/**
 * @param {import("./pages.js").Around} around
 * @returns {Promise<import("./pages.js").Screen>}
 */
export async function hostsPage({ client }) {
  const problem = element("p", { class: "page-problem", attributes: { role: "alert", hidden: true } });
  const content = element("div", { class: "hosts" });
  const ending = new AbortController();
  const { signal } = ending;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let drawn = "";

  /** @param {State} state */
  function draw(state) {
    const text = JSON.stringify([state, Math.floor(Date.now() / 1000) * Math.min(1, state.queue.waiting.length)]);
    if (text === drawn) return;
    drawn = text;
    // Who is at a link stays there.
    const focused = content.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    content.replaceChildren(...parts(state));
    if (focused) [...content.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden || signal.aborted) return;
    try {
      const state = await stateOf(client);
      if (signal.aborted) return;
      draw(state);
      problem.hidden = true;
    } catch (error) {
      const isLost = error instanceof ServerProblem && error.status === 0;
      const text = isLost ? strings.run.lost : messageOf(error);
      if (problem.textContent !== text) problem.textContent = text;
      problem.hidden = false;
    }
    if (!signal.aborted) timer = setTimeout(refresh, pause);
  }

  draw(await stateOf(client));
  timer = setTimeout(refresh, pause);
  document.addEventListener("visibilitychange", refresh, { signal });
  const heading = element("h1", { text: words.title, attributes: { tabindex: -1 } });
  return {
    element: element("div", { class: "hosts-page", children: [heading, problem, content] }),
    title: words.title,
    stop: () => {
      ending.abort();
      clearTimeout(timer);
    },
  };
}

/**
 * @param {Client} client
 * @returns {Promise<State>}
 */
async function stateOf(client) {
  const [hosts, queue, runs] = await Promise.all(
    ["hosts", "queue", "runs?state=running&limit=200"].map((path) => client.ask("GET", `/api/v1/${path}`)),
  );
  const listed = readRuns(runs.value);
  const names = listed.length > 0 ? (await client.workflows()).map(({ name }) => name) : [];
  return { hosts: readHosts(hosts.value), queue: readQueue(queue.value), runs: listed, names };
}

/** @param {State} state */
function parts(state) {
  return [
    ...state.hosts.map((host) => hostCard(host, state)),
    section(words.queue, queueTable(state)),
    section(words.runs, runTable(state)),
  ];
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 */
function section(title, content) {
  return element("section", { class: "page-section", children: [element("h2", { text: title }), content] });
}

// A host

/**
 * @param {Host} host
 * @param {State} state
 */
function hostCard(host, state) {
  const [milli, bytes] = [host.milli - host.freeMilli, host.bytes - host.freeBytes];
  return element("section", {
    class: "host",
    children: [
      element("h2", { children: [element("bdi", { text: host.name })] }),
      element("div", {
        class: "meters",
        children: [
          meter(words.processors, milli / host.milli, words.used(String(milli / 1000), String(host.milli / 1000))),
          meter(words.memory, bytes / host.bytes, words.used(bytesText(bytes), bytesText(host.bytes))),
          ...host.devices.map(({ id, bytes: size, freeMilli }) =>
            meter(id, 1 - freeMilli / 1000, words.share(Math.round(100 - freeMilli / 10), bytesText(size)))
          ),
        ],
      }),
      host.devices.length === 0 ? element("p", { class: "quiet", text: words.noDevices }) : undefined,
      element("h3", { text: words.running }),
      host.running.length === 0 ? element("p", { class: "quiet", text: words.idle }) : table(
        words.running,
        [words.node, words.workflow, words.holds],
        host.running.map((node) => [
          element("bdi", { text: node.node }),
          runLink(node.run, state),
          holdsText(node),
        ]),
      ),
      host.runningCount > host.running.length
        ? element("p", { class: "quiet", text: words.further(host.runningCount - host.running.length) })
        : undefined,
    ],
  });
}

/** @param {RunningNode} node */
function holdsText({ milli, bytes, devices }) {
  return [
    milli > 0 ? words.cpus(milli / 1000) : "",
    bytes > 0 ? bytesText(bytes) : "",
    ...devices,
  ].filter(Boolean).join(", ") || words.nothing;
}

/**
 * @param {string} title
 * @param {number} share of it that is used
 * @param {string} text
 */
function meter(title, share, text) {
  const part = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
  const bar = element("div", { class: "meter-bar" });
  bar.style.width = `${100 * part}%`;
  return element("div", {
    class: "meter",
    children: [
      element("div", {
        class: "meter-head",
        children: [element("bdi", { text: title }), element("span", { class: "quiet", text })],
      }),
      element("div", {
        class: "meter-track",
        attributes: {
          role: "meter",
          "aria-label": title,
          "aria-valuemin": 0,
          "aria-valuemax": 100,
          "aria-valuenow": Math.round(100 * part),
          "aria-valuetext": text,
        },
        children: [bar],
      }),
    ],
  });
}

// What waits, and what runs

/** @param {State} state */
function queueTable(state) {
  const { waiting, furtherCount } = state.queue;
  if (waiting.length === 0) return element("p", { class: "quiet", text: words.nobodyWaits });
  const rows = waiting.map(({ run, node, reason, since }) => [
    element("bdi", { text: node }),
    runLink(run, state),
    element("bdi", { text: reason }),
    durationText(Math.max(0, Date.now() - since)),
  ]);
  return element("div", {
    children: [
      table(words.queue, [words.node, words.workflow, words.reason, words.since], rows),
      furtherCount > 0 ? element("p", { class: "quiet", text: words.further(furtherCount) }) : undefined,
    ],
  });
}

/** @param {State} state */
function runTable(state) {
  if (state.runs.length === 0) return element("p", { class: "quiet", text: words.noRuns });
  const heads = [words.workflow, words.run, words.nodes, words.began, words.by];
  return table(
    words.runs,
    heads,
    state.runs.map((run) => [
      runLink(run.run, state),
      element("bdi", { text: run.run }),
      String(run.nodes),
      momentText(run.created),
      element("bdi", { text: run.submitter }),
    ]),
  );
}

/**
 * To the run on its workflow, where that is stored.
 * @param {string} identifier
 * @param {State} state
 */
function runLink(identifier, { runs, names }) {
  const run = runs.find((one) => one.run === identifier);
  if (!run) return element("bdi", { text: identifier });
  const name = workflowOf(run, names);
  if (name === undefined) return element("bdi", { text: run.workflow });
  return element("a", {
    attributes: { href: addressOf({ screen: "workflow", name, run: identifier }) },
    children: [element("bdi", { text: name })],
  });
}

/**
 * @param {string} title
 * @param {string[]} heads
 * @param {(Node | string)[][]} rows
 */
function table(title, heads, rows) {
  const made = rows.map((cells) =>
    element("tr", {
      children: cells.map((cell, index) =>
        index === 0
          ? element("th", { attributes: { scope: "row" }, children: [cell] })
          : element("td", { children: [cell] })
      ),
    })
  );
  return pageTable(title, heads, made);
}
