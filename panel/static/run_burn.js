"use strict";
// What was spent of a run's money, against its limit and the marks of warnings. Drawn by uPlot, which makes nodes and a
// canvas and sets no markup.

(() => {
  const REFRESH_MS = 2000;
  const HEIGHT = 220;
  const place = document.getElementById("burn");
  const told = document.getElementById("burn-told");
  let plot = null;
  let figures = null;
  let tag = "";
  let askedAt = 0;
  let timer = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dollars = (value) => (value === null || value === undefined ? "–" : `$${value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`);

  function axis(more) {
    return { stroke: colour("--pico-muted-color"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, ...more };
  }

  function line(label, name, more = {}) {
    return { label, stroke: colour(name), width: 2, points: { show: false }, value: (each, value) => dollars(value), ...more };
  }

  function clock(each, moments) {
    return moments.map((moment) => new Date(moment * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", ...CLOCK }));
  }

  function draw() {
    if (!figures) return;
    const at = figures.at;
    const level = (micros) => at.map(() => micros / 1e6);
    const looks = { 50: [2, 6], 80: [6, 4], 100: [] };
    const spent = figures.spent_micros.map((micros) => micros / 1e6);
    const series = [{ label: "At", value: (each, value) => (value === null ? "–" : new Date(value * 1000).toLocaleString(undefined, CLOCK)) },
      line("spent", "--blue", { fill: colour("--blue-soft"), paths: uPlot.paths.stepped({ align: 1 }) })];
    const data = [at, spent];
    if (figures.reserved_micros) {
      series.push(line("with what is reserved", "--amber", { dash: [3, 3] }));
      data.push(at.map((each, number) => (number >= at.length - 2 ? spent[number] + figures.reserved_micros / 1e6 : null)));
    }
    for (const mark of figures.marks) {
      series.push(line(`${mark.percent} % of the limit`, mark.percent === 100 ? "--red" : "--grey", { dash: looks[mark.percent], width: 1.5 }));
      data.push(level(mark.micros));
    }
    if (plot) plot.destroy();
    plot = new uPlot({
      width: Math.max(place.clientWidth, 200),
      height: HEIGHT,
      series,
      axes: [axis({ size: 28, space: 80, values: clock }), axis({ size: 70, values: (each, values) => values.map(dollars) })],
      scales: { y: { range: (each, low, high) => [0, (high || 0.01) * 1.08] } },
      cursor: { drag: { x: false, y: false }, y: false },
    }, data, place);
    place.setAttribute("aria-label", figures.sentence);
    told.textContent = figures.sentence;
  }

  async function read() {
    askedAt = Date.now();
    const found = await readJson(place.dataset.asks, tag);
    if (!found) return;
    tag = found.tag;
    figures = found.said;
    draw();
  }

  function refresh() {
    if (timer || document.hidden) return;
    timer = setTimeout(() => { timer = 0; read(); }, Math.max(0, askedAt + REFRESH_MS - Date.now()));
  }

  document.body.addEventListener("skep:changed", refresh);
  document.addEventListener("visibilitychange", refresh);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => {
    const width = place.clientWidth;
    if (plot && width && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }).observe(place);
  read();
})();
