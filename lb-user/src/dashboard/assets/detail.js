// One back-end: its facts, and what can be done with it.

import { captureForm } from "./capture.js";
import { confirm } from "./confirm.js";
import { byId, closable, element, write } from "./dom.js";
import { explainForm } from "./explain.js";
import { bytes, bytesPerSecond, count, duration, flowsPerSecond, percent } from "./format.js";
import { may, post } from "./session.js";

export class Detail {
  constructor() {
    this.dialog = byId("detail");
    closable(this.dialog);
    this.title = element("h2", { id: "detail-title" });
    this.facts = element("dl", { class: "facts" });
    this.error = element("p", { class: "alert", role: "alert" });
    this.done = element("p", { class: "good", role: "status" });
    this.drain = element("button", { type: "button", id: "drain", onclick: () => this.turn() });
    this.weight = element("input", { type: "number", id: "weight", min: "0", max: "65535", required: true });
    const weigh = element("form", { class: "fields", onsubmit: (event) => { event.preventDefault(); this.weigh(); } },
      element("label", { for: "weight" }, "Weight", this.weight), element("button", { type: "submit" }, "Set weight"),
      element("button", { type: "button", onclick: () => this.say("reset-weight", "Weigh as configured:") }, "As configured"));
    this.login = element("p", { class: "note" }, "Log in to change something, explain or capture.");
    this.tools = element("div", {});
    this.dialog.append(this.title, this.facts, this.login, this.drain, weigh, this.error, this.done, this.tools,
      element("div", { class: "buttons" }, element("button", { type: "button", "data-close": true }, "Close")));
  }

  open(backend, snapshot) {
    this.key = [backend.service, backend.name];
    this.weight.value = backend.weight;
    this.tell("", "");
    const service = snapshot.services.find((service) => service.name === backend.service);
    this.tools.replaceChildren(explainForm(service), captureForm(service, backend));
    this.dialog.showModal();
  }

  show(snapshot, rates) {
    if (!this.dialog.open) return;
    const [service, name] = this.key;
    const backend = snapshot.backends.find((it) => it.service === service && it.name === name);
    if (!backend) return this.tell("This back-end is no longer there.", "");
    this.backend = backend;
    write(this.title, `${name} of ${service}`);
    write(this.drain, this.isDrained() ? "Undrain" : "Drain");
    this.login.hidden = may("operate");
    const health = backend.health;
    const facts = [
      ["State", backend.reason ? `${backend.state}: ${backend.reason}` : backend.state],
      ["Health", health ? [health.state, health.latency_ms !== null && `${health.latency_ms.toFixed(1)} ms`, health.since_s !== null && `for ${duration(health.since_s)}`, health.last_error && `last error: ${health.last_error}`].filter((it) => it).join(", ") : "not checked"],
      ["Address", [backend.address, backend.mac, backend.interface].filter((it) => it).join(", ")],
      ["Weight", backend.configured_weight === null ? String(backend.weight) : `${backend.weight} (configured: ${backend.configured_weight})`],
      ["New flows", `${count(backend.new_flows)} flows, ${percent(backend.share)} of the service, ${flowsPerSecond(rates.lately(`new-flows/${service}/${name}`))}`],
      ["Active flows", `${count(backend.live_flows)}\u00a0flows`],
      ["Traffic", `${bytesPerSecond(rates.lately(`bytes/${service}/${name}`))}; ${count(backend.packets)} packets, ${bytes(backend.bytes)} in all (the client’s half)`],
    ];
    this.facts.replaceChildren(...facts.flatMap(([term, fact]) => [element("dt", {}, term), element("dd", {}, fact)]));
  }

  isDrained() {
    return this.backend?.state === "draining";
  }

  turn() {
    return this.isDrained() ? this.say("undrain", "Give new flows again to") : this.say("drain", "Give no new flows to");
  }

  weigh() {
    const weight = Number(this.weight.value);
    return this.say({ weight }, `Set the weight to ${weight}:`);
  }

  /** Asks, does it, and asks again where the agent would rather not. */
  async say(verb, question) {
    const [service, backend] = this.key;
    if (!(await confirm(`${question} ${backend} of ${service}?`, "Yes"))) return;
    try {
      await this.order({ service, backend, verb });
    } catch (error) {
      if (!error.message.includes("--force")) return this.tell(error.message, "");
      if (!(await confirm(error.message.replace(": use --force to do it all the same", ""), "Do it all the same"))) return;
      await this.order({ service, backend, verb, force: true }).catch((again) => this.tell(again.message, ""));
    }
  }

  async order(order) {
    const { failure } = await (await post("/v1/override", order)).json();
    this.tell(failure ?? "", failure ? "" : "Done.");
  }

  tell(error, done) {
    write(this.error, error);
    write(this.done, done);
  }
}
