// One bar a thing.

import { element, write } from "./dom.js";

/** Bars within `parent`, and where the mean of them is. */
export class Bars {
  constructor(parent, label) {
    this.label = label;
    this.grid = element("div", { class: "bars", role: "img", tabindex: "0" });
    parent.append(this.grid);
    this.names = "";
  }

  /** Shows `[name, value, text]` for each bar. */
  show(bars, mean = null) {
    const names = bars.map(([name]) => name).join("\n");
    if (names !== this.names) this.build(bars);
    this.names = names;
    const most = Math.max(1e-9, mean ?? 0, ...bars.map(([, value]) => value));
    bars.forEach(([, value, text], index) => {
      const { fill, line, words } = this.rows[index];
      fill.style.width = `${(100 * value) / most}%`;
      line.hidden = mean === null;
      if (mean !== null) line.style.left = `${(100 * mean) / most}%`;
      write(words, text);
      words.dataset.value = value;
    });
    this.grid.setAttribute("aria-label", `${this.label}: ${bars.map(([name, , text]) => `${name} ${text}`).join(", ") || "nothing yet"}`);
  }

  build(bars) {
    this.rows = bars.map(() => ({
      fill: element("div", { class: "fill" }),
      line: element("div", { class: "mean" }),
      words: element("span", { class: "number" }),
    }));
    const cells = bars.flatMap(([name], index) => {
      const { fill, line, words } = this.rows[index];
      words.dataset.bar = name;
      return [element("span", {}, name), element("div", { class: "track" }, fill, line), words];
    });
    this.grid.replaceChildren(...cells);
  }
}
