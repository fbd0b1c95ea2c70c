// Elements from data. Text is only ever set as text, so nothing that the cloud says becomes markup.

/** An element with attributes (null and false: left out) and children (elements, text; null: left out). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

/** A renderer that rebuilds only when what it shows has changed: focus, selection and open details stay. */
export function whenChanged(render) {
  let shown;
  return (...data) => {
    const key = JSON.stringify(data);
    if (key === shown) return;
    shown = key;
    render(...data);
  };
}

/** A table whose header cells have a scope; rows are lists of cells (elements or text). */
export function table(caption, columns, rows) {
  return el(
    "table",
    {},
    el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map((column) => el("th", { scope: "col" }, column)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell))))),
  );
}
