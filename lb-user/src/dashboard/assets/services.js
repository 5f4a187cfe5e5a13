// How each service chooses: its scheduler and ring, and what did not go by them.

import { card } from "./card.js";
import { element, table } from "./dom.js";
import { count, percent } from "./format.js";
import { colour, onTheme } from "./theme.js";

/** Shares of a ring that are drawn. */
const MOST = 64;

export class Services {
  constructor(parent) {
    this.card = card(parent, "services", "Rings and affinity", "The strip is the ring: each ready back-end’s part of it.");
    this.list = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Services" });
    this.card.body.append(this.list);
    onTheme(() => { this.shown = undefined; });
  }

  show(snapshot) {
    const shown = JSON.stringify([snapshot.services, snapshot.backends.map(({ service, name, weight, state }) => [service, name, weight, state])]);
    if (shown !== this.shown) this.list.replaceChildren(...snapshot.services.flatMap((service) => this.service(service, snapshot.backends)));
    this.shown = shown;
    this.card.tabulate(() => table("Services", [["Service", false], ["Scheduler", false], ["Forwarding", false], ["New flows", true], ["By affinity", true], ["Unknown flows", true], ["Table full", true], ["Flood", true], ["Dropped packets", true]],
      snapshot.services.map((it) => [it.name, it.scheduler, it.forwarding, ...[it.new_flows, it.affinity, it.unknown_flows, it.table_full, it.flood, it.dropped].map(count)])));
  }

  service(service, backends) {
    const ready = backends.filter((backend) => backend.service === service.name && (backend.state === "ready" || backend.state === "starting"));
    const all = Math.max(1, ready.reduce((sum, backend) => sum + backend.weight, 0));
    const strip = element("div", { class: "strip", role: "img", "aria-label": `Ring of ${service.name}: ${ready.slice(0, MOST).map((it) => `${it.name} ${percent(it.weight / all)}`).join(", ") || "empty"}` });
    for (const [index, backend] of ready.slice(0, MOST).entries()) {
      const part = element("span", { title: `${backend.name}: ${percent(backend.weight / all)}` });
      part.style.width = `${(100 * backend.weight) / all}%`;
      part.style.background = colour(`c${index % 8}`);
      strip.append(part);
    }
    const hits = service.new_flows > 0 ? ` (${percent(service.affinity / service.new_flows)} of new flows)` : "";
    const vip = service.vip.includes(":") ? `[${service.vip}]` : service.vip;
    return [
      element("h3", {}, `${service.name}, ${vip}:${service.ports} ${service.protocol}`),
      element("p", {}, `${service.scheduler}, ${service.forwarding}, ${count(service.ready)} of ${count(service.backends)} back-ends ready`),
      strip,
      element("p", { class: "note" }, `By affinity ${count(service.affinity)} flows${hits}. By the consistent ring: ${count(service.unknown_flows)} packets of unknown flows, ${count(service.table_full)} flows with the table full, ${count(service.flood)} in floods. By QUIC connection ID ${count(service.quic)} packets.`),
    ];
  }
}
