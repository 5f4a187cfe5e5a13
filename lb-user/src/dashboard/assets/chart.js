// Values over time, as lines or stacked areas.

import { card } from "./card.js";
import { element, table } from "./dom.js";
import { clock } from "./format.js";
import { colour, onTheme } from "./theme.js";

const HEIGHT = 190;
/** Series with a colour of their own. */
const MOST = 8;
/** Moments of the table. */
const ROWS = 60;

/**
 * A graph of a timeline. `options`: id, title, note, format of a value and of the axis, and whether series are
 * stacked.
 */
export class Chart {
  constructor(parent, { id, title, note, format, axis = format, stacked = false }) {
    Object.assign(this, { title, format, axis, stacked });
    this.card = card(parent, id, title, note);
    this.plot = element("div", { class: "plot", role: "img" });
    this.legend = element("ul", { class: "legend" });
    this.card.body.append(this.plot, this.legend);
    this.names = "";
    onTheme(() => this.redraw());
    new ResizeObserver(() => this.chart?.setSize({ width: this.width(), height: HEIGHT })).observe(this.plot);
  }

  /** Shows the timeline as it is now. */
  show(timeline) {
    this.timeline = timeline;
    const series = timeline.largest(MOST);
    const names = series.map(([name]) => name).join("\n");
    const data = this.data(series);
    if (names !== this.names || !this.chart) {
      this.names = names;
      this.draw(series, data);
    } else {
      this.chart.setData(data);
    }
    this.describe(series);
    this.card.tabulate(() => this.table(series));
  }

  redraw() {
    this.names = "";
    if (this.timeline) this.show(this.timeline);
  }

  /** Stacked series are sums of those before them. */
  data(series) {
    const { times } = this.timeline;
    if (!this.stacked) return [times, ...series.map(([, column]) => column)];
    const total = times.map(() => 0);
    return [times, ...series.map(([, column]) => column.map((value, index) => (value === null ? null : total[index] += value)))];
  }

  draw(series, data) {
    this.chart?.destroy();
    const axis = { stroke: colour("faint"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 } };
    const line = ([name], index) => ({
      label: name,
      stroke: colour(`c${index}`),
      width: 1.5,
      fill: this.stacked ? colour(`c${index}`) + "a0" : undefined,
      points: { show: false },
    });
    this.chart = new uPlot({
      width: this.width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: (_, _first, last) => [last - this.timeline.span, last] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => clock(tick).slice(0, this.timeline.span > 900 ? 5 : 8)), space: 60 },
        { ...axis, values: (_, ticks) => ticks.map(this.axis), size: 92 },
      ],
      series: [{}, ...series.map(line)],
      bands: this.stacked ? series.slice(1).map((_, index) => ({ series: [index + 2, index + 1] })) : [],
    }, data, this.plot);
  }

  describe(series) {
    const latest = series.map(([name, column]) => [name, column.at(-1) ?? null]);
    const items = latest.map(([name, value], index) => {
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = colour(`c${index}`);
      return element("li", { "data-series": name, "data-value": value ?? "" }, swatch, `${name} ${this.format(value)}`);
    });
    this.legend.replaceChildren(...items);
    const words = latest.map(([name, value]) => `${name} ${this.format(value)}`).join(", ");
    this.plot.setAttribute("aria-label", `${this.title}, now: ${words || "nothing yet"}`);
    this.plot.dataset.points = this.timeline.times.length;
  }

  table(series) {
    const { times } = this.timeline;
    const rows = times.slice(-ROWS).map((time, index) => {
      const at = Math.max(0, times.length - ROWS) + index;
      return [clock(time), ...series.map(([, column]) => this.format(column[at]))];
    });
    return table(this.title, [["Time", false], ...series.map(([name]) => [name, true])], rows.reverse());
  }

  width() {
    return Math.max(200, this.plot.clientWidth);
  }
}
