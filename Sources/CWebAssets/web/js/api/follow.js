/** Follows a run to its end, over lost connections and servers that begin anew. */

import { emptyRun } from "../model/run.js";
import { afterEvents } from "../model/run_events.js";
import { ServerProblem } from "./client.js";
import { EventReader } from "./events.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("../model/run.js").RunState} RunState */

/** Milliseconds before it is asked again. */
const delays = [250, 500, 1000, 2000, 5000];

/**
 * @param {Client} client
 * @param {string} run
 * @param {{onChange: (state: RunState) => void, onConnection: (isConnected: boolean) => void, signal: AbortSignal}} options
 * @returns {Promise<RunState>} as it was when the run ended
 * @throws {ServerProblem} the server won't tell
 */
export async function followRun(client, run, { onChange, onConnection, signal }) {
  let state = emptyRun;
  let failures = 0;
  while (!signal.aborted) {
    const before = state.last;
    try {
      const path = `/api/v1/runs/${encodeURIComponent(run)}/events?transient=true`;
      /** @type {Record<string, string>} */
      const headers = state.last > 0 ? { "Last-Event-ID": String(state.last) } : {};
      const response = await client.send("GET", path, { headers, signal });
      onConnection(true);
      if (response.status === 204 || !response.body) return state;
      for await (const events of eventsOf(response.body)) {
        state = afterEvents(state, events);
        failures = 0;
        onChange(state);
      }
      // All of it was sent: asked once more, the server says whether there is any more.
      if (state.outcome !== undefined) continue;
    } catch (error) {
      if (signal.aborted) break;
      const status = error instanceof ServerProblem ? error.status : 0;
      if (status >= 400 && status < 500 && status !== 429) throw error;
      onConnection(false);
    }
    if (state.last === before) failures++;
    await pause(delays[Math.min(failures, delays.length - 1)] * (0.75 + Math.random() / 2), signal);
  }
  return state;
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<import("../model/run_events.js").RunEvent[]>}
 */
async function* eventsOf(body) {
  const reader = new EventReader();
  const decoder = new TextDecoder();
  const pieces = body.getReader();
  try {
    while (true) {
      const { done, value } = await pieces.read();
      if (done) return;
      const events = reader.read(decoder.decode(value, { stream: true })).map(({ id, kind, data }) => ({
        id: id !== undefined && /^[0-9]{1,15}$/.test(id) ? Number(id) : undefined,
        kind,
        data: dataOf(data),
      }));
      if (events.length > 0) yield events;
    }
  } finally {
    await pieces.cancel().catch(() => undefined);
  }
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function dataOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
