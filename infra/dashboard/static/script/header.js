// What matters at a glance: is it serving, how old is what I see, and what keeps it from being newer.

import { el, whenChanged } from "./dom.js";
import { age, moment } from "./format.js";

const byId = (id) => document.getElementById(id);
let updated = null;

export const showVerdict = whenChanged((state, alarms) => {
  const firing = (alarms ?? []).filter((alarm) => alarm.phase === "alarm" && alarm.notifies).length;
  const [level, text] = verdict(state, firing);
  const place = byId("verdict");
  place.dataset.level = level;
  place.textContent = text;
  byId("endpoint").textContent = state?.endpoint ?? "";
});

function verdict(state, firing) {
  if (!state) return ["unknown", "State not known"];
  const short = state.models.filter((model) => !isReady(model)).map((model) => model.name);
  const alarms = firing ? `${firing} alarm${firing > 1 ? "s" : ""}` : "";
  if (short.length) {
    return ["bad", [alarms, `${short.join(", ")}: not every replica is healthy`].filter(Boolean).join(" · ")];
  }
  if (firing) return ["bad", alarms];
  const asleep = state.models.filter(isAsleep).map((model) => model.name);
  if (asleep.length === state.models.length) return ["good", `Asleep: ${asleep.join(", ")}`];
  const others = asleep.length ? ` · asleep: ${asleep.join(", ")}` : "";
  return ["good", `Serving, every replica healthy${others}`];
}

/** Whether requests go to the waker: no slot gets any. */
function isAsleep(model) {
  return Boolean(model.live) && model.slots.every((slot) => slot.weight === 0);
}

function isReady(model) {
  const live = model.slots.find((slot) => slot.slot === model.live);
  return Boolean(live) && healthy(live) >= live.wanted;
}

/** Replicas of a slot that the balancer sends traffic to. */
export function healthy(slot) {
  return slot.replicas.filter((replica) => replica.phase === "healthy").length;
}

/** Remember when the state was read; `tick` shows its age. */
export function showUpdated(time) {
  updated = time;
  tick();
}

export function tick() {
  byId("updated").textContent = updated ? `updated ${age(updated)} ago` : "";
  for (const place of document.querySelectorAll("[data-since]")) place.textContent = age(place.dataset.since);
}

/** `problems`: [{about, message, hint, updated}]; none: the banner goes. */
export const showBanner = whenChanged((problems) => {
  const banner = byId("banner");
  banner.hidden = problems.length === 0;
  document.body.classList.toggle("stale", problems.some((problem) => problem.about === "state"));
  banner.replaceChildren(...distinct(problems).map(explained));
});

function distinct(problems) {
  const seen = new Map();
  for (const problem of problems) if (!seen.has(problem.message)) seen.set(problem.message, problem);
  return [...seen.values()];
}

function explained({ message, hint, about, updated: seen }) {
  const shown = seen ? `What you see of the ${about} is from ${moment(seen)}. ` : "";
  return el(
    "div",
    {},
    el("strong", {}, message),
    hint ? el("p", {}, hint) : null,
    el("p", { class: "quiet" }, `${shown}Asking again every few seconds.`),
  );
}
