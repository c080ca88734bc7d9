/**
 * The addresses of the screens: what stands behind `#`.
 *
 * @typedef {{screen: "workflows"} | {screen: "workflow", name: string, run?: string} | {screen: "plugins", name?: string} | {screen: "hosts"}} Route
 */

import { isPluginName, isWorkflowName } from "./names.js";

/**
 * @param {string} hash with its `#`, or empty
 * @returns {Route} the workflows where it is none of ours
 */
export function readAddress(hash) {
  const given = new Map(
    hash.replace(/^#/, "").split("&").map((part) => /** @type {const} */ ([part.split("=", 1)[0], valueOf(part)])),
  );
  const name = given.get("workflow") ?? "";
  const run = given.get("run") ?? "";
  const plugin = given.get("plugins") ?? "";
  if (isWorkflowName(name)) {
    return { screen: "workflow", name, ...(/^[A-Za-z0-9_-]{1,128}$/.test(run) ? { run } : {}) };
  }
  if (given.has("plugins")) return { screen: "plugins", ...(isPluginName(plugin) ? { name: plugin } : {}) };
  return given.has("hosts") ? { screen: "hosts" } : { screen: "workflows" };
}

/**
 * @param {Route} route
 * @returns {string} with its `#`
 */
export function addressOf(route) {
  if (route.screen === "workflow") {
    return `#workflow=${encodeURIComponent(route.name)}${route.run ? `&run=${encodeURIComponent(route.run)}` : ""}`;
  }
  return `#${route.screen}${route.screen === "plugins" && route.name ? `=${encodeURIComponent(route.name)}` : ""}`;
}

/**
 * @param {string} part `NAME=VALUE`
 * @returns {string} empty where it can't be read
 */
function valueOf(part) {
  try {
    return decodeURIComponent(part.replace(/^[^=]*=?/, ""));
  } catch {
    return "";
  }
}
