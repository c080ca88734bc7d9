// The table, of which only the rows in sight are in the page, and the details of a node.

extension HTMLReport {
  static let tableScript = #"""
    const rowHeight = 28;
    const mostPrinted = 2000;
    const natural = new Intl.Collator("en", { numeric: true }).compare;
    const order = (column) => (first, second) => column[first] - column[second];
    const columns = [
      { title: "Node", show: (node) => nodes.name[node], compare: (a, b) => natural(nodes.name[a], nodes.name[b]) },
      { title: "Type", show: (node) => data.types[nodes.type[node]]?.name ?? "", compare: order(nodes.type) },
      { title: "State", show: stateElement, compare: order(nodes.state) },
      { title: "Attempts", number: true, show: (node) => nodes.attempts[node], compare: order(nodes.attempts) },
      { title: "Waited", number: true, show: (node) => nodes.attempts[node] ? duration(waited[node]) : unknown,
        compare: order(waited) },
      { title: "Duration", number: true, show: (node) => duration(nodes.ms[node]), compare: order(nodes.ms) },
      { title: "Memory used", number: true, show: (node) => bytes(nodes.memory[node]), compare: order(nodes.memory) },
      { title: "of", number: true, show: (node) => bytes(nodes.memory_limit[node]), compare: order(nodes.memory_limit),
        long: "Memory that it could have" },
      { title: "CPUs used", number: true, show: (node) => processors(meanProcessors(node)),
        compare: (a, b) => meanProcessors(a) - meanProcessors(b), long: "Processors, on average while it ran" },
      { title: "of", number: true, show: (node) => processors(nodes.processors[node]), compare: order(nodes.processors),
        long: "Processors that it could have" },
      { title: "CPU time", number: true, show: (node) => duration(nodes.cpu_us[node] < 0 ? -1 : nodes.cpu_us[node] / 1000),
        compare: order(nodes.cpu_us) },
    ];
    let shown = [];
    let sorting = { column: 2, down: false };
    let place = -1;

