/**
 * What the server is asked, with the token that somebody signed in with: in a header, never in an address.
 *
 * @typedef {import("../model/json.js").JSONValue} JSONValue
 * @typedef {{severity: string, what: string, why: string, hint: string, node: string, port: string, parameter: string, line: number}} Diagnostic `line` from 1; 0: none
 * What is sent: a value as JSON, or what is something else already.
 * @typedef {{body?: JSONValue, content?: {type: string, data: Blob | string}, headers?: Record<string, string>}} Request
 * @typedef {{name: string, scope: Scope}} Holder
 * @typedef {"viewer" | "runner" | "author" | "admin"} Scope each allows what those before it do
 * @typedef {{status: number, value: JSONValue, tag: string | null}} Answer
 */

import { isArray, numericValue, Problem, readJSON, writeJSON } from "../model/json.js";
import { valueAt } from "../model/objects.js";
import { lineOf, linesOf } from "../model/text.js";

/** Of what is asked at one time; watching a run takes as long as that does. */
const patience = 60_000;
/** @type {ReadonlyArray<Scope>} */
const scopes = ["viewer", "runner", "author", "admin"];
const answerLimits = { characters: 64 << 20, depth: 200, values: 4_000_000 };

/** The server refused something: RFC 9457. */
export class ServerProblem extends Problem {
  /**
   * @param {number} status 0: it didn't answer
   * @param {string} title
   * @param {string} [detail]
   * @param {string} [hint]
   * @param {Diagnostic[]} [diagnostics]
   */
  constructor(status, title, detail = "", hint = undefined, diagnostics = []) {
    super(detail ? `${title}: ${detail}` : title, hint);
    this.name = "ServerProblem";
    this.status = status;
    this.diagnostics = diagnostics;
  }
}

/**
 * @param {JSONValue | undefined} value
 * @returns {Diagnostic[]}
 */
export function readDiagnostics(value) {
  if (!isArray(value)) return [];
  return value.slice(0, 1000).map((item) => {
    /** @param {string} key */
    const text = (key) => linesOf(valueAt(item, [key]), 2000);
    return {
      severity: text("severity"),
      what: text("what"),
      why: text("why"),
      hint: text("hint"),
      node: text("node"),
      port: text("port"),
      parameter: text("parameter"),
      line: numericValue(valueAt(item, ["line"])) ?? 0,
    };
  });
}

/**
 * @param {number} status
 * @param {string} body
 */
function problemOf(status, body) {
  try {
    const value = readJSON(body, answerLimits);
    const title = lineOf(valueAt(value, ["title"]), 400) || `the server answered ${status}`;
    const hint = lineOf(valueAt(value, ["hint"]), 400) || undefined;
    const detail = lineOf(valueAt(value, ["detail"]), 400);
    return new ServerProblem(status, title, detail, hint, readDiagnostics(valueAt(value, ["diagnostics"])));
  } catch {
    return new ServerProblem(status, `the server answered ${status}`);
  }
}

/**
 * @param {Scope} has
 * @param {Scope} needed
 */
export function allows(has, needed) {
  return scopes.indexOf(has) >= scopes.indexOf(needed);
}

/**
 * @param {JSONValue} value
 * @returns {string} the run that was begun
 */
export function startedRun(value) {
  const run = valueAt(value, ["run"]);
  if (typeof run !== "string") throw new ServerProblem(0, "the server didn't say which run it started");
  return run;
}

