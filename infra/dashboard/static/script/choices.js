// What is looked at: a model and a window. Kept in the address, so that a reload or a bookmark comes back to it.

import { el } from "./dom.js";

/** Buttons for `options`; `chosen` is told the option. Returns a function that marks an option as chosen. */
export function choices(place, options, chosen) {
  const buttons = options.map((option) => {
    const button = el("button", { type: "button", "aria-pressed": "false" }, option);
    button.addEventListener("click", () => chosen(option));
    return button;
  });
  place.replaceChildren(...buttons);
  return (option) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === option));
  };
}

/** The choice in the address; anything unknown in it falls back to the first model, the given window. */
export function readChoice({ models, windows, since }) {
  const given = new URLSearchParams(location.hash.slice(1));
  return {
    model: models.includes(given.get("model")) ? given.get("model") : models[0],
    since: windows.includes(given.get("since")) ? given.get("since") : since,
  };
}

export function writeChoice(choice) {
  history.replaceState(null, "", `#${new URLSearchParams(choice)}`);
}
