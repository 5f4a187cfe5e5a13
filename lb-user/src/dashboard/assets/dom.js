// Elements without HTML in strings: whatever comes from the agent is text.

/** An element with attributes, listeners (`onclick`) and children, which may be strings. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Writes a text, if it is another one: what does not change is not laid out again. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A table. A column is `[title, isNumber]`, a row an array of texts or elements. */
export function table(caption, columns, rows) {
  const cells = (tag, row) => row.map((cell, column) =>
    element(tag, { class: columns[column][1] ? "number" : undefined, scope: tag === "th" ? "col" : undefined }, cell));
  return element("table", {},
    element("caption", { class: "hidden" }, caption),
    element("thead", {}, element("tr", {}, ...cells("th", columns.map(([title]) => title)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row)))));
}

/** Makes the buttons with `data-close` close their dialog. */
export function closable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) dialog.close();
  });
}
