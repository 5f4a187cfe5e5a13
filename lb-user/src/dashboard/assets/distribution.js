// The paper's figure: how new flows are spread over the back-ends of a service, and how even that is.

import { Bars } from "./bars.js";
import { card } from "./card.js";
import { element, table, write } from "./dom.js";
import { count, flowsPerSecond, percent } from "./format.js";

/** Back-ends that have a bar; the table below the graphs has all. */
const MOST = 64;

export class Distribution {
  constructor(parent) {
    this.card = card(parent, "distribution", "Distribution over back-ends", "The line is the mean.");
    this.service = element("select", { "aria-label": "Service", onchange: () => this.redraw() });
    this.mode = element("select", { "aria-label": "New flows counted", onchange: () => this.redraw() },
      element("option", { value: "total" }, "new flows, all"), element("option", { value: "lately" }, "new flows/s, last 10 s"));
    this.fairness = element("p", { id: "fairness" });
    this.card.body.append(element("div", { class: "fields" }, this.service, this.mode), this.fairness);
    this.bars = new Bars(this.card.body, "New flows by back-end");
    this.more = element("p", { class: "note" });
    this.card.body.append(this.more);
  }

  show(snapshot, rates) {
    Object.assign(this, { snapshot, rates });
    const names = snapshot.services.map((service) => service.name);
    if (names.join() !== [...this.service.options].map((option) => option.value).join()) {
      const chosen = this.service.value;
      this.service.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
      if (names.includes(chosen)) this.service.value = chosen;
      this.service.hidden = names.length < 2;
    }
    this.redraw();
  }

  redraw() {
    const service = this.service.value, lately = this.mode.value === "lately";
    const backends = this.snapshot.backends.filter((backend) => backend.service === service);
    const rate = ({ name }) => this.rates.lately(`new-flows/${service}/${name}`) ?? 0;
    const value = (backend) => (lately ? rate(backend) : backend.new_flows);
    const text = (backend) => (lately ? flowsPerSecond(rate(backend)) : `${count(backend.new_flows)} flows, ${percent(backend.share)}`);
    const values = backends.map(value);
    const mean = values.length ? values.reduce((sum, it) => sum + it, 0) / values.length : null;
    this.bars.show(backends.slice(0, MOST).map((backend) => [backend.name, value(backend), text(backend)]), mean);
    write(this.more, backends.length > MOST ? `${count(backends.length - MOST)} more back-ends are in the table below.` : "");
    const fairness = this.snapshot.traffic.fairness.find((fairness) => fairness.service === service);
    const known = fairness?.max_over_mean !== null && fairness?.max_over_mean !== undefined;
    write(this.fairness, known
      ? `Max/mean ${fairness.max_over_mean.toFixed(4)}, Jain’s index ${fairness.jain.toFixed(5)} (1 is even; all flows since the counters began, relative to weights, ${count(fairness.backends)} back-ends)`
      : "There was no flow yet.");
    this.card.tabulate(() => table("Distribution over back-ends", [["Back-end", false], ["New flows", true], ["Share", true], ["Last 10 s", true], ["Weight", true]],
      backends.map((backend) => [backend.name, count(backend.new_flows), percent(backend.share), flowsPerSecond(rate(backend)), String(backend.weight)])));
  }
}
