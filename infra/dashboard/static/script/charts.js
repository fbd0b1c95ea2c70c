// The charts of the chosen model: one for each figure, kept while the data moves.

import { Chart } from "./chart.js";
import { windowWords } from "./format.js";

const place = document.getElementById("figures");
const note = document.getElementById("charts-note");
const shown = new Map();

export function showCharts(series, since) {
  const charts = series?.charts ?? [];
  explain(series, charts, since);
  const wanted = new Set(charts.map((chart) => chart.id));
  for (const [id, chart] of shown) if (!wanted.has(id)) remove(id, chart);
  const span = series?.times.length ? [series.times[0], series.times.at(-1) + series.period_seconds] : [0, 1];
  for (const figure of charts) {
    if (!shown.has(figure.id)) add(figure);
    shown.get(figure.id).update(series.times, figure, span);
  }
}

/** Take all away: another model, or other colours. */
export function clearCharts() {
  for (const [id, chart] of shown) remove(id, chart);
}

function add(figure) {
  const chart = new Chart(figure);
  shown.set(figure.id, chart);
  place.append(chart.element);
}

function remove(id, chart) {
  chart.destroy();
  chart.element.remove();
  shown.delete(id);
}

function explain(series, charts, since) {
  const requests = charts.find((chart) => chart.id === "requests");
  const some = requests?.curves.some((curve) => curve.values.some((value) => value > 0));
  let text = "";
  if (!series) text = "Reading metrics…";
  else if (!charts.length) text = `There are no metrics of ${series.model}: it is not deployed.`;
  else if (!some) text = `No requests to ${series.model} in the last ${windowWords(since)}.`;
  note.textContent = text;
  note.hidden = !text;
}
