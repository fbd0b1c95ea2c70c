// Asks the server every few seconds, while someone looks, and hands the answers to what shows them.

import { showAlarms } from "./alarms.js";
import { get } from "./api.js";
import { clearCharts, showCharts } from "./charts.js";
import { choices, readChoice, writeChoice } from "./choices.js";
import { showEvents } from "./events.js";
import { showBanner, showUpdated, showVerdict, tick } from "./header.js";
import { showReplicas } from "./replicas.js";
import { showTopology } from "./topology.js";

const ENDED = {
  about: "state",
  message: "llmctl dashboard does not answer: it has ended, or was restarted.",
  hint: "Start it again and open the address that it prints.",
};

let about, choice, marks, timer;
const known = {};

async function start() {
  about = await get("about");
  document.title = `${about.environment} · llmctl`;
  document.getElementById("environment").textContent = about.environment;
  choice = readChoice(about);
  marks = {
    model: choices(document.getElementById("models"), about.models, (model) => choose({ model })),
    since: choices(document.getElementById("windows"), about.windows, (since) => choose({ since })),
  };
  mark();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", refresh);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    clearCharts();
    showCharts(known.series?.value, choice.since);
  });
  refresh();
}

/** Ask for everything, show it, and come again; a hidden page asks for nothing. */
async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const asked = { ...choice };
    const [state, alarms, events, series] = await Promise.all([
      get("state"), get("alarms"), get("events"), get("series", asked),
    ]);
    Object.assign(known, { state, alarms, events });
    if (asked.model === choice.model && asked.since === choice.since) known.series = series;
    show();
  } catch {
    showBanner([{ ...ENDED, updated: known.state?.updated }]);
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, about.refresh_seconds * 1000);
}

function show() {
  const { state, alarms, events, series } = known;
  showBanner(Object.entries(known)
    .filter(([, answer]) => answer?.problem)
    .map(([name, answer]) => ({ ...answer.problem, about: name, updated: answer.updated })));
  showVerdict(state.value, alarms.value);
  showUpdated(state.updated);
  showTopology(state.value);
  showReplicas(state.value);
  showAlarms(alarms.value);
  showEvents(events.value);
  showCharts(series?.value, choice.since);
}

function choose(change) {
  choice = { ...choice, ...change };
  known.series = undefined;
  clearCharts();
  showCharts(undefined, choice.since);
  writeChoice(choice);
  mark();
  refresh();
}

function mark() {
  marks.model(choice.model);
  marks.since(choice.since);
}

start().catch(() => showBanner([ENDED]));