    function rowElement(row) {
      const node = shown[row];
      const made = element("tr", node === chosen ? "row chosen" : "row");
      made.id = "row-" + node;
      made.setAttribute("aria-rowindex", row + 2);
      made.setAttribute("aria-selected", node === chosen);
      for (const column of columns) made.append(element("td", column.number ? "number" : "", column.show(node)));
      made.firstChild.title = visible(nodes.name[node]);
      made.addEventListener("click", () => choose(node, {}));
      return made;
    }
    function spaceElement(rows) {
      const cell = element("td", "");
      cell.colSpan = columns.length;
      cell.style.height = rows * rowHeight + "px";
      const made = element("tr", "space", cell);
      made.setAttribute("aria-hidden", "true");
      return made;
    }
    function showRows(from, to) {
      const rows = [];
      for (let row = from; row < to; row++) rows.push(rowElement(row));
      page("table-body").replaceChildren(spaceElement(from), ...rows, spaceElement(shown.length - to));
    }
    function drawTable() {
      const box = page("table-box");
      // The list may have become shorter than where one was.
      const inSight = Math.ceil(box.clientHeight / rowHeight);
      const first = Math.min(Math.floor(box.scrollTop / rowHeight), Math.max(0, shown.length - inSight + 1));
      const from = Math.max(0, first - 8);
      showRows(from, Math.min(shown.length, from + inSight + 16));
      if (place >= 0) page("table").setAttribute("aria-activedescendant", "row-" + shown[place]);
      else page("table").removeAttribute("aria-activedescendant");
    }
    function updateTable() {
      const words = page("filter").value.trim().toLowerCase();
      const state = page("state-filter").value;
      const types = data.types.map((type) => type.name.toLowerCase().includes(words));
      shown = [];
      for (let node = 0; node < nodeCount; node++) {
        if (state !== "" && stateName(node) !== state) continue;
        if (words === "" || types[nodes.type[node]] || nodes.name[node].toLowerCase().includes(words)) shown.push(node);
      }
      const compare = columns[sorting.column].compare;
      shown.sort((a, b) => (sorting.down ? compare(b, a) : compare(a, b)) || a - b);
      place = shown.indexOf(chosen);
      page("table").setAttribute("aria-rowcount", shown.length + 1);
      const all = shown.length === nodeCount ? "" : " of " + nodeCount.toLocaleString("en");
      page("table-note").textContent = shown.length.toLocaleString("en") + all + (nodeCount === 1 ? " node" : " nodes");
      for (const button of page("counts").children) {
        button.setAttribute("aria-pressed", button.dataset.state === state);
      }
      for (const [index, head] of [...page("table-head").children].entries()) {
        const isChosen = index === sorting.column;
        head.setAttribute("aria-sort", !isChosen ? "none" : sorting.down ? "descending" : "ascending");
        head.firstChild.textContent = columns[index].title + (!isChosen ? "" : sorting.down ? " ▾" : " ▴");
      }
      later(drawTable);
    }
    function moveTo(row) {
      if (shown.length === 0) return;
      choose(shown[Math.max(0, Math.min(shown.length - 1, row))], { scroll: true });
    }
    function startTable() {
      for (const [index, column] of columns.entries()) {
        const button = element("button", "", column.title);
        button.type = "button";
        button.title = "Sort by: " + (column.long ?? column.title);
        button.addEventListener("click", () => {
          sorting = { column: index, down: sorting.column === index ? !sorting.down : Boolean(column.number) };
          page("table-box").scrollTop = 0;
          updateTable();
        });
        page("table-head").append(element("th", column.number ? "number" : "", button));
        page("table-head").lastChild.scope = "col";
      }
      const counts = new Map();
      for (const state of nodes.state) counts.set(state, (counts.get(state) ?? 0) + 1);
      page("state-filter").append(new Option("all", ""));
      for (const [index, name] of data.states.entries()) {
        if (!counts.has(index)) continue;
        page("state-filter").append(new Option(symbol(name) + " " + name, name));
        const button = element("button", "state state-" + name,
          symbol(name) + " " + counts.get(index).toLocaleString("en") + " " + name);
        button.type = "button";
        button.dataset.state = name;
        button.addEventListener("click", () => {
          page("state-filter").value = page("state-filter").value === name ? "" : name;
          page("table-box").scrollTop = 0;
          updateTable();
        });
        page("counts").append(button);
      }
      page("filter").addEventListener("input", updateTable);
      page("state-filter").addEventListener("change", updateTable);
      page("table-box").addEventListener("scroll", () => later(drawTable), { passive: true });
      new ResizeObserver(() => later(drawTable)).observe(page("table-box"));
      page("table").addEventListener("keydown", (event) => {
        if (event.target !== page("table")) return;
        const jump = Math.floor(page("table-box").clientHeight / rowHeight) - 1;
        const targets = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + jump, PageUp: place - jump,
          Home: 0, End: shown.length - 1 };
        if (event.key in targets) moveTo(targets[event.key]);
        else if (event.key === "Enter" && place >= 0) page("detail-title").focus();
        else return;
        event.preventDefault();
      });
      // On paper nothing scrolls.
      addEventListener("beforeprint", () => {
        showRows(0, Math.min(shown.length, mostPrinted));
        page("table-body").lastChild.remove();
        if (shown.length > mostPrinted) page("table-note").textContent += ", the first " + mostPrinted + " printed";
      });
      addEventListener("afterprint", updateTable);
      watchers.push((node, options) => {
        place = shown.indexOf(node);
        const box = page("table-box");
        const top = place * rowHeight;
        if (place >= 0 && options.scroll && (top < box.scrollTop || top + 3 * rowHeight > box.scrollTop + box.clientHeight)) {
          box.scrollTop = Math.max(0, top - box.clientHeight / 2);
        }
        later(drawTable);
      });
      updateTable();
    }
    """#

  static let detailScript = #"""
    function section(title, ...content) {
      return [element("h3", "", title), ...content];
    }
    function pairs(list) {
      const made = element("dl", "pair");
      for (const [name, value] of list) made.append(element("dt", "", name), element("dd", "", value));
      return made;
    }
    function small(heads, rows) {
      const line = (tag, cells) => element("tr", "", ...cells.map((cell) => element(tag, "", cell)));
      return element("table", "", line("th", heads), ...rows.map((cells) => line("td", cells)));
    }
    function attemptParts(node, detail) {
      const rows = [];
      for (let attempt = firstAttempt[node]; attempt < firstAttempt[node + 1]; attempt++) {
        const ending = data.endings[attempts.ended[attempt]] ?? "running";
        rows.push([attempts.number[attempt],
          element("span", "state state-" + ending, symbol(ending) + " " + ending),
          duration(attempts.start[attempt]), duration(attempts.start[attempt] - attempts.queued[attempt]),
          duration(endOf(attempt) - attempts.start[attempt])]);
      }
      if (rows.length === 0) return [];
      const parts = section("Attempts", small(["", "ended", "at", "waited", "ran"], rows));
      if (detail.attempts_left_out) parts.push(element("p", "quiet", plural(detail.attempts_left_out, "earlier attempt") + " left out"));
      for (const retry of detail.retries ?? []) {
        const memory = retry.memory_bytes === null ? "" : ", with " + bytes(retry.memory_bytes) + " of memory";
        parts.push(element("p", "", "Attempt " + retry.attempt + ": " + (retry.message ?? "failed") + " ("
          + (retry.class ?? "failure") + "). Tried again after " + duration(retry.after_ms ?? -1) + memory + "."));
      }
      return parts;
    }
    function errorParts(error) {
      const parts = [element("p", "message", error.message)];
      if (error.cause) parts.push(element("p", "", "Cause: " + error.cause));
      if (error.hint) parts.push(element("p", "", "Hint: " + error.hint));
      if (error.traceback) parts.push(...section("Traceback", element("pre", "", error.traceback)));
      if (error.last_output.length) parts.push(...section("Last output", element("pre", "", error.last_output.join("\n"))));
      return parts;
    }
    function accountParts(account) {
      const parts = [];
      if (account.limits_reached.length) {
        const list = element("ul", "");
        for (const reached of account.limits_reached) {
          const numbers = Object.entries(reached).filter(([key]) => key !== "limit" && key !== "told_by")
            .map(([key, value]) => key.replace(/_(bytes|count|ms)$/, "").replaceAll("_", " ") + " " + (key.endsWith("bytes") ? bytes(value)
              : key.endsWith("ms") ? duration(value) : value ?? unknown));
          list.append(element("li", "", reached.limit.replaceAll("_", " ") + ": " + numbers.join(", ")
            + " (says the " + reached.told_by + ")"));
        }
        parts.push(...section("Limits reached", list));
      }
      if (account.limits.length) {
        parts.push(...section("What it could have", small(["attempt", "memory", "by", "CPUs", "by"],
          account.limits.map((held) => [held.attempt, bytes(held.memory_bytes), held.memory_by ?? unknown,
            processors(held.processors ?? -1), held.processors_by ?? unknown]))));
      }
      const denials = account.denials ?? [];
      if (denials.length) {
        const list = element("ul", "");
        for (const denial of denials) {
          const item = element("li", "", "It " + denial.what + " (" + denial.occurrence + "): " + denial.why + ".");
          if (denial.grant.length) item.append(element("pre", "", denial.grant[0]));
          if (denial.risk) item.append(element("p", "quiet", "Risk: " + denial.risk));
          if (denial.advice) item.append(element("p", "quiet", denial.advice));
          list.append(item);
        }
        parts.push(...section("Denied", list));
      }
      if (account.denials_further_count) parts.push(element("p", "quiet", "and " + account.denials_further_count + " more"));
      const network = account.network;
      if (network) {
        parts.push(...section("Network", pairs([["Connections", network.connections_count],
          ["Sent", bytes(network.sent_bytes)], ["Received", bytes(network.received_bytes)],
          ["Failures", network.failures_count]])));
      }
      return parts;
    }
    function logParts(detail) {
      if (!detail.lines && !detail.lines_left_out) return [];
      const text = element("pre", "");
      if (detail.lines_left_out) text.append(element("span", "when", plural(detail.lines_left_out, "earlier line") + " left out\n"));
      for (const [ms, source, line] of detail.lines ?? []) {
        const word = data.sources[source] ?? "";
        text.append(element("span", "when", (ms / 1000).toFixed(3) + " " + word + " "),
          element("span", word === "error" || word === "stderr" ? "bad" : "", line + "\n"));
      }
      return section("Log", text);
    }
    function showDetails(node, options) {
      const detail = data.details[node] ?? {};
      page("detail-title").textContent = visible(nodes.name[node]);
      const facts = [["Type", data.types[nodes.type[node]]?.name ?? ""], ["State", stateElement(node)],
        ["Duration", duration(nodes.ms[node])],
        ["Memory", bytes(nodes.memory[node]) + " of " + bytes(nodes.memory_limit[node])],
        ["Processors", processors(meanProcessors(node)) + " of " + processors(nodes.processors[node])]];
      if (detail.skip) facts.push(["Why", detail.skip]);
      page("detail").replaceChildren(...(detail.error ? errorParts(detail.error) : []), pairs(facts),
        ...attemptParts(node, detail), ...logParts(detail), ...(detail.account ? accountParts(detail.account) : []));
      page("details").scrollTop = 0;
      if (options.focus) page("detail-title").focus();
    }
    watchers.push(showDetails);
    """#
}
