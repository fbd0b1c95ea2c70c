// Where a request goes: endpoint, balancer, model, slot, replicas by zone.

import { el, whenChanged } from "./dom.js";
import { healthy } from "./header.js";

const GLYPHS = { healthy: "✓", unhealthy: "!", failed: "✕", draining: "↓" };

/** Glyph and word of a phase: never colour alone. */
export function phaseMark(phase) {
  return el("span", { class: "phase", "data-phase": phase }, `${GLYPHS[phase] ?? "…"} ${phase}`);
}

export const showTopology = whenChanged((state) => {
  const place = document.getElementById("topology");
  if (!state) return place.replaceChildren(el("p", { class: "empty" }, "Not known yet."));
  place.replaceChildren(
    el(
      "div",
      { class: "flow" },
      el("div", { class: "node" }, el("b", {}, "Clients"), el("span", { class: "quiet" }, "OpenAI API")),
      el("div", { class: "node" }, el("b", {}, "Load balancer"), el("code", {}, host(state.endpoint))),
      el("ul", { class: "models", "aria-label": "Models" }, state.models.map(model)),
    ),
  );
});

function host(endpoint) {
  return endpoint.replace(/^https?:\/\//, "") || "none";
}

function model(model) {
  const slots = model.slots.filter((slot) => slot.slot === model.live || slot.replicas.length || slot.weight);
  const idle = model.slots.filter((slot) => !slots.includes(slot)).map((slot) => slot.slot);
  const waiting = model.release !== null && model.latest_release !== model.release;
  return el(
    "li",
    { class: "model", "data-model": model.name },
    el(
      "div",
      { class: "line" },
      el("b", {}, model.name),
      el("span", {}, model.release === null ? "live nowhere" : `release ${model.release}`),
      waiting ? el("span", { class: "tag" }, `release ${model.latest_release} waiting`) : null,
      el("span", { class: "quiet" }, idle.length ? `${idle.join(", ")} idle` : ""),
    ),
    weights(model.slots),
    slots.map((each) => slot(each, model.live)),
  );
}

/** The model's traffic as a bar: one part for each slot with a weight. */
function weights(slots) {
  const total = slots.reduce((sum, slot) => sum + slot.weight, 0);
  const shares = slots.filter((slot) => slot.weight).map((slot) => [slot.slot, (100 * slot.weight) / total]);
  const words = shares.map(([name, share]) => `${name} ${Math.round(share)} %`);
  const parts = shares.map(([name, share]) => {
    const part = el("span", { class: "share", "data-slot": name }, share < 12 ? "" : `${name} ${Math.round(share)} %`);
    part.style.flexGrow = share;
    return part;
  });
  const label = `Weights: ${words.join(", ") || "no traffic"}`;
  return el("div", { class: "weights", role: "img", "aria-label": label, title: label }, parts);
}

function slot(slot, live) {
  const total = `${healthy(slot)}/${slot.wanted} healthy`;
  return el(
    "div",
    { class: "slot", "data-slot": slot.slot },
    el(
      "div",
      { class: "line" },
      el("span", { class: "dot", "aria-hidden": "true" }),
      el("b", {}, slot.slot),
      slot.slot === live ? el("span", { class: "tag" }, "live") : null,
      el("span", {}, `release ${slot.release}`),
      el("span", {}, `weight ${slot.weight}`),
      el("span", { class: healthy(slot) < slot.wanted ? "short" : null }, total),
    ),
    slot.problems.map((problem) => el("p", { class: "short" }, problem)),
    slot.replicas.length ? el("div", { class: "zones" }, zones(slot.replicas)) : null,
  );
}

function zones(replicas) {
  const byZone = grouped(replicas);
  return [...byZone].sort(([a], [b]) => a.localeCompare(b)).map(([zone, inZone]) =>
    el("div", { class: "zone" }, el("span", { class: "quiet" }, zone), el("ul", {}, inZone.map(tile))),
  );
}

function grouped(replicas) {
  const found = new Map();
  for (const replica of replicas) found.set(replica.zone, [...(found.get(replica.zone) ?? []), replica]);
  return found;
}

function tile(replica) {
  const title = `${replica.id}: ${replica.phase} ${replica.detail}, ${replica.market}, ${replica.type}`;
  return el(
    "li",
    { class: "tile", "data-phase": replica.phase, "data-market": replica.market, title },
    phaseMark(replica.phase),
    el("span", { class: "quiet" }, `${replica.market} ${replica.id.slice(-4)}`),
  );
}
