// Who sends most, and how large flows are.

import { Bars } from "./bars.js";
import { card } from "./card.js";
import { element, table, write } from "./dom.js";
import { bytes, count, duration, packets, percent, si } from "./format.js";
import { may } from "./session.js";

const MOST = 10;

export class Talkers {
  constructor(parent) {
    this.card = card(parent, "talkers", "Top talkers and flow sizes", "Estimated from samples.");
    this.note = element("p", { class: "note" });
    this.card.body.append(this.note);
    this.bars = new Bars(this.card.body, "Clients by bytes");
    this.flows = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Sizes of flows" });
    this.card.body.append(element("h3", {}, "Flows by application"), this.flows);
  }

  show({ samples }) {
    const talkers = samples.talkers.slice(0, MOST);
    write(this.note, this.words(samples));
    this.bars.show(talkers.map(({ client, bytes: size, share }) => [client, size, `${bytes(size)}, ${percent(share)}`]));
    const columns = [["Application", false], ["Flows sampled", true], ["Mean size", true], ["Mean packets", true], ["Mean duration", true]];
    const rows = samples.flow_sizes.map((sizes) =>
      [sizes.application, count(sizes.flows), bytes(sizes.mean_bytes), packets(sizes.mean_packets), sizes.mean_duration_s < 1 ? si(sizes.mean_duration_s * 1000, "ms") : duration(sizes.mean_duration_s)]);
    const shown = JSON.stringify(rows);
    if (shown !== this.shown) this.flows.replaceChildren(rows.length ? table("Sizes of flows", columns, rows) : "No sampled flow has ended yet.");
    this.shown = shown;
    this.card.tabulate(() => table("Top talkers", [["Client", false], ["Packets", true], ["Bytes", true], ["Too high by, at most", true], ["Share", true]],
      samples.talkers.map((it) => [it.client, count(it.packets), bytes(it.bytes), bytes(it.error), percent(it.share)])));
  }

  words({ one_packet_in, window_s, taken, missed }) {
    if (one_packet_in === 0) return "Nothing is sampled: see [analysis] in the configuration.";
    const how = `One packet in ${count(one_packet_in)} over ${duration(window_s)}; ${count(taken)} samples taken, ${count(missed)} missed.`;
    return may("flows") ? how : `${how} Log in to see the addresses of clients.`;
  }
}
