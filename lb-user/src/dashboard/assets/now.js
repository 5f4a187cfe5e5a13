// The numbers of this second, and who the agent is.

import { byId, element, write } from "./dom.js";
import { bytesPerSecond, count, duration, flowsPerSecond, packetsPerSecond } from "./format.js";

const NAMES = ["Traffic in", "Packets in", "New flows", "Active flows", "Dropped", "Back-ends ready"];

export class Now {
  constructor() {
    this.values = NAMES.map((name) => element("dd", { "data-now": name }));
    byId("now").append(...NAMES.map((name, index) => element("div", {}, element("dt", {}, name), this.values[index])));
  }

  show({ status }, rates) {
    const texts = [
      bytesPerSecond(rates.now("bytes")), packetsPerSecond(rates.now("packets")), flowsPerSecond(rates.now("new-flows")),
      `${count(status.flow_table.live)}\u00a0flows`, packetsPerSecond(rates.now("dropped")), `${count(status.ready)} of ${count(status.backends)}`,
    ];
    texts.forEach((text, index) => write(this.values[index], text));
    this.values[5].className = status.ready < status.backends ? "warn" : "";
    const failure = status.failure ? ` – ${status.failure}` : "";
    write(byId("agent"), `${status.version}, up ${duration(status.uptime_s)}, generation ${count(status.generation)}${failure}`);
    byId("agent").className = status.failure ? "alert" : "";
  }
}
