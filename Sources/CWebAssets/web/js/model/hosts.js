/**
 * What the hosts have, what of it is held by whom, and what waits, of what the server says.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {{id: string, bytes: number, freeMilli: number}} Device `freeMilli` in thousandths of it
 * @typedef {{run: string, node: string, milli: number, bytes: number, devices: string[]}} RunningNode
 * Processors in thousandths, memory in bytes. What is free is below nothing where more is held than there is.
 * @typedef {{name: string, milli: number, freeMilli: number, bytes: number, freeBytes: number, devices: Device[], running: RunningNode[], runningCount: number}} Host
 * @typedef {{run: string, node: string, reason: string, since: number}} WaitingNode `since` in milliseconds since 1970
 * @typedef {{run: string, workflow: string, file: string, created: number, nodes: number, submitter: string}} ListedRun
 */

import { isArray, isObject, numericValue } from "./json.js";
import { valueAt } from "./objects.js";
import { lineOf } from "./text.js";

const limits = { hosts: 200, items: 500, text: 400 };

/**
 * @param {JSONValue | undefined} value
 * @param {number} most
 */
function objects(value, most) {
  return (isArray(value) ? value.slice(0, most) : []).filter(isObject);
}

/**
 * @param {JSONValue | undefined} value
 * @returns {number}
 */
function number(value) {
  return numericValue(value) ?? 0;
}

/**
 * @param {JSONValue} value
 * @returns {Host[]}
 */
export function readHosts(value) {
  return objects(valueAt(value, ["hosts"]), limits.hosts).map((host) => {
    const running = objects(host.get("running"), limits.items).map((one) => {
      const devices = one.get("devices");
      return {
        run: lineOf(one.get("run"), 128),
        node: lineOf(one.get("node"), limits.text),
        milli: number(one.get("cpu_milli")),
        bytes: number(one.get("memory_bytes")),
        devices: (isArray(devices) ? devices.slice(0, 64) : []).map((device) =>
          lineOf(isObject(device) ? device.get("id") : device, 80)
        ).filter(Boolean),
      };
    });
    return {
      name: lineOf(host.get("name"), limits.text),
      milli: number(host.get("cpu_milli")),
      freeMilli: number(host.get("cpu_milli_free")),
      bytes: number(host.get("memory_bytes")),
      freeBytes: number(host.get("memory_bytes_free")),
      devices: objects(host.get("devices"), limits.items).map((device) => ({
        id: lineOf(device.get("id"), 80),
        bytes: number(device.get("memory_bytes")),
        freeMilli: number(device.get("milli_free")),
      })),
      running,
      runningCount: Math.max(number(host.get("running_count")), running.length),
    };
  });
}

/**
 * @param {JSONValue} value
 * @returns {{waiting: WaitingNode[], furtherCount: number}}
 */
export function readQueue(value) {
  const runs = objects(valueAt(value, ["runs"]), limits.items);
  const waiting = runs.flatMap((run) =>
    objects(run.get("waiting"), limits.items).map((node) => ({
      run: lineOf(run.get("run"), 128),
      node: lineOf(node.get("node"), limits.text),
      reason: lineOf(node.get("reason"), limits.text),
      since: number(node.get("since_ms")),
    }))
  );
  const further = runs.reduce((sum, run) => sum + number(run.get("further_count")), 0);
  return {
    waiting: waiting.slice(0, limits.items),
    furtherCount: further + Math.max(0, waiting.length - limits.items),
  };
}

/**
 * @param {JSONValue} value
 * @returns {ListedRun[]}
 */
export function readRuns(value) {
  return objects(valueAt(value, ["runs"]), limits.items).map((run) => ({
    run: lineOf(run.get("run"), 128),
    workflow: lineOf(run.get("workflow"), limits.text),
    file: lineOf(run.get("file"), limits.text),
    created: number(run.get("created_ms")),
    nodes: number(run.get("nodes_count")),
    submitter: lineOf(run.get("submitter"), 64),
  }));
}

/**
 * The stored workflow that a run is of: by its file where it was started by its name, otherwise by what the workflow calls itself, for the
 * editor gives it its name with what such a name can have.
 * @param {ListedRun} run
 * @param {ReadonlyArray<string>} names of what is stored
 * @returns {string | undefined}
 */
export function workflowOf({ file, workflow }, names) {
  const stem = file === "workflow.yaml" ? "" : file.replace(/\.yaml$/, "");
  return names.find((name) => name === stem) ?? names.find((name) => name === workflow) ??
    names.find((name) => name.replace(/[^A-Za-z0-9_-]/g, "_") === workflow);
}

/**
 * @param {number} bytes
 * @returns {string} three figures and a unit
 */
export function bytesText(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let [value, unit] = [Math.abs(bytes), 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${bytes < 0 ? "−" : ""}${Number(value.toPrecision(3))} ${units[unit]}`;
}
