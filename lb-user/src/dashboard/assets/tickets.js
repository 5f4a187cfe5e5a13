// Rings of session-ticket keys, and whether sessions are resumed.

import { card } from "./card.js";
import { element, table } from "./dom.js";
import { count, duration, percent } from "./format.js";

export class Tickets {
  constructor(parent) {
    this.card = card(parent, "tickets", "Ticket keys and resumption", "Whether a session was resumed only the back-ends know: probes try it.");
    this.rings = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rings of ticket keys" });
    this.card.body.append(this.rings);
  }

  show({ tickets, samples }) {
    const shown = JSON.stringify([tickets.map((ring) => [ring, Math.floor(ring.due_in_s)]), samples.hellos]);
    if (shown !== this.shown) this.rings.replaceChildren(...this.hellos(samples), ...(tickets.length ? tickets.flatMap((ring) => this.ring(ring)) : ["No ring of ticket keys is configured."]));
    this.shown = shown;
    this.card.tabulate(() => table("Probes", [["Ring", false], ["Session of", false], ["Tried on", false], ["TLS", false], ["Last", false], ["Resumed", true], ["Not resumed", true]],
      tickets.flatMap((ring) => ring.probes.map((probe) => [ring.name, probe.from, probe.to, probe.tls, probe.outcome, count(probe.resumed), count(probe.full)]))));
  }

  hellos({ hellos, one_packet_in }) {
    if (hellos.length === 0) return [element("p", {}, one_packet_in === 0 ? "Nothing is sampled, so no ClientHello is read." : "No ClientHello was sampled yet.")];
    return [element("h3", {}, "ClientHellos, sampled"), table("ClientHellos", [["Service", false], ["Seen", true], ["TLS 1.3", true], ["TLS 1.2", true], ["Older", true], ["Offer to resume", true], ["Cut", true]],
      hellos.map((it) => [it.service, count(it.seen), count(it.tls13), count(it.tls12), count(it.older), `${count(it.resumption)}, ${percent(it.resumption / Math.max(1, it.seen))}`, count(it.cut)]))];
  }

  ring(ring) {
    const sum = (key) => ring.probes.reduce((total, probe) => total + probe[key], 0);
    const due = ring.held ? "waits for back-ends" : `in ${duration(ring.due_in_s)}`;
    return [
      element("h3", {}, `Ring ${ring.name}`),
      element("p", {}, `Next rotation ${due}, every ${duration(ring.rotation_s)}; tickets hold for ${duration(ring.lifetime_s)}. Probes: ${count(sum("resumed"))} resumed, ${count(sum("full"))} not.`),
      table(`Keys of ${ring.name}`, [["Key", false], ["Id", false], ["Age", true]], ring.keys.map((key) => [key.state, element("span", { class: "mono" }, String(key.id)), duration(key.age_s)])),
      table(`Nodes of ${ring.name}`, [["Back-end", false], ["Keys", false], ["Behind by", true], ["Driver", false], ["Heard", true], ["Error", false]],
        ring.nodes.map((node) => [node.name, node.state ?? "never heard", node.lag === null ? "–" : count(node.lag), node.driver ?? "–", node.seen_s_ago === null ? "never" : `${duration(node.seen_s_ago)} ago`, node.error ?? ""])),
    ];
  }
}
