// The page's script: the data, the words, the summary. Every text reaches the page through `textContent`.

extension HTMLReport {
  static let basicScript = #"""
    "use strict";
    const data = JSON.parse(document.getElementById("data").textContent);
    const nodes = data.nodes;
    const attempts = data.attempts;
    const nodeCount = nodes.name.length;
    const page = (id) => document.getElementById(id);
    const cached = 1, fallback = 2;
    const symbols = { succeeded: "✓", failed: "✗", cancelled: "⊘", skipped: "↷", running: "▶", retrying: "↻" };

    // The attempts of node n: from firstAttempt[n] to before firstAttempt[n + 1].
    const firstAttempt = new Uint32Array(nodeCount + 1);
    for (const node of attempts.node) firstAttempt[node + 1] += 1;
    for (let node = 0; node < nodeCount; node++) firstAttempt[node + 1] += firstAttempt[node];
    const endOf = (attempt) => attempts.end[attempt] < 0 ? data.ms : attempts.end[attempt];
    const waited = new Float64Array(nodeCount);
    for (let attempt = 0; attempt < attempts.node.length; attempt++) {
      waited[attempts.node[attempt]] += attempts.start[attempt] - attempts.queued[attempt];
    }

    const stateName = (node) => data.states[nodes.state[node]] ?? "unknown";
    const stateWord = (node) => {
      const word = stateName(node);
      if (nodes.flags[node] & cached) return word + ", cached";
      return nodes.flags[node] & fallback ? word + ", fallback" : word;
    };
    const symbol = (name) => symbols[name] ?? "…";

    // What would steer a terminal or turn the direction of text is shown as its number.
    const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
    const visible = (text) =>
      String(text).replace(obeyed, (found) => "\\u{" + found.charCodeAt(0).toString(16) + "}");

    function element(tag, className, ...content) {
      const made = document.createElement(tag);
      if (className) made.className = className;
      for (const part of content) {
        if (part instanceof Node) made.append(part);
        else if (part !== null && part !== undefined) made.append(document.createTextNode(visible(part)));
      }
      return made;
    }
    function stateElement(node) {
      const name = stateName(node);
      return element("span", "state state-" + name, symbol(name) + " " + stateWord(node));
    }

    // Words for quantities; a dash where nothing is known.
    const unknown = "–";
    function duration(ms) {
      if (ms < 0) return unknown;
      if (ms < 1000) return Math.round(ms) + " ms";
      if (ms < 60000) return (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s";
      const seconds = Math.round(ms / 1000);
      if (seconds < 3600) return Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
      return Math.floor(seconds / 3600) + " h " + Math.floor((seconds % 3600) / 60) + " min";
    }
    function bytes(count) {
      if (count === null || count < 0) return unknown;
      let unit = 0;
      const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
      while (count >= 1024 && unit < units.length - 1) {
        count /= 1024;
        unit += 1;
      }
      return (unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)) + " " + units[unit];
    }
    const processors = (count) => count < 0 ? unknown : String(Math.round(count * 100) / 100);
    const meanProcessors = (node) =>
      nodes.cpu_us[node] < 0 || nodes.ms[node] <= 0 ? -1 : nodes.cpu_us[node] / 1000 / nodes.ms[node];
    const plural = (count, word) => count.toLocaleString("en") + " " + word + (count === 1 ? "" : "s");

    // One node is chosen at a time; every view shows which.
    let chosen = -1;
    const watchers = [];
    function choose(node, options = {}) {
      chosen = node;
      for (const watcher of watchers) watcher(node, options);
      try {
        history.replaceState(null, "", "#node:" + encodeURIComponent(nodes.name[node]));
      } catch { /* A page within a frame may not have an address. */ }
    }
    let drawing = new Set();
    function later(draw) {
      if (drawing.size === 0) {
        requestAnimationFrame(() => {
          const draws = drawing;
          drawing = new Set();
          for (const each of draws) each();
        });
      }
      drawing.add(draw);
    }
    """#

  static let summaryScript = #"""
    function fact(name, value) {
      page("facts").append(element("div", "", element("dt", "", name), element("dd", "", value)));
    }
    function showSummary() {
      const title = "Workflow " + data.workflow;
      document.title = visible(title) + " – run report";
      page("title").textContent = visible(title);
      const isGood = data.outcome === "succeeded";
      const words = {
        succeeded: "succeeded", failed: "failed", sandboxUnavailable: "failed: no sandbox",
        deadlineExceeded: "out of time", interrupted: "interrupted"
      };
      const outcome = (isGood ? "✓ " : "✗ ") + (words[data.outcome] ?? data.outcome);
      fact("Outcome", element("span", "state state-" + (isGood ? "succeeded" : "failed"), outcome));
      fact("Exit code", data.exit_code);
      fact("Duration", duration(data.ms));
      fact("Run", data.run);
      fact("Nodes", nodeCount.toLocaleString("en"));
      let retries = 0, cpu = 0, isCounted = false, fromCache = 0, fallbacks = 0;
      for (let node = 0; node < nodeCount; node++) {
        retries += Math.max(0, nodes.attempts[node] - 1);
        if (nodes.cpu_us[node] >= 0) {
          cpu += nodes.cpu_us[node];
          isCounted = true;
        }
        if (nodes.flags[node] & cached) fromCache += 1;
        if (nodes.flags[node] & fallback) fallbacks += 1;
      }
      fact("Retries", retries.toLocaleString("en"));
      fact("Processor time", isCounted ? duration(cpu / 1000) : unknown);
      if (fromCache) fact("Cached", fromCache.toLocaleString("en"));
      if (fallbacks) fact("Fallbacks", fallbacks.toLocaleString("en"));
      if (data.details_left_out) {
        fact("Left out", "details of " + plural(data.details_left_out, "node") + ": this page would be too large");
      }
      for (const sentence of data.suggestions) page("suggestion-list").append(element("li", "", sentence));
      page("suggestions").hidden = data.suggestions.length === 0;
      showProblems();
    }
    function showProblems() {
      const failed = [];
      for (let node = 0; node < nodeCount; node++) if (stateName(node) === "failed") failed.push(node);
      page("problems").hidden = failed.length === 0;
      for (const node of failed.slice(0, 10)) {
        const error = data.details[node]?.error;
        const button = element("button", "", element("span", "state state-failed", "✗ " + nodes.name[node]
          + (error ? " – " + error.class : "")), element("span", "", error?.message ?? ""));
        button.type = "button";
        button.addEventListener("click", () => choose(node, { scroll: true, focus: true }));
        page("problem-list").append(element("li", "", button));
      }
      if (failed.length > 10) {
        page("problem-rest").textContent = "and " + plural(failed.length - 10, "more node") + ", first in the table below";
      }
      return failed;
    }
    """#

  static let startScript = #"""
    showSummary();
    startTable();
    startChart();
    startGraph();
    function chooseFirst() {
      const prefix = "#node:";
      if (location.hash.startsWith(prefix)) {
        let name = "";
        try {
          name = decodeURIComponent(location.hash.slice(prefix.length));
        } catch { /* Not ours. */ }
        const node = nodes.name.indexOf(name);
        if (node >= 0) return choose(node, { scroll: true });
      }
      const failed = data.states.indexOf("failed");
      const first = nodes.state.indexOf(failed);
      if (first >= 0) choose(first, {});
    }
    chooseFirst();
    // Of a long run the rows in sight are a moment.
    if (lanes.length > 200) fitRows();
    """#
}
