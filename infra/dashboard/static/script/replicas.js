// Every replica, worst first.

import { el, table, whenChanged } from "./dom.js";
import { age } from "./format.js";
import { phaseMark } from "./topology.js";

const COLUMNS = ["Replica", "Model", "Phase", "Slot", "Release", "Zone", "Type", "Market", "Age"];
const ORDER = ["failed", "unhealthy", "draining", "launching", "booting", "fetching", "loading", "registering"];

export const showReplicas = whenChanged((state) => {
  const place = document.getElementById("replicas");
  const replicas = (state?.models ?? []).flatMap((model) =>
    model.slots.flatMap((slot) => slot.replicas.map((replica) => ({ ...replica, model: model.name }))),
  );
  if (!replicas.length) {
    const why = state ? "No replica runs." : "Not known yet.";
    return place.replaceChildren(el("p", { class: "empty" }, why));
  }
  place.replaceChildren(table("Replicas", COLUMNS, replicas.sort(worstFirst).map(row)));
});

function worstFirst(one, other) {
  const rank = ({ phase }) => (ORDER.indexOf(phase) + 1 || ORDER.length + 1);
  return rank(one) - rank(other) || one.model.localeCompare(other.model) || one.zone.localeCompare(other.zone);
}

function row(replica) {
  return [
    el("code", {}, replica.id),
    replica.model,
    el("span", {}, phaseMark(replica.phase), replica.detail ? ` ${replica.detail}` : ""),
    replica.slot,
    replica.release === null ? "–" : String(replica.release),
    replica.zone,
    replica.type,
    replica.market,
    replica.launched ? el("span", { "data-since": replica.launched }, age(replica.launched)) : "–",
  ];
}
