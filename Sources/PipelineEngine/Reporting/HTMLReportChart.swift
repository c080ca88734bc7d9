// The chart of attempts over time, of which only what is in sight is drawn.

extension HTMLReport {
  static let chartScript = #"""
    const lineHeight = 20, axisHeight = 24;
    let gutter = 180;
    // Nodes that were tried, by their first start.
    const lanes = [];
    const laneOf = new Int32Array(nodeCount).fill(-1);
    const view = { from: 0, to: 1 };
    let wholeRun = 1;
    let colors = {};
    let counted = null;

    function readColors() {
      const style = getComputedStyle(document.documentElement);
      for (const name of ["page", "panel", "line", "text", "quiet", "accent", "chosen", "succeeded", "failed", "cancelled",
        "skipped", "running", "wait"]) colors[name] = style.getPropertyValue("--" + name).trim();
    }
    // A canvas as sharp as the screen; answers its context, in the page's own units.
    function prepared(canvas, width, height) {
      const scale = devicePixelRatio || 1;
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
        canvas.style.width = width + "px";
        canvas.style.height = height + "px";
      }
      const context = canvas.getContext("2d");
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      context.font = "12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
      context.textBaseline = "middle";
      return context;
    }
    function setView(from, to) {
      const length = Math.min(Math.max(to - from, Math.min(1, wholeRun)), wholeRun);
      view.from = Math.max(0, Math.min(from, wholeRun - length));
      view.to = view.from + length;
      later(drawChart);
      later(drawOverview);
    }
    function zoom(factor, around = (view.from + view.to) / 2) {
      setView(around - (around - view.from) * factor, around + (view.to - around) * factor);
    }
    function tickLength(width) {
      const least = (view.to - view.from) / Math.max(1, width / 90);
      for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000,
        600000, 900000, 1800000, 3600000, 7200000, 14400000, 43200000]) if (step >= least) return step;
      return 86400000 * Math.ceil(least / 86400000);
    }
    function tickWord(ms, step) {
      if (step < 1000) return (ms / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1) + " s";
      if (wholeRun < 120000) return ms / 1000 + " s";
      const seconds = Math.round(ms / 1000), pad = (number) => String(number).padStart(2, "0");
      return Math.floor(seconds / 3600) + ":" + pad(Math.floor(seconds / 60) % 60) + ":" + pad(seconds % 60);
    }
    function shortened(context, text, width) {
      if (context.measureText(text).width <= width) return text;
      let length = Math.min(text.length, Math.ceil(width / 4));
      while (length > 1 && context.measureText(text.slice(0, length) + "…").width > width) length -= 1;
      return text.slice(0, length) + "…";
    }
    const chartWidth = () => page("chart").clientWidth;
    const spanWidth = () => Math.max(1, chartWidth() - gutter - 10);
    const at = (ms) => gutter + (ms - view.from) / (view.to - view.from) * spanWidth();
    const timeAt = (x) => view.from + (x - gutter) / spanWidth() * (view.to - view.from);

    function drawChart() {
      const box = page("chart"), width = chartWidth(), height = box.clientHeight;
      if (width === 0) return;
      const context = prepared(page("chart-canvas"), width, height);
      const first = Math.floor(box.scrollTop / lineHeight);
      const last = Math.min(lanes.length, first + Math.ceil((height - axisHeight) / lineHeight) + 1);
      drawGrid(context, height);
      context.save();
      context.beginPath();
      context.rect(0, axisHeight, width, height - axisHeight);
      context.clip();
      for (let lane = first; lane < last; lane++) {
        drawLane(context, lane, axisHeight + lane * lineHeight - box.scrollTop, width);
      }
      context.restore();
      drawAxis(context, width);
    }
    function eachTick(step, draw) {
      for (let ms = Math.ceil(view.from / step) * step; ms <= view.to; ms += step) draw(ms, at(ms));
    }
    function drawGrid(context, height) {
      context.strokeStyle = colors.line;
      context.globalAlpha = 0.6;
      eachTick(tickLength(spanWidth()), (ms, x) => {
        context.beginPath();
        context.moveTo(x, axisHeight - 4);
        context.lineTo(x, height);
        context.stroke();
      });
      context.globalAlpha = 1;
    }
    function drawAxis(context, width) {
      const step = tickLength(spanWidth());
      context.textAlign = "center";
      context.fillStyle = colors.quiet;
      eachTick(step, (ms, x) => {
        context.fillText(tickWord(ms, step), Math.min(Math.max(x, gutter + 16), width - 26), axisHeight / 2);
      });
    }
    function drawLane(context, lane, top, width) {
      const node = lanes[lane], middle = top + lineHeight / 2;
      if (node === chosen) {
        context.fillStyle = colors.chosen;
        context.fillRect(0, top, width, lineHeight);
      }
      context.textAlign = "left";
      context.fillStyle = colors.text;
      context.fillText(shortened(context, visible(nodes.name[node]), gutter - 20), 8, middle);
      context.save();
      context.beginPath();
      context.rect(gutter, top, width - gutter, lineHeight);
      context.clip();
      for (let attempt = firstAttempt[node]; attempt < firstAttempt[node + 1]; attempt++) {
        if (endOf(attempt) < view.from || attempts.queued[attempt] > view.to) continue;
        const start = at(attempts.start[attempt]), queued = at(attempts.queued[attempt]);
        if (attempt > firstAttempt[node]) rule(context, at(endOf(attempt - 1)), queued, middle, colors.quiet, [2, 3]);
        rule(context, queued, start, middle, colors.wait, [], 4);
        drawBar(context, attempt, start, Math.max(2, at(endOf(attempt)) - start), top, width);
      }
      context.restore();
    }
    function rule(context, from, to, y, color, dash, thickness = 1.5) {
      if (to - from < 0.5) return;
      context.strokeStyle = color;
      context.lineWidth = thickness;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(Math.max(from, gutter - 4), y);
      context.lineTo(Math.min(to, chartWidth() + 4), y);
      context.stroke();
      context.setLineDash([]);
      context.lineWidth = 1;
    }
    function drawBar(context, attempt, start, length, top, width) {
      const ending = data.endings[attempts.ended[attempt]] ?? "running";
      const left = Math.max(start, gutter - 4), right = Math.min(start + length, width + 4);
      context.fillStyle = colors[ending];
      context.fillRect(left, top + 3, right - left, lineHeight - 6);
      if (ending === "succeeded" || right - left < 14) return;
      context.fillStyle = colors.page;
      context.fillText(symbol(ending), Math.max(left, gutter) + 3, top + lineHeight / 2 + 0.5);
    }

    // Of intervals, the most at one time in each of so many parts of the run.
    function mostAtOnce(starts, ends, parts) {
      starts.sort();
      ends.sort();
      const most = new Float64Array(parts);
      let part = 0, now = 0, ended = 0;
      const change = (ms, by) => {
        const target = Math.max(0, Math.min(parts - 1, Math.floor(ms / wholeRun * parts)));
        while (part < target) most[part += 1] = Math.max(0, now);
        now += by;
        most[part] = Math.max(most[part], now);
      };
      for (const start of starts) {
        while (ends[ended] <= start) change(ends[ended++], -1);
        change(start, 1);
      }
      while (ended < ends.length) change(ends[ended++], -1);
      return most;
    }
    function count(parts) {
      const starts = Float64Array.from(attempts.start), ends = Float64Array.from(attempts.start, (_, each) => endOf(each));
      const waits = attempts.start.flatMap((start, each) => start > attempts.queued[each] ? [each] : []);
      const most = [
        mostAtOnce(Float64Array.from(waits, (each) => attempts.queued[each]),
          Float64Array.from(waits, (each) => attempts.start[each]), parts),
        mostAtOnce(starts, ends, parts)];
      return { parts, most, peak: most.map((values) => values.reduce((a, b) => Math.max(a, b), 0)) };
    }
    function drawOverview() {
      const canvas = page("overview"), width = page("chart").clientWidth, height = 56;
      if (width === 0) return;
      const context = prepared(canvas, width, height), span = spanWidth();
      if (counted?.parts !== Math.floor(span)) counted = count(Math.max(1, Math.floor(span)));
      context.fillStyle = colors.panel;
      context.fillRect(gutter, 0, span, height);
      for (const [kind, top] of [[1, 0], [0, height / 2]]) {
        const color = kind === 1 ? colors.running : colors.wait, peak = counted.peak[kind];
        context.fillStyle = color;
        for (let part = 0; part < counted.parts; part++) {
          const size = peak ? counted.most[kind][part] / peak * (height / 2 - 3) : 0;
          if (size > 0) context.fillRect(gutter + part, top + height / 2 - size, 1, size);
        }
        context.fillStyle = colors.text;
        context.textAlign = "left";
        context.fillText((kind === 1 ? "running, most " : "waiting, most ") + peak.toLocaleString("en"), 8, top + height / 4);
      }
      const from = gutter + view.from / wholeRun * span, to = gutter + view.to / wholeRun * span;
      context.fillStyle = colors.page;
      context.globalAlpha = 0.65;
      context.fillRect(gutter, 0, from - gutter, height);
      context.fillRect(to, 0, gutter + span - to, height);
      context.globalAlpha = 1;
      context.strokeStyle = colors.accent;
      context.strokeRect(from + 0.5, 0.5, Math.max(2, to - from - 1), height - 1);
    }

    // From when to when the rows in sight have something.
    function timesInSight() {
      const box = page("chart"), first = Math.floor(box.scrollTop / lineHeight);
      const last = Math.min(lanes.length, first + Math.floor((box.clientHeight - axisHeight) / lineHeight));
      let from = Infinity, to = 0;
      for (let lane = first; lane < last; lane++) {
        for (let attempt = firstAttempt[lanes[lane]]; attempt < firstAttempt[lanes[lane] + 1]; attempt++) {
          from = Math.min(from, attempts.queued[attempt]);
          to = Math.max(to, endOf(attempt));
        }
      }
      return { from, to, length: to - from };
    }
    function fitRows() {
      const times = timesInSight();
      if (times.length > 0) setView(times.from - times.length * 0.03, times.to + times.length * 0.03);
    }
    // Rows that come into sight take the time along, where it would show nothing of them.
    function followRows() {
      const times = timesInSight(), half = (view.to - view.from) / 2, middle = (times.from + times.to) / 2;
      if (times.to < view.from || times.from > view.to) setView(middle - half, middle + half);
      later(drawChart);
    }
    const laneAt = (event) => {
      const box = page("chart"), y = event.clientY - box.getBoundingClientRect().top;
      return y < axisHeight ? undefined : lanes[Math.floor((y - axisHeight + box.scrollTop) / lineHeight)];
    };
    function showTip(event) {
      const node = laneAt(event), tip = page("tip"), bounds = page("chart").getBoundingClientRect();
      tip.hidden = node === undefined;
      if (tip.hidden) return;
      const ms = timeAt(event.clientX - bounds.left), lines = [nodes.name[node] + " – " + stateWord(node)];
      for (let attempt = firstAttempt[node]; attempt < firstAttempt[node + 1] && lines.length < 8; attempt++) {
        const isHere = ms >= attempts.queued[attempt] && ms <= endOf(attempt);
        lines.push((isHere ? "▸ " : "") + "attempt " + attempts.number[attempt] + ": "
          + (data.endings[attempts.ended[attempt]] ?? "running") + " after " + duration(endOf(attempt) - attempts.start[attempt])
          + ", waited " + duration(attempts.start[attempt] - attempts.queued[attempt]));
      }
      tip.textContent = lines.map(visible).join("\n");
      const x = Math.min(event.clientX - bounds.left + 14, bounds.width - tip.offsetWidth - 8);
      tip.style.left = Math.max(0, x) + "px";
      const y = event.clientY - bounds.top, isLow = y + tip.offsetHeight + 24 > bounds.height;
      tip.style.top = page("chart").scrollTop + (isLow ? y - tip.offsetHeight - 8 : y + 16) + "px";
    }
    function startChart() {
      wholeRun = Math.max(1, data.ms);
      for (let attempt = 0; attempt < attempts.node.length; attempt++) wholeRun = Math.max(wholeRun, endOf(attempt));
      for (let node = 0; node < nodeCount; node++) if (firstAttempt[node] < firstAttempt[node + 1]) lanes.push(node);
      lanes.sort((a, b) => attempts.start[firstAttempt[a]] - attempts.start[firstAttempt[b]] || a - b);
      for (const [lane, node] of lanes.entries()) laneOf[node] = lane;
      page("chart-inside").style.height = axisHeight + lanes.length * lineHeight + "px";
      page("chart").style.height = Math.min(420, axisHeight + lanes.length * lineHeight + 4) + "px";
      const never = nodeCount - lanes.length;
      page("chart-legend").textContent = "Bars: attempts, ✗ failed, ⊘ cancelled. Yellow line: waited for a place to run. "
        + "Dotted: put off before another attempt. Ctrl and wheel zoom, drag moves."
        + (never ? " " + plural(never, "node") + " never started." : "");
      readColors();
      setView(0, wholeRun);
      const redraw = () => {
        gutter = Math.min(180, page("chart").clientWidth / 3);
        readColors();
        later(drawChart);
        later(drawOverview);
      };
      new ResizeObserver(redraw).observe(page("chart"));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
      page("chart").addEventListener("scroll", followRows, { passive: true });
      page("chart-in").addEventListener("click", () => zoom(0.5));
      page("chart-out").addEventListener("click", () => zoom(2));
      page("chart-all").addEventListener("click", () => setView(0, wholeRun));
      page("chart-fit").addEventListener("click", fitRows);
      startChartInput();
      watchers.push((node, options) => {
        const box = page("chart"), top = laneOf[node] * lineHeight;
        const isSeen = top >= box.scrollTop && top + 2 * lineHeight + axisHeight <= box.scrollTop + box.clientHeight;
        if (laneOf[node] >= 0 && !options.fromChart) {
          if (!isSeen) box.scrollTop = Math.max(0, top - box.clientHeight / 2);
          const from = attempts.start[firstAttempt[node]], to = endOf(firstAttempt[node + 1] - 1);
          const middle = (from + to) / 2, half = (view.to - view.from) / 2;
          if (to < view.from || from > view.to) setView(middle - half, middle + half);
        }
        later(drawChart);
      });
    }
    function startChartInput() {
      const box = page("chart"), overview = page("overview");
      box.addEventListener("wheel", (event) => {
        const x = event.clientX - box.getBoundingClientRect().left, length = view.to - view.from;
        const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
        if (event.ctrlKey || event.metaKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(Math.max(x, gutter)));
        else if (sideways) setView(view.from + sideways / 500 * length, view.to + sideways / 500 * length);
        else return;
        event.preventDefault();
      }, { passive: false });
      box.addEventListener("keydown", (event) => {
        const step = (view.to - view.from) / 5;
        const actions = { ArrowLeft: () => setView(view.from - step, view.to - step),
          ArrowRight: () => setView(view.from + step, view.to + step), "+": () => zoom(0.5), "=": () => zoom(0.5),
          "-": () => zoom(2), 0: () => setView(0, wholeRun), f: fitRows, F: fitRows };
        if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
        actions[event.key]();
        event.preventDefault();
      });
      let drag = null;
      box.addEventListener("pointerdown", (event) => {
        if (event.button === 0) drag = { x: event.clientX, from: view.from, to: view.to, isMoved: false };
      });
      box.addEventListener("pointermove", (event) => {
        showTip(event);
        if (!drag || !(event.buttons & 1)) return;
        if (Math.abs(event.clientX - drag.x) > 3) drag.isMoved = true;
        const shift = (drag.x - event.clientX) / spanWidth() * (drag.to - drag.from);
        if (drag.isMoved) setView(drag.from + shift, drag.to + shift);
      });
      box.addEventListener("pointerup", (event) => {
        const node = laneAt(event);
        if (drag && !drag.isMoved && node !== undefined) choose(node, { scroll: true, fromChart: true });
        drag = null;
      });
      box.addEventListener("pointerleave", () => { page("tip").hidden = true; });
      const runTime = (event) =>
        (event.clientX - overview.getBoundingClientRect().left - gutter) / spanWidth() * wholeRun;
      const centre = (event) => {
        const length = view.to - view.from, middle = runTime(event);
        setView(middle - length / 2, middle + length / 2);
      };
      overview.addEventListener("pointerdown", (event) => {
        overview.setPointerCapture(event.pointerId);
        drag = { brush: runTime(event) };
      });
      overview.addEventListener("pointermove", (event) => {
        if (!drag || drag.brush === undefined || !(event.buttons & 1)) return;
        const time = runTime(event);
        if (Math.abs(time - drag.brush) / wholeRun * spanWidth() > 4) {
          drag.isBrushed = true;
          setView(Math.min(time, drag.brush), Math.max(time, drag.brush));
        }
      });
      overview.addEventListener("pointerup", (event) => {
        if (drag && !drag.isBrushed) centre(event);
        drag = null;
      });
    }
    """#
}
