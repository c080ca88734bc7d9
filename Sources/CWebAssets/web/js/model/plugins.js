/**
 * What the server says of plugins. Plugins wrote much of it: texts are cut, and lists bounded.
 *
 * @typedef {import("./json.js").JSONValue} JSONValue
 * @typedef {{what: string, why: string, hint: string}} Finding
 * @typedef {{name: string, version: string, description: string, nodeTypes: string[], permissions: string[]}} ListedPlugin
 * @typedef {{directory: string, findings: Finding[]}} BrokenPlugin
 *
 * @typedef {object} Version
 * @property {string} version
 * @property {string} digest
 * @property {string[]} signers
 * @property {number} installed milliseconds since 1970
 * @property {"current" | "previous" | "other"} standing
 *
 * By which somebody was given a permission. `time` is of one that can be taken back.
 * @typedef {{permission: string, by: string, file: string, line: number, user: number | undefined, time: string}} Grant
 * @typedef {{permission: string, meaning: string, risk: string, granted: Grant[], forbiddenBy: string}} Asked
 *
 * @typedef {object} Plugin
 * @property {string} name
 * @property {string} version
 * @property {string} author
 * @property {string} license
 * @property {string} description
 * @property {string[]} nodeTypes
 * @property {string[]} dependencies
 * @property {string} digest
 * @property {string} directory
 * @property {string} profile
 * @property {Version[]} installed the latest first
 * @property {Asked[]} asked
 * @property {string[]} earlier what other files of it were granted
 * @property {Finding[]} findings
 * @property {{crashes: number, remaining: number} | undefined} stopped `remaining` in milliseconds
 * @property {boolean} hasSettings
 */

import { isArray, isObject, numericValue } from "./json.js";
import { objectAt, valueAt } from "./objects.js";
import { lineOf, linesOf } from "./text.js";

const limits = { plugins: 2000, items: 512, text: 2000, word: 200 };

/**
 * @param {JSONValue | undefined} value
 * @returns {JSONValue[]}
 */
function items(value) {
  return isArray(value) ? value.slice(0, limits.items) : [];
}

/**
 * @param {JSONValue | undefined} value
 * @returns {string[]}
 */
function words(value) {
  return items(value).map((item) => lineOf(item, limits.word)).filter(Boolean);
}

/**
 * @param {JSONValue | undefined} value
 * @returns {Finding[]}
 */
export function readFindings(value) {
  return items(value).map((item) => ({
    what: linesOf(valueAt(item, ["what"]), limits.text),
    why: linesOf(valueAt(item, ["why"]), limits.text),
    hint: linesOf(valueAt(item, ["hint"]), limits.text),
  }));
}

/**
 * @param {JSONValue} value
 * @returns {{plugins: ListedPlugin[], broken: BrokenPlugin[], findings: Finding[]}}
 */
export function readPluginList(value) {
  const listed = valueAt(value, ["plugins"]);
  return {
    plugins: (isArray(listed) ? listed.slice(0, limits.plugins) : []).filter(isObject).map((item) => ({
      name: lineOf(item.get("name"), limits.word),
      version: lineOf(item.get("version"), limits.word),
      description: lineOf(item.get("description"), limits.text),
      nodeTypes: words(item.get("node_types")),
      permissions: words(item.get("permissions")),
    })),
    broken: items(valueAt(value, ["broken"])).map((item) => ({
      directory: lineOf(valueAt(item, ["directory"]), limits.text),
      findings: readFindings(valueAt(item, ["diagnostics"])),
    })),
    findings: readFindings(valueAt(value, ["diagnostics"])),
  };
}

/**
 * @param {JSONValue} value
 * @returns {Plugin}
 */
