/** What is asked about runs, their results and their logs: what the first look at a workflow doesn't need. */

import { isArray, Problem, readJSON } from "../model/json.js";
import { readLogPage } from "../model/log.js";
import { valueAt } from "../model/objects.js";
import { readRunDetail, readRuns } from "../model/run_list.js";
import { lineOf } from "../model/text.js";
import { readArtifacts } from "../model/values.js";
import { ServerProblem, startedRun } from "./client.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../model/values.js").Artifact} Artifact */

/** Of values: what is shown of them is bounded before they are read. */
export const valueLimits = { characters: 8 << 20, depth: 256, values: 1_000_000 };
const patience = 60_000;

/** @param {string} run */
const pathOf = (run) => `/api/v1/runs/${encodeURIComponent(run)}`;

/**
 * @param {Client} client
 * @param {string} run
 * @param {{from?: string, document?: import("../model/document.js").WorkflowDocument}} part from which node on; the workflow as it is now
 * @returns {Promise<string>} the new run
 */
export async function rerun(client, run, { from, document }) {
  /** @type {Map<string, JSONValue>} */
  const body = new Map();
  if (from !== undefined) body.set("from", from);
  if (document) body.set("document", document);
  return startedRun((await client.ask("POST", `${pathOf(run)}/rerun`, { body })).value);
}

/**
 * @param {Client} client
 * @param {string} workflow as its document calls it
 * @param {{before?: string | undefined, limit: number}} page `before`: only runs that are older than this one
 */
export async function listRuns(client, workflow, { before, limit }) {
  const query = `workflow=${encodeURIComponent(workflow)}&limit=${limit}`;
  const after = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
  return readRuns((await client.ask("GET", `/api/v1/runs?${query}${after}`)).value);
}

/**
 * @param {Client} client
 * @param {string} run
 */
export async function runDetail(client, run) {
  const detail = readRunDetail((await client.ask("GET", pathOf(run))).value);
  if (!detail) throw new Problem("the server's answer is no run");
  return detail;
}

/**
 * @param {Client} client
 * @param {string} run that has ended
 */
export async function deleteRun(client, run) {
  await client.ask("DELETE", pathOf(run));
}

/**
 * @param {Client} client
 * @param {string} run
 * @returns {Promise<Map<string, string>>} what its queued nodes wait for, by their names
 */
export async function askWaiting(client, run) {
  const list = valueAt((await client.ask("GET", `${pathOf(run)}/waiting`)).value, ["waiting"]);
  /** @type {Map<string, string>} */
  const reasons = new Map();
  for (const item of isArray(list) ? list.slice(0, 10_000) : []) {
    const node = valueAt(item, ["node"]);
    if (typeof node === "string") reasons.set(node, lineOf(valueAt(item, ["reason"]), 400));
  }
  return reasons;
}

/**
 * @param {Client} client
 * @param {string} run
 * @param {{node: string, after: number, limit: number}} part `node`: empty: of all nodes
 */
export async function readLog(client, run, { node, after, limit }) {
  const query = `after=${after}&limit=${limit}${node ? `&node=${encodeURIComponent(node)}` : ""}`;
  return readLogPage((await client.ask("GET", `${pathOf(run)}/logs?${query}`)).value);
}

/**
 * @param {Client} client
 * @param {string} run
 * @returns {Promise<Artifact[]>} what its nodes returned
 */
export async function listArtifacts(client, run) {
  return readArtifacts((await client.ask("GET", `${pathOf(run)}/artifacts`)).value);
}

/**
 * @param {Client} client
 * @param {string} run
 * @param {Artifact} artifact
 * @param {number} [most] bytes, from the beginning on; without it all of it, however much that is
 * @returns {Promise<Response>}
 */
export function readValue(client, run, { node, port, index }, most = undefined) {
  const path = [node, port, String(index)].map(encodeURIComponent).join("/");
  return client.send("GET", `${pathOf(run)}/artifacts/${path}`, {
    ...(most === undefined ? {} : { headers: { Range: `bytes=0-${most - 1}` }, signal: AbortSignal.timeout(patience) }),
  });
}

/**
 * @param {Client} client
 * @param {string} run
 * @param {Artifact} artifact
 * @param {number} most
 * @returns {Promise<Uint8Array<ArrayBuffer>>} not more, whatever the server sends
 */
export async function valueBytes(client, run, artifact, most) {
  const count = Math.min(most, artifact.bytes);
  // Of nothing there is no part.
  return count === 0 ? new Uint8Array() : await beginningOf(await readValue(client, run, artifact, count), count);
}

/**
 * @param {Response} response
 * @param {number} most bytes
 */
async function beginningOf(response, most) {
  const reader = response.body?.getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  let length = 0;
  while (reader && length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value.subarray(0, most - length));
    length += pieces[pieces.length - 1].length;
  }
  await reader?.cancel();
  const found = new Uint8Array(length);
  let place = 0;
  for (const piece of pieces) {
    found.set(piece, place);
    place += piece.length;
  }
  return found;
}

/**
 * @param {Client} client
 * @param {string} run that has ended
 * @returns {Promise<Blob>} its page
 */
export async function reportOf(client, run) {
  return await (await client.send("GET", `${pathOf(run)}/report`)).blob();
}

/** What is asked of a run that has just ended may have to be asked again, until all of it is written down. */
const again = { times: 20, milliseconds: 250 };

/**
 * @param {Client} client
 * @param {string} run that has ended
 * @param {string} node of its document
 * @returns {Promise<JSONValue>} what was refused to the node and its instances
 */
export async function explanation(client, run, node) {
  for (let time = 1;; time++) {
    try {
      return (await client.ask("GET", `${pathOf(run)}/explain?node=${encodeURIComponent(node)}`)).value;
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.status !== 409 || time === again.times) throw error;
      await new Promise((resolve) => setTimeout(resolve, again.milliseconds));
    }
  }
}

/**
 * @param {Client} client
 * @param {string} plugin
 * @param {string[]} permissions
 */
export async function grant(client, plugin, permissions) {
  const body = new Map([["permissions", permissions]]);
  await client.ask("POST", `/api/v1/plugins/${encodeURIComponent(plugin)}/grants`, { body });
}

/**
 * @param {Uint8Array} bytes
 * @returns {JSONValue}
 */
export function jsonOf(bytes) {
  return readJSON(new TextDecoder("utf-8", { fatal: true }).decode(bytes), valueLimits);
}
