// What happened and happens, as the agent tells it: one JSON object a line, for as long as the agent runs.

import { may, onAccess } from "./session.js";

/** How long to wait until trying again, in milliseconds. */
const PAUSE = 3000;
/** Events that are kept. */
const KEPT = 500;

/** Events, the latest last. Calls `changed` when there are more. */
export class Events {
  constructor(changed) {
    this.list = [];
    this.changed = changed;
    // What may be seen is another thing now.
    onAccess(() => this.reading?.abort());
    this.follow();
  }

  async follow() {
    for (;;) {
      try {
        if (may("numbers")) await this.read();
      } catch {
        // The agent is gone, which the live view says, or somebody has logged in or out.
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async read() {
    this.reading = new AbortController();
    const answer = await fetch("/v1/events", { signal: this.reading.signal });
    if (!answer.ok) return;
    // The agent tells again what it still knows.
    this.list = [];
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop();
      this.list.push(...lines.filter((line) => line).map((line) => JSON.parse(line)));
      this.list.splice(0, Math.max(0, this.list.length - KEPT));
      this.changed();
    }
  }
}
