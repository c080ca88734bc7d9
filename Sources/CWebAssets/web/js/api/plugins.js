/** What is asked of the server about plugins; loaded with their screen. */

import { fromPlain, isArray, isObject } from "../model/json.js";
import { objectAt, valueAt } from "../model/objects.js";
import { readFindings, readPlugin, readPluginList } from "../model/plugins.js";
import { lineOf, linesOf } from "../model/text.js";

/** @typedef {import("./client.js").Client} Client */
/** @typedef {import("../model/json.js").JSONValue} JSONValue */
/** @typedef {{grants?: string[], withoutConsent?: boolean}} Consent */

/** An installation fetches, unpacks and asks: it may take minutes. */
const patience = 600_000;

/** @param {string} name */
const pathOf = (name) => `/api/v1/plugins/${encodeURIComponent(name)}`;

/** @param {Client} client */
export async function pluginList(client) {
  return readPluginList((await client.ask("GET", "/api/v1/plugins")).value);
}

/**
 * @param {Client} client
 * @param {string} name
 */
export async function pluginDetail(client, name) {
  return readPlugin((await client.ask("GET", pathOf(name))).value);
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {string[]} permissions
 */
export async function grant(client, name, permissions) {
  await client.ask("POST", `${pathOf(name)}/grants`, { body: fromPlain({ permissions }) });
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {string} permission
 */
export async function revoke(client, name, permission) {
  await client.ask("DELETE", `${pathOf(name)}/grants?permission=${encodeURIComponent(permission)}`);
}

/**
 * @param {Client} client
 * @param {Blob} file a package
 * @param {Consent} consent
 */
export async function installPackage(client, file, { grants = [], withoutConsent = false }) {
  const query = [
    ...grants.map((permission) => `grant=${encodeURIComponent(permission)}`),
    ...(withoutConsent ? ["without_consent=true"] : []),
  ].join("&");
  const content = { type: "application/zip", data: file };
  const { value } = await client.ask("POST", `/api/v1/plugins${query ? `?${query}` : ""}`, { content, patience });
  return { installed: [readInstallation(value)], warnings: readFindings(undefined) };
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {string} range of versions; empty: the highest
 * @param {Consent & {plugin?: string}} consent `plugin`: whose the grants are, where that is another that it needs
 */
export async function installNamed(client, name, range, { grants = [], withoutConsent = false, plugin = name }) {
  const body = fromPlain({
    ...(range ? { range } : {}),
    ...(grants.length > 0 ? { grants: { [plugin]: grants } } : {}),
    ...(withoutConsent ? { without_consent: true } : {}),
  });
  const { value } = await client.ask("POST", `${pathOf(name)}/install`, { body, patience });
  const installed = valueAt(value, ["installed"]);
  return {
    installed: (isArray(installed) ? installed : []).map(readInstallation),
    warnings: readFindings(valueAt(value, ["warnings"])),
  };
}

/** @param {JSONValue} value */
function readInstallation(value) {
  return { name: lineOf(valueAt(value, ["name"]), 64), version: lineOf(valueAt(value, ["version"]), 128) };
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {string} version
 */
export async function rollBack(client, name, version) {
  await client.ask("POST", `${pathOf(name)}/rollback`, { body: fromPlain({ version }) });
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {string} [version] all where none is named
 */
export async function remove(client, name, version) {
  await client.ask("DELETE", pathOf(name) + (version ? `?version=${encodeURIComponent(version)}` : ""));
}

/**
 * @typedef {{name: string, type: string, description: string, defaultValue: JSONValue, isRequired: boolean, isSecret: boolean}} SettingKey
 * @typedef {{keys: SettingKey[], values: ReadonlyMap<string, JSONValue>, origins: Map<string, "file" | "server">}} Settings
 */

/**
 * @param {Client} client
 * @param {string} name
 * @returns {Promise<Settings>}
 */
export async function settings(client, name) {
  const { value } = await client.ask("GET", `${pathOf(name)}/settings`);
  const keys = valueAt(value, ["keys"]);
  /** @type {Map<string, "file" | "server">} */
  const origins = new Map();
  for (const [key, origin] of objectAt(value, ["configured"])) {
    if (origin === "file" || origin === "server") origins.set(key, origin);
  }
  return {
    keys: (isArray(keys) ? keys.slice(0, 512) : []).filter(isObject).map((key) => ({
      name: lineOf(key.get("name"), 128),
      type: lineOf(key.get("type"), 32),
      description: linesOf(key.get("description"), 2000),
      defaultValue: key.get("default") ?? null,
      isRequired: key.get("required") === true,
      isSecret: key.get("secret") === true,
    })),
    values: objectAt(value, ["settings"]),
    origins,
  };
}

/**
 * @param {Client} client
 * @param {string} name
 * @param {ReadonlyMap<string, JSONValue>} changes null takes a value back
 */
export async function saveSettings(client, name, changes) {
  await client.ask("PUT", `${pathOf(name)}/settings`, { body: new Map([["settings", changes]]) });
}
