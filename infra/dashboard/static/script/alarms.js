// Alarms: what fires is spelled out, what is quiet is counted.

import { el, whenChanged } from "./dom.js";
import { age } from "./format.js";

const MARKS = { alarm: "▲ alarm", "no data": "? no data", ok: "✓ ok" };

export const showAlarms = whenChanged((alarms) => {
  const place = document.getElementById("alarms");
  if (!alarms) return place.replaceChildren(el("p", { class: "empty" }, "Not known yet."));
  if (!alarms.length) return place.replaceChildren(el("p", { class: "empty" }, "This environment has no alarms."));
  const firing = alarms.filter((alarm) => alarm.phase === "alarm");
  const quiet = alarms.filter((alarm) => alarm.phase !== "alarm");
  const wasOpen = place.querySelector("details")?.open ?? false;
  place.replaceChildren(
    firing.length ? el("ul", { class: "firing" }, firing.map(spelledOut)) : el("p", { class: "empty" }, "None fires."),
    el(
      "details",
      { open: wasOpen },
      el("summary", {}, counted(quiet)),
      el("ul", { class: "quiet-alarms" }, quiet.map(oneLine)),
    ),
  );
});

function counted(quiet) {
  const without = quiet.filter((alarm) => alarm.phase === "no data").length;
  return `${quiet.length - without} ok${without ? `, ${without} without data` : ""}`;
}

function name(alarm) {
  return alarm.model ? `${alarm.model}: ${alarm.kind}` : alarm.kind;
}

function mark(alarm) {
  return el("span", { class: "alarm", "data-phase": alarm.phase }, MARKS[alarm.phase]);
}

function spelledOut(alarm) {
  return el(
    "li",
    {},
    el("div", { class: "line" }, mark(alarm), el("b", {}, name(alarm)), since(alarm)),
    alarm.meaning ? el("p", {}, alarm.meaning) : null,
    el("p", { class: "quiet" }, alarm.reason),
    el("p", { class: "quiet" }, "What to do: ", el("code", {}, `docs/operations.md#${alarm.kind}`)),
  );
}

function oneLine(alarm) {
  return el("li", { class: "line", title: alarm.reason }, mark(alarm), el("span", {}, name(alarm)), since(alarm));
}

function since(alarm) {
  return el("span", { class: "quiet" }, "for ", el("span", { "data-since": alarm.since }, age(alarm.since)));
}
