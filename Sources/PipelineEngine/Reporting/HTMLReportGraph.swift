// The picture of the workflow, laid out by ``DrawingLayout``.

extension HTMLReport {
  static let graphScript = #"""
    // Text is what a browser takes longest for: in a larger picture a box has no type and no ports.
    const mostDetailed = 300;
    const svgSpace = "http://www.w3.org/2000/svg";
    function shape(tag, attributes, text) {
      const made = document.createElementNS(svgSpace, tag);
      for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
      if (text !== undefined) made.textContent = visible(text);
      return made;
    }
    function cut(text, limit) {
      const shown = visible(text);
      return shown.length <= limit ? shown : shown.slice(0, limit - 1) + "…";
    }
    function boxShape(graph, node) {
      const [x, y, height] = graph.boxes.slice(3 * node, 3 * node + 3), width = graph.box_width;
      const name = stateName(node), type = data.types[nodes.type[node]];
      const made = shape("g", { class: "node" + (name === "succeeded" ? "" : " unsuccessful") });
      made.style.setProperty("--state", "var(--" + (["waiting", "queued"].includes(name) ? "skipped"
        : name === "retrying" ? "running" : name) + ")");
      made.append(shape("title", {}, nodes.name[node] + " – " + stateWord(node)),
        shape("rect", { class: "box", x, y, width, height, rx: 8 }),
        shape("rect", { class: "band", x, y: y + 6, width: 4, height: height - 12, rx: 2 }),
        shape("text", { class: "name", x: x + 14, y: y + 21 }, cut(nodes.name[node], 22)),
        shape("text", { class: "word", x: x + width - 10, y: y + 38, "text-anchor": "end" },
          symbol(name) + " " + (nodes.flags[node] & cached ? "cached" : nodes.flags[node] & fallback ? "fallback" : name)));
      made.addEventListener("click", () => choose(node, { scroll: true }));
      if (graph.boxes.length > 3 * mostDetailed) return made;
      made.append(shape("text", { class: "type", x: x + 14, y: y + 38 }, cut(type.name, 17)));
      for (const [names, side, anchor] of [[type.inputs, 0, "start"], [type.outputs, width, "end"]]) {
        for (const [row, port] of names.entries()) {
          const middle = y + graph.port_top + row * graph.port_height;
          made.append(shape("circle", { class: "dot", cx: x + side, cy: middle, r: 4 }),
            shape("text", { class: "port", x: x + side + (side ? -12 : 14), y: middle + 4, "text-anchor": anchor }, cut(port, 14)));
        }
      }
      return made;
    }
    function startGraph() {
      const graph = data.graph, box = page("graph");
      if (!graph.drawn) {
        box.hidden = page("graph-tools").hidden = true;
        page("graph-note").hidden = false;
        page("graph-note").textContent = "The graph isn't drawn: it has " + plural(nodeCount, "node") + " and "
          + plural(graph.wire_count, "connection") + ", and a picture of more than " + graph.most.toLocaleString("en")
          + " nodes, or of very many connections, can't be read. Everything else is below.";
        return;
      }
      const picture = shape("svg", { viewBox: "0 0 " + graph.width + " " + graph.height });
      for (const [path, isOrder] of graph.wires) picture.append(shape("path", { class: isOrder ? "wire order" : "wire", d: path }));
      // Those of the workflow come first; the instances of one with foreach have no box.
      const boxes = [], boxCount = graph.boxes.length / 3;
      for (let node = 0; node < boxCount; node++) {
        boxes.push(boxShape(graph, node));
        picture.append(boxes[node]);
      }
      let scale = 1;
      function setScale(wanted) {
        scale = Math.max(0.05, Math.min(3, wanted));
        picture.setAttribute("width", graph.width * scale);
        picture.setAttribute("height", graph.height * scale);
      }
      function resize(wanted) {
        const middle = [(box.scrollLeft + box.clientWidth / 2) / scale, (box.scrollTop + box.clientHeight / 2) / scale];
        setScale(wanted);
        box.scrollTo(middle[0] * scale - box.clientWidth / 2, middle[1] * scale - box.clientHeight / 2);
      }
      const fitting = () => Math.min(1, box.clientWidth / graph.width, 456 / graph.height);
      page("graph-in").addEventListener("click", () => resize(scale * 1.3));
      page("graph-out").addEventListener("click", () => resize(scale / 1.3));
      page("graph-fit").addEventListener("click", () => resize(fitting()));
      box.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        resize(scale * (event.deltaY > 0 ? 0.85 : 1.18));
        event.preventDefault();
      }, { passive: false });
      // Its size before its place: the browser lays it out once.
      setScale(Math.max(0.4, fitting()));
      box.append(picture);
      let marked = null;
      watchers.push((node) => {
        marked?.classList.remove("chosen");
        marked = boxes[node] ?? null;
        if (!marked) return;
        marked.classList.add("chosen");
        const [x, y, height] = graph.boxes.slice(3 * node, 3 * node + 3).map((value) => value * scale);
        const isSeen = x >= box.scrollLeft && x + graph.box_width * scale <= box.scrollLeft + box.clientWidth
          && y >= box.scrollTop && y + height <= box.scrollTop + box.clientHeight;
        if (!isSeen) box.scrollTo(x - box.clientWidth / 2 + 100 * scale, y - box.clientHeight / 2);
      });
    }
    """#
}
