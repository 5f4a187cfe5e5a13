// The table of all back-ends: filter, order, pages. Only the rows of one page are elements.

import { element, write } from "./dom.js";
import { bytes, bytesPerSecond, count, flowsPerSecond, percent } from "./format.js";

const PAGE = 50;

/** Title, whether it is a number, what is shown, and what it is ordered by. */
const COLUMNS = [
  ["Service", false, (it) => it.service],
  ["Back-end", false, (it) => it.name],
  ["Address", false, (it) => it.address],
  ["State", false, (it) => it.state],
  ["Weight", true, (it) => String(it.weight), (it) => it.weight],
  ["New flows", true, (it) => count(it.new_flows), (it) => it.new_flows],
  ["New flows/s", true, (it, rates) => flowsPerSecond(rates.lately(`new-flows/${it.service}/${it.name}`)), (it, rates) => rates.lately(`new-flows/${it.service}/${it.name}`)],
  ["Share", true, (it) => percent(it.share), (it) => it.share],
  ["Active flows", true, (it) => count(it.live_flows), (it) => it.live_flows],
  ["Traffic", true, (it, rates) => bytesPerSecond(rates.lately(`bytes/${it.service}/${it.name}`)), (it, rates) => rates.lately(`bytes/${it.service}/${it.name}`)],
  ["In all", true, (it) => bytes(it.bytes), (it) => it.bytes],
];
const GOOD = { ready: "good", starting: "good", draining: "warn", disabled: "warn", leaving: "warn" };

export class Backends {
  /** `open` is called with the back-end whose row was chosen. */
  constructor(parent, open) {
    Object.assign(this, { open, column: 0, falling: false, page: 0 });
    this.filter = element("input", { type: "search", id: "filter", oninput: () => { this.page = 0; this.redraw(); } });
    this.words = element("span", { class: "note", role: "status" });
    this.back = element("button", { type: "button", onclick: () => this.turn(-1) }, "Previous page");
    this.next = element("button", { type: "button", onclick: () => this.turn(1) }, "Next page");
    this.head = COLUMNS.map(([title, isNumber], column) => element("th", { scope: "col", class: isNumber ? "number" : undefined },
      element("button", { type: "button", onclick: () => this.order(column) }, title)));
    this.body = element("tbody", {});
    parent.append(
      element("div", { class: "fields" }, element("label", { for: "filter" }, "Filter", this.filter), this.back, this.next, this.words),
      element("p", { class: "note" }, "The client’s half only (direct server return). Choose a row to drain, weigh, explain or capture."),
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of back-ends" },
        element("table", {}, element("caption", { class: "hidden" }, "Back-ends"), element("thead", {}, element("tr", {}, ...this.head)), this.body)));
    this.rows = [];
  }

  show(snapshot, rates) {
    Object.assign(this, { snapshot, rates });
    this.redraw();
  }

  turn(by) {
    this.page += by;
    this.redraw();
  }

  order(column) {
    this.falling = this.column === column ? !this.falling : COLUMNS[column][1];
    this.column = column;
    this.redraw();
  }

  redraw() {
    if (!this.snapshot) return;
    const [, , text, key = text] = COLUMNS[this.column];
    const wanted = this.filter.value.trim().toLowerCase();
    const matches = (it) => !wanted || [it.service, it.name, it.address, it.state].some((value) => value.toLowerCase().includes(wanted));
    const found = this.snapshot.backends.filter(matches).map((backend) => [key(backend, this.rates), backend]);
    const compare = ([a], [b]) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : (a ?? 0) - (b ?? 0));
    found.sort((a, b) => (this.falling ? compare(b, a) : compare(a, b)));
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    this.page = Math.min(Math.max(0, this.page), pages - 1);
    this.back.disabled = this.page === 0;
    this.next.disabled = this.page === pages - 1;
    write(this.words, `${count(found.length)} of ${count(this.snapshot.backends.length)} back-ends, page ${this.page + 1} of ${pages}`);
    this.head.forEach((cell, column) => cell.setAttribute("aria-sort", column !== this.column ? "none" : this.falling ? "descending" : "ascending"));
    this.fill(found.slice(this.page * PAGE, (this.page + 1) * PAGE).map(([, backend]) => backend));
  }

  /** Rows stay, and with them the focus: only their texts change. */
  fill(backends) {
    while (this.rows.length < backends.length) this.rows.push(this.row());
    while (this.rows.length > backends.length) this.rows.pop().row.remove();
    backends.forEach((backend, index) => {
      const line = this.rows[index];
      line.backend = backend;
      line.row.dataset.backend = `${backend.service}/${backend.name}`;
      COLUMNS.forEach(([, , text], column) => write(column === 1 ? line.button : line.cells[column], text(backend, this.rates)));
      line.cells[3].className = GOOD[backend.state] ?? "bad";
    });
  }

  row() {
    const line = { button: element("button", { type: "button" }), cells: COLUMNS.map(([, isNumber]) => element("td", { class: isNumber ? "number" : undefined })) };
    line.cells[1].append(line.button);
    line.row = element("tr", { onclick: () => this.open(line.backend) }, ...line.cells);
    this.body.append(line.row);
    return line;
  }
}
