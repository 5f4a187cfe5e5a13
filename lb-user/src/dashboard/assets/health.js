// Health timeline: how each back-end stood over the time that is shown, and the events.

import { card } from "./card.js";
import { element, table, write } from "./dom.js";
import { clock, count } from "./format.js";

/** Back-ends that have a line: those that changed come first. */
const MOST = 24;
const EVENTS = 50;
const DRAINED = ["draining", "disabled", "leaving"];

/** How a state is drawn. */
const kind = (state) => (state === "ready" || state === "starting" ? "ready" : DRAINED.includes(state) ? "drained" : state === "unknown" ? "unknown" : "down");

export class Health {
  constructor(parent) {
    this.card = card(parent, "health", "Health timeline", "Green gets new flows, red does not, yellow is drained; lines are events.");
    this.lanes = element("div", { class: "bars", role: "img", tabindex: "0" });
    this.rest = element("p", { class: "note" });
    this.list = element("ul", { class: "events", tabindex: "0", "aria-label": "Events" });
    this.card.body.append(this.lanes, this.rest, this.list);
    this.states = new Map();
    this.events = [];
  }

  /** Begins anew with what the agent has kept. */
  load(history, span) {
    this.span = span;
    this.states = new Map();
    for (const { service, backend, values } of history.series.filter((series) => series.of === "backend")) {
      values.forEach((value, index) => {
        const state = value === null ? "unknown" : value >= 1 ? "ready" : "not ready";
        this.note(`${backend} of ${service}`, history.start_unix_s + index * history.step_s, state);
      });
    }
  }

  push(time, backends) {
    this.time = time;
    for (const { service, name, state } of backends) this.note(`${name} of ${service}`, time, state);
  }

  /** Only changes are kept. */
  note(name, time, state) {
    const states = this.states.get(name) ?? [];
    if (states.at(-1)?.[1] !== state) states.push([time, state]);
    while (states.length > 1 && states[1][0] < time - this.span) states.shift();
    this.states.set(name, states);
  }

  follow(events) {
    this.events = events;
    const shown = events.slice(-EVENTS).reverse();
    this.list.replaceChildren(...shown.map((event) => {
      const about = [event.backend, event.service].filter((it) => it).join(" of ");
      return element("li", { class: event.alarming ? "warn" : undefined }, `${clock(event.unix_ms / 1000)} ${about ? about + ": " : ""}${event.message}`);
    }));
    this.card.tabulate(() => table("Events", [["Time", false], ["Kind", false], ["Service", false], ["Back-end", false], ["What", false]],
      shown.map((event) => [clock(event.unix_ms / 1000), event.kind, event.service ?? "", event.backend ?? "", event.message])));
  }

  show() {
    const restless = ([, states]) => states.length > 1 || kind(states.at(-1)[1]) !== "ready";
    const all = [...this.states];
    const chosen = [...all.filter(restless), ...all.filter((it) => !restless(it))].slice(0, MOST);
    this.lanes.replaceChildren(...chosen.flatMap(([name, states]) => [element("span", {}, name), this.lane(name, states), this.state(states)]));
    write(this.rest, all.length > chosen.length ? `${count(all.length - chosen.length)} more back-ends are not shown.` : "");
    this.lanes.setAttribute("aria-label", `Health: ${chosen.map(([name, states]) => `${name} ${states.at(-1)[1]}`).join(", ") || "nothing yet"}`);
  }

  state(states) {
    const state = states.at(-1)[1];
    return element("span", { class: { ready: "good", drained: "warn", down: "bad" }[kind(state)] }, state);
  }

  lane(name, states) {
    const begin = this.time - this.span;
    const place = (time) => 100 * Math.min(1, Math.max(0, (time - begin) / this.span));
    const lane = element("div", { class: "lane" });
    states.forEach(([time, state], index) => {
      const part = element("span", { class: kind(state), title: `${state} since ${clock(time)}` });
      part.style.left = `${place(time)}%`;
      part.style.width = `${place(states[index + 1]?.[0] ?? this.time) - place(time)}%`;
      lane.append(part);
    });
    const own = this.events.filter((event) => event.backend && `${event.backend} of ${event.service}` === name && event.unix_ms / 1000 >= begin);
    for (const event of own) {
      const mark = element("span", { class: "mark", title: event.message });
      mark.style.left = `${place(event.unix_ms / 1000)}%`;
      lane.append(mark);
    }
    return lane;
  }
}
