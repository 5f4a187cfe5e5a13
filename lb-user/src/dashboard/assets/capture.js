// Captures packets of a back-end, for a file that Wireshark reads.

import { element, write } from "./dom.js";
import { bytes } from "./format.js";
import { ask } from "./session.js";

/** A form that captures and has the browser save what came. */
export function captureForm(service, backend) {
  const number = (id, value, most) => element("input", { type: "number", id, min: "1", max: String(most), value: String(value), required: true });
  const [packets, seconds] = [number("capture-count", 1000, 100000), number("capture-seconds", 10, 300)];
  const whole = element("select", { id: "capture-of" }, element("option", { value: "backend" }, backend.name), element("option", { value: "service" }, `all of ${service.name}`));
  const status = element("p", { role: "status", id: "capture-status" });
  const start = element("button", { type: "submit", id: "capture" }, "Capture");
  const stop = element("button", { type: "button", hidden: true }, "Stop");
  const run = async (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ service: service.name, count: packets.value, duration_s: seconds.value });
    if (whole.value === "backend") query.set("backend", backend.name);
    const enough = new AbortController();
    stop.onclick = () => enough.abort();
    [start.disabled, stop.hidden] = [true, false];
    try {
      const parts = await receive(query, enough.signal, (size) => write(status, `Captured ${bytes(size)} so far …`));
      save(new Blob(parts, { type: "application/x-pcapng" }), `${service.name}-${backend.name}.pcapng`);
      write(status, `Saved ${bytes(parts.reduce((sum, part) => sum + part.length, 0))}.`);
    } catch (error) {
      write(status, error.message);
    }
    [start.disabled, stop.hidden] = [false, true];
  };
  return element("section", {}, element("h3", {}, "Capture packets"),
    element("p", { class: "note" }, "Before and after the rewrite, with the decision as a comment; the client’s half only."),
    element("form", { class: "fields", onsubmit: run },
      element("label", { for: "capture-of" }, "Of", whole), element("label", { for: "capture-count" }, "Packets, at most", packets),
      element("label", { for: "capture-seconds" }, "Seconds, at most", seconds), start, stop), status);
}

/** What came until the capture ended, or somebody had enough. */
async function receive(query, signal, progress) {
  const parts = [];
  const answer = await ask(`/v1/capture?${query}`, { signal });
  const reader = answer.body.getReader();
  try {
    for (let size = 0; ;) {
      const { value, done } = await reader.read();
      if (done) break;
      parts.push(value);
      progress((size += value.length));
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
  return parts;
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
