// The audit log: who did what, newest first.

import { el, table, whenChanged } from "./dom.js";
import { moment } from "./format.js";

const COLUMNS = ["Time", "Who", "What", "On", "Result"];
const SHOWN = 50;

export const showEvents = whenChanged((events) => {
  const place = document.getElementById("events");
  if (!events?.length) {
    const why = events ? "Nothing happened in the last day." : "Not known yet.";
    return place.replaceChildren(el("p", { class: "empty" }, why));
  }
  place.replaceChildren(table("Events", COLUMNS, events.slice(0, SHOWN).map(row)));
});

function row({ time, actor, action, target, result }) {
  return [el("time", { datetime: time, title: time }, moment(time)), actor, action, target, result];
}