export function readPlugin(value) {
  const manifest = objectAt(value, ["manifest"]);
  const grants = objectAt(value, ["grants"]);
  const stopped = valueAt(value, ["stopped"]);
  return {
    name: lineOf(valueAt(value, ["name"]), limits.word),
    version: lineOf(manifest.get("version"), limits.word),
    author: lineOf(manifest.get("author"), limits.word),
    license: lineOf(manifest.get("license"), limits.word),
    description: linesOf(manifest.get("description"), limits.text),
    nodeTypes: words(manifest.get("node_types")),
    dependencies: words(manifest.get("dependencies")),
    digest: lineOf(valueAt(value, ["digest"]), limits.word),
    directory: lineOf(grants.get("directory"), limits.text),
    profile: lineOf(grants.get("profile"), limits.word),
    installed: items(valueAt(value, ["installed"])).filter(isObject).map(readVersion),
    asked: items(grants.get("asked")).filter(isObject).map(readAsked),
    earlier: words(grants.get("granted_to_earlier_files")),
    findings: readFindings(grants.get("problems")),
    stopped: isObject(stopped)
      ? {
        crashes: numericValue(stopped.get("crashes")) ?? 0,
        remaining: Math.max(0, numericValue(stopped.get("remaining_ms")) ?? 0),
      }
      : undefined,
    hasSettings: objectAt(manifest, ["configuration"]).size > 0,
  };
}

/**
 * @param {import("./json.js").JSONObject} item
 * @returns {Version}
 */
function readVersion(item) {
  const standing = item.get("standing");
  return {
    version: lineOf(item.get("version"), limits.word),
    digest: lineOf(item.get("digest"), limits.word),
    signers: words(item.get("signers")),
    installed: numericValue(item.get("installed_ms")) ?? 0,
    standing: standing === "current" || standing === "previous" ? standing : "other",
  };
}

/**
 * @param {import("./json.js").JSONObject} item
 * @returns {Asked}
 */
function readAsked(item) {
  return {
    permission: lineOf(item.get("permission"), limits.text),
    meaning: lineOf(item.get("meaning"), limits.text),
    risk: lineOf(item.get("risk"), limits.text),
    granted: items(item.get("granted")).filter(isObject).map((grant) => ({
      permission: lineOf(grant.get("permission"), limits.text),
      by: lineOf(grant.get("by"), limits.word),
      file: lineOf(grant.get("file"), limits.text),
      line: numericValue(grant.get("line")) ?? 0,
      user: numericValue(grant.get("user")),
      time: lineOf(grant.get("time"), limits.word),
    })),
    forbiddenBy: placeText(objectAt(item, ["forbidden_by"])),
  };
}

/** @param {import("./json.js").JSONObject} rule */
function placeText(rule) {
  const text = lineOf(rule.get("permission"), limits.text);
  return text && `${text} (${lineOf(rule.get("file"), limits.text)}:${numericValue(rule.get("line")) ?? 0})`;
}

/**
 * Whether it reaches beyond the run's workspace and the sandbox, such that somebody should look twice.
 * @param {string} permission
 */
export function isSharp(permission) {
  const [name, scope] = nameAndScope(permission);
  if (name === "filesystem.write") return scope !== "";
  if (name === "network.http" || name === "network.socket") return scope === "";
  return name === "system.exec" || name === "memory.unlimited" || name === "gpu.access";
}

/**
 * @param {string} permission
 * @returns {[string, string]}
 */
export function nameAndScope(permission) {
  const colon = permission.indexOf(":");
  return colon < 0 ? [permission, ""] : [permission.slice(0, colon), permission.slice(colon + 1)];
}

/**
 * Reading beyond the workspace, or in it, together with sending is what leaks data.
 * @param {ReadonlyArray<string>} permissions
 */
export function canLeak(permissions) {
  const names = permissions.map((permission) => nameAndScope(permission)[0]);
  return names.some((name) => name.startsWith("filesystem.")) && names.some((name) => name.startsWith("network."));
}

/**
 * Of a refusal to let a version count that asks for more than the one that does.
 * @param {string} message of the server
 * @returns {{plugin: string, version: string, permissions: string[]} | undefined} undefined: it is another refusal
 */
export function consentNeeded(message) {
  const found =
    /^([a-z][a-z0-9_-]{0,63}) ([^ ]{1,128}) asks for more than [^ ]{1,128} did: ([^\n]{1,4000}?)(?:: nobody|$)/
      .exec(message);
  return found ? { plugin: found[1], version: found[2], permissions: found[3].split(", ") } : undefined;
}
