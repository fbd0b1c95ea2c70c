// Numbers and times as people read them.

const AGES = [[86400, "d"], [3600, "h"], [60, "m"]];
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat([], { month: "short", day: "numeric" });

/** How long ago a time was: 42s, 5m, 3h, 2d. */
export function age(time, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(time)) / 1000);
  const [size, unit] = AGES.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${unit}`;
}

/** The time of day, with the date when it isn't today. */
export function moment(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

/** A value with its unit, short: 320 ms, 4.2 s, 12.5/s, 3 %, $1.24. */
export function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  switch (unit) {
    case "seconds":
      return value < 1 ? `${digits(value * 1000)} ms` : `${digits(value)} s`;
    case "per second":
      return `${digits(value)}/s`;
    case "percent":
      return `${digits(value)} %`;
    case "dollars":
      return `$${value.toFixed(value < 0.1 && value > 0 ? 4 : 2)}`;
    default:
      return digits(value);
  }
}

function digits(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** "15m" in words, for sentences. */
export function windowWords(window) {
  const units = { s: "second", m: "minute", h: "hour", d: "day" };
  const count = Number.parseInt(window, 10);
  const unit = units[window.at(-1)];
  return count === 1 ? unit : `${count} ${unit}s`;
}
