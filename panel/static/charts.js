"use strict";
// The two charts of the overview, and the same figures as a table for who does not see them. Drawn by uPlot, which
// makes nodes and a canvas and sets no markup.

(() => {
  const REFRESH_MS = 5000; // a busy home changes all the time
  const HEIGHT = 190;
  const COLUMNS = ["at", "approved", "failed", "cancelled", "median_s", "p95_s"];
  const spanField = document.getElementById("span");
  const plots = {};
  let figures = null;
  let figuresTag = "";
  let drawnAt = 0;
  let redrawTimer = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const told = (value, digits = 0) => (value === null || value === undefined ? "–" : value.toLocaleString(undefined, { maximumFractionDigits: digits }));

  function line(label, name, digits, more = {}) {
    return { label, stroke: colour(name), width: 2, points: { show: false }, spanGaps: true, value: (plot, value) => told(value, digits), ...more };
  }

  function axis(more = {}) {
    return { stroke: colour("--pico-muted-color"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, size: 46, ...more };
  }

  function clockTicks(plot, moments, place, space, step) {
    return moments.map((each) => {
      const moment = new Date(each * 1000);
      const isDay = step >= 86400 || (moment.getHours() === 0 && moment.getMinutes() === 0);
      return isDay ? moment.toLocaleDateString(undefined, { day: "numeric", month: "short" })
        : moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", ...CLOCK });
    });
  }

  function draw(id, series, data) {
    const place = document.getElementById(id);
    if (plots[id]) plots[id].destroy();
    plots[id] = new uPlot({
      width: Math.max(place.clientWidth, 200),
      height: HEIGHT,
      series: [{ label: "From", value: (plot, value) => (value === null ? "–" : new Date(value * 1000).toLocaleString(undefined, CLOCK)) }, ...series],
      axes: [axis({ size: 28, values: clockTicks }), axis({ incrs: [0.01, 0.1, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000] })],
      scales: { y: { range: (plot, low, high) => [0, Math.max(high || 0, 1) * 1.08] } },
      cursor: { drag: { x: false, y: false }, y: false },
    }, data, place);
  }

  function sum(values) {
    return values.reduce((all, each) => all + each, 0);
  }

  function drawAll() {
    if (!figures) return;
    drawnAt = Date.now();
    const bars = uPlot.paths.bars({ size: [0.8, 40] });
    draw("throughput", [
      line("failed", "--red", 0, { fill: colour("--red"), paths: bars, width: 0, value: (plot, value, series, place) => told(place === null ? null : figures.failed[place]) }),
      line("approved", "--green", 0, { fill: colour("--green"), paths: bars, width: 0 }),
    ], [figures.at, figures.approved.map((count, place) => count + figures.failed[place]), figures.approved]);
    draw("latency", [
      line("median", "--blue", 2, { points: { show: true, size: 4 } }),
      line("95th percentile", "--amber", 2, { points: { show: true, size: 4 }, dash: [6, 4] }),
    ], [figures.at, figures.median_s, figures.p95_s]);
    describe();
  }

  function describe() {
    const span = [...spanField.options].find((each) => each.value === figures.span).textContent;
    const ends = `In the last ${span}: ${told(sum(figures.approved))} approved, ${told(sum(figures.failed))} failed, ${told(sum(figures.cancelled))} cancelled.`;
    const slowest = Math.max(0, ...figures.p95_s.filter((each) => each !== null));
    document.getElementById("throughput").setAttribute("aria-label", ends);
    document.getElementById("latency").setAttribute("aria-label", slowest ? `Seconds from start to end; of any ${figures.step_s / 60} minutes, 95 of 100 took at most ${told(slowest, 1)} s.` : "Nothing ran to its end.");
    document.getElementById("charts-told").textContent = ends;
    const rows = figures.at.map((at, place) => [at, figures.approved[place], figures.failed[place], figures.cancelled[place], figures.median_s[place], figures.p95_s[place]]);
    document.getElementById("figures-rows").replaceChildren(...rows.filter((row) => row[1] || row[2] || row[3]).reverse().map(rowOf));
  }

  function rowOf([at, ...values]) {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = new Date(at * 1000).toLocaleString(undefined, CLOCK);
    row.append(head, ...values.map((value) => {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = told(value, 2);
      return cell;
    }));
    return row;
  }

  // An answer that came so late that another span is chosen by now is not drawn, nor is one that lacks its figures.
  function isWanted(said) {
    return Boolean(said) && said.span === spanField.value && COLUMNS.every((name) => Array.isArray(said[name]));
  }

  async function readFigures() {
    const found = await readJson(`/api/v1/series?span=${encodeURIComponent(spanField.value)}`, figuresTag);
    if (!found || !isWanted(found.said)) return;
    figuresTag = found.tag;
    figures = found.said;
    drawAll();
  }

  function refreshFigures() {
    if (redrawTimer || document.hidden) return;
    redrawTimer = setTimeout(() => { redrawTimer = 0; readFigures(); }, Math.max(0, drawnAt + REFRESH_MS - Date.now()));
  }

  spanField.addEventListener("change", () => { figuresTag = ""; readFigures(); });
  document.body.addEventListener("skep:changed", refreshFigures);
  document.addEventListener("visibilitychange", refreshFigures);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new ResizeObserver(() => {
    for (const [id, plot] of Object.entries(plots)) {
      const width = document.getElementById(id).clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }
  }).observe(document.querySelector(".charts"));
  readFigures();
})();
