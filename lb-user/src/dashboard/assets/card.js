// The frame of a graph: its title, what half of the traffic it shows, and the same as a table.

import { element } from "./dom.js";

const HALF = "The client’s half only (direct server return).";

/** A card within `parent`. `note` says more of what is shown. Returns its body and what makes the table. */
export function card(parent, id, title, note = "") {
  const body = element("div", {});
  const rows = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}: table` });
  const details = element("details", {}, element("summary", {}, "As a table"), rows);
  let make = () => undefined;
  const refresh = () => {
    const made = details.open ? make() : undefined;
    if (made) rows.replaceChildren(made);
  };
  details.addEventListener("toggle", refresh);
  parent.append(element("section", { class: "card", id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    element("p", { class: "note" }, note ? `${HALF} ${note}` : HALF), body, details));
  return {
    body,
    /** Says how the table is made, and makes it if it is to be seen. */
    tabulate(maker) {
      make = maker;
      refresh();
    },
  };
}