export class Client {
  /** @param {string} token */
  constructor(token) {
    this.token = token;
    /** @type {Promise<Holder> | undefined} */
    this.holder = undefined;
    /** Milliseconds by which this clock is ahead of the server's, as far as that can be told. */
    this.ahead = 0;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Request & {signal?: AbortSignal}} [options]
   * @returns {Promise<Response>} one of success
   * @throws {ServerProblem}
   */
  async send(method, path, options = {}) {
    /** @type {Record<string, string>} */
    const headers = { ...options.headers };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const content = options.content ??
      (options.body === undefined ? undefined : { type: "application/json", data: writeJSON(options.body, 2) + "\n" });
    if (content) headers["Content-Type"] = content.type;
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        credentials: "omit",
        redirect: "error",
        cache: "no-store",
        ...(content ? { body: content.data } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
      });
    } catch (error) {
      if (options.signal?.aborted && !(options.signal.reason instanceof DOMException)) throw error;
      throw new ServerProblem(0, "the server can't be reached", "", "is it running, and this machine connected?");
    }
    // It says whole seconds.
    const ahead = Date.now() - Date.parse(response.headers.get("Date") ?? "");
    if (Number.isFinite(ahead)) this.ahead = Math.abs(ahead) > 3000 ? ahead : 0;
    if (response.ok) return response;
    throw problemOf(response.status, await response.text().catch(() => ""));
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Request & {patience?: number}} [options] `patience` in milliseconds
   * @returns {Promise<Answer>}
   * @throws {Problem}
   */
  async ask(method, path, options = {}) {
    const response = await this.send(method, path, {
      ...options,
      signal: AbortSignal.timeout(options.patience ?? patience),
    });
    const text = await response.text();
    return {
      status: response.status,
      value: text === "" ? null : readJSON(text, answerLimits),
      tag: response.headers.get("ETag"),
    };
  }

  /** @returns {number} milliseconds since 1970, by the server's clock */
  now() {
    return Date.now() - this.ahead;
  }

  /** @returns {Promise<Holder>} whose token it is; asked once */
  me() {
    this.holder ??= this.ask("GET", "/api/v1/me").then(({ value }) => {
      const scope = valueAt(value, ["scope"]);
      return { name: lineOf(valueAt(value, ["name"]), 64), scope: scopes.find((known) => known === scope) ?? "viewer" };
    }).catch((error) => {
      this.holder = undefined;
      throw error;
    });
    return this.holder;
  }

  // Workflows

  /** @returns {Promise<{name: string, version: number}[]>} all of them, by name */
  async workflows() {
    /** @type {{name: string, version: number}[]} */
    const found = [];
    let after = "";
    while (true) {
      const query = `limit=200${after ? `&after=${encodeURIComponent(after)}` : ""}`;
      const { value } = await this.ask("GET", `/api/v1/workflows?${query}`);
      const page = valueAt(value, ["workflows"]);
      for (const item of isArray(page) ? page : []) {
        const name = valueAt(item, ["name"]);
        if (typeof name === "string") found.push({ name, version: numericValue(valueAt(item, ["version"])) ?? 0 });
      }
      const next = valueAt(value, ["next"]);
      if (typeof next !== "string" || next === after) return found;
      after = next;
    }
  }

  /**
   * @param {string} name
   * @returns {Promise<{document: JSONValue, source: string, tag: string | null, version: number, author: string}>}
   */
  async workflow(name) {
    const { value, tag } = await this.ask("GET", `/api/v1/workflows/${encodeURIComponent(name)}`);
    const source = valueAt(value, ["source"]);
    return {
      document: valueAt(value, ["document"]) ?? null,
      source: typeof source === "string" ? source : "",
      tag,
      version: numericValue(valueAt(value, ["version"])) ?? 0,
      author: lineOf(valueAt(value, ["author"]), 64),
    };
  }

  /**
   * @param {string} name
   * @param {JSONValue} document
   * @param {string | null} tag of the version that it follows; null: it is a new workflow
   * @param {string} [source] the same as YAML, which is kept as it is written
   * @returns {Promise<string | null>} the tag that it has now
   * @throws {ServerProblem} status 412: somebody else has saved another version
   */
  async save(name, document, tag, source) {
    /** @type {Record<string, string>} */
    const headers = tag === null ? { "If-None-Match": "*" } : { "If-Match": tag };
    const path = `/api/v1/workflows/${encodeURIComponent(name)}`;
    const sent = source === undefined ? { body: document } : { content: { type: "application/yaml", data: source } };
    const answer = await this.ask("PUT", path, { ...sent, headers });
    return answer.tag;
  }

  /**
   * @param {JSONValue} document
   * @returns {Promise<Diagnostic[]>}
   */
  async validate(document) {
    const { value } = await this.ask("POST", "/api/v1/workflows/validate", { body: document });
    return readDiagnostics(valueAt(value, ["diagnostics"]));
  }

  // Runs

  /**
   * @param {JSONValue} document
   * @param {JSONValue} inputs
   * @returns {Promise<string>} the run
   */
  async start(document, inputs) {
    const body = new Map(/** @type {[string, JSONValue][]} */ ([["document", document], ["inputs", inputs]]));
    return startedRun((await this.ask("POST", "/api/v1/runs", { body })).value);
  }

  /** @param {string} run */
  async cancel(run) {
    await this.ask("POST", `/api/v1/runs/${encodeURIComponent(run)}/cancel`);
  }
}
