/** Workflows from one form into another, by the server; loaded when somebody wants that. */

import { valueAt } from "../model/objects.js";
import { readDiagnostics } from "./client.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("./client.js").Diagnostic} Diagnostic */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {import("../model/document.js").WorkflowDocument} WorkflowDocument */

/**
 * @param {Client} client
 * @param {JSONValue | {text: string}} given a workflow, or one as YAML or JSON text
 * @param {boolean} [wantsFlow]
 * @returns {Promise<{document: JSONValue, source: string, flow: JSONValue, diagnostics: Diagnostic[]}>} `flow`: as React Flow has it
 * @throws {import("./client.js").ServerProblem} with the problems where the text can't be read
 */
export async function convert(client, given, wantsFlow = false) {
  const isText = typeof given === "object" && given !== null && "text" in given;
  const sent = isText ? { content: { type: "application/yaml", data: given.text } } : { body: given };
  const { value } = await client.ask("POST", `/api/v1/workflows/convert${wantsFlow ? "?react_flow=true" : ""}`, sent);
  const source = valueAt(value, ["source"]);
  return {
    document: valueAt(value, ["document"]) ?? null,
    source: typeof source === "string" ? source : "",
    flow: valueAt(value, ["flow"]) ?? null,
    diagnostics: readDiagnostics(valueAt(value, ["diagnostics"])),
  };
}

/**
 * @param {Client} client
 * @param {JSONValue} flow
 * @returns {Promise<{document: JSONValue, warnings: Diagnostic[]}>}
 */
export async function importFlow(client, flow) {
  const { value } = await client.ask("POST", "/api/v1/workflows/import", { body: flow });
  return {
    document: valueAt(value, ["document"]) ?? null,
    warnings: readDiagnostics(valueAt(value, ["warnings"])),
  };
}

/**
 * A document as YAML: as somebody wrote it where somebody has, otherwise as the server does.
 * @param {{client: Client, sources: WeakMap<WorkflowDocument, string>}} editor
 * @param {WorkflowDocument} document
 * @returns {Promise<string>}
 */
export async function sourceOf({ client, sources }, document) {
  const known = sources.get(document);
  if (known !== undefined) return known;
  const { source } = await convert(client, document);
  sources.set(document, source);
  return source;
}
