/** What is asked about runs, their results and their logs: what the first look at a workflow doesn't need. */

import { isArray, readJSON } from "../model/json.js";
import { valueAt } from "../model/objects.js";
import { lineOf } from "../model/text.js";
import { readArtifacts } from "../model/values.js";
import { startedRun } from "./client.js";

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
  // Of nothing there is no part.
  if (artifact.bytes === 0) return new Uint8Array();
  const response = await readValue(client, run, artifact, Math.min(most, artifact.bytes));
  const reader = response.body?.getReader();
  const found = new Uint8Array(Math.min(most, artifact.bytes));
  let length = 0;
  while (reader && length < found.length) {
    const { done, value } = await reader.read();
    if (done) break;
    found.set(value.subarray(0, found.length - length), length);
    length += value.length;
  }
  await reader?.cancel();
  return found.subarray(0, Math.min(length, found.length));
}

/**
 * @param {Uint8Array} bytes
 * @returns {JSONValue}
 */
export function jsonOf(bytes) {
  return readJSON(new TextDecoder("utf-8", { fatal: true }).decode(bytes), valueLimits);
}
