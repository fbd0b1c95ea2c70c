// One figure, drawn by uPlot (global, from vendor/). Values under all cursors follow the same time.

import { el } from "./dom.js";
import { moment, quantity } from "./format.js";

const HEIGHT = 140;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
const COLOURS = 6;

/** A chart in `place`; `update(times, figure)` gives it data, `destroy()` ends it. */
export class Chart {
  constructor(figure) {
    this.plotPlace = el("div", { class: "plot", role: "img" });
    this.emptyPlace = el("p", { class: "empty", hidden: true }, "No data in this window.");
    this.latest = el("span", { class: "latest" });
    this.element = el(
      "figure",
      { "data-figure": figure.id },
      el("figcaption", {}, el("h3", {}, figure.title), this.latest),
      this.plotPlace,
      this.emptyPlace,
    );
    this.resizing = new ResizeObserver(() => this.fit());
    this.resizing.observe(this.plotPlace);
  }

  update(times, figure, span) {
    const values = figure.curves.map((curve) => curve.values);
    const count = values.flat().filter((value) => value !== null).length;
    this.element.dataset.points = count;
    this.emptyPlace.hidden = count > 0;
    this.plotPlace.hidden = count === 0;
    this.describe(figure);
    if (count === 0) return;
    const shape = JSON.stringify([figure.curves.map((curve) => curve.label), figure.unit]);
    this.span = span;
    if (this.shape !== shape) this.rebuild(figure, shape);
    this.plot.setData([times, ...values]);
    restLegend(this.plot);
    this.fit();
  }

  rebuild(figure, shape) {
    this.shape = shape;
    this.plot?.destroy();
    this.plot = new uPlot(options(figure, () => this.span), [[], ...figure.curves.map(() => [])], this.plotPlace);
  }

  describe(figure) {
    const parts = figure.curves.map((curve) => {
      const known = curve.values.filter((value) => value !== null);
      if (!known.length) return `${curve.label}: no data`;
      return `${curve.label}: latest ${quantity(known.at(-1), figure.unit)}, highest ${quantity(Math.max(...known), figure.unit)}`;
    });
    this.plotPlace.setAttribute("aria-label", `${figure.title}. ${parts.join("; ")}`);
    this.latest.textContent = figure.curves.length === 1 ? latest(figure) : "";
  }

  fit() {
    const width = Math.floor(this.plotPlace.clientWidth);
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  destroy() {
    this.resizing.disconnect();
    this.plot?.destroy();
  }
}

function latest({ curves: [{ values }], unit }) {
  const known = values.filter((value) => value !== null);
  return known.length ? quantity(known.at(-1), unit) : "";
}

function options({ curves, unit }, span) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    width: 300,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: "llmctl" }, drag: { setScale: false }, points: { size: 6 } },
    scales: { x: { range: () => span() }, y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => hour(tick)), space: 60, size: 24 },
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => quantity(tick, unit)), size: 62, space: 28 },
    ],
    legend: { show: true, markers: { width: 0, fill: (plot, index) => plot.series[index].stroke() } },
    series: [
      { label: "Time", value: (_plot, time) => (time === null ? "–" : moment(time * 1000)) },
      ...curves.map((curve, index) => ({
        label: curve.label,
        stroke: colour(`--curve-${index % COLOURS}`),
        width: 1.6,
        dash: DASHES[Math.floor(index / COLOURS) % DASHES.length],
        value: (_plot, value) => quantity(value, unit),
        points: { show: true, size: 4, filter: isolated },
      })),
    ],
    hooks: { setCursor: [restLegend] },
  };
}

/** Without a cursor the legend shows the latest values. */
function restLegend(plot) {
  if (plot.cursor.idx !== null && plot.cursor.idx !== undefined && plot.cursor.left >= 0) return;
  const rows = plot.data.slice(1);
  for (let index = plot.data[0].length - 1; index >= 0; index -= 1) {
    if (rows.some((values) => values[index] !== null)) return plot.setLegend({ idx: index });
  }
}

/** Datapoints with a gap on both sides, which no line would show. */
function isolated(plot, series) {
  const values = plot.data[series];
  const gap = (index) => values[index] === null || values[index] === undefined;
  return [...values.keys()].filter((index) => !gap(index) && gap(index - 1) && gap(index + 1));
}

function hour(time) {
  const date = new Date(time * 1000);
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
}
