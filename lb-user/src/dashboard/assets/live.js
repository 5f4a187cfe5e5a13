// A snapshot each second, and whether the agent is there.

import { byId, write } from "./dom.js";
import { clock } from "./format.js";
import { may } from "./session.js";

/** How long nothing may come until we say so: the agent sends something each second. */
const PATIENCE = 4000;

/** Gives each snapshot to `show`, and calls `back` when the agent is there again. Returns what begins anew, as after a login. */
export function follow(show, back) {
  let source, last, gone = false;
  const state = (name, text) => {
    byId("connection").dataset.state = name;
    write(byId("connection"), text);
  };
  const open = () => {
    source?.close();
    last = Date.now();
    if (!may("numbers")) return state("gone", "Log in to see numbers.");
    source = new EventSource("/v1/live");
    source.onmessage = (event) => {
      last = Date.now();
      state("live", "Live");
      const snapshot = JSON.parse(event.data);
      if (gone) back();
      gone = false;
      show(snapshot);
    };
  };
  const check = () => {
    if (Date.now() - last < PATIENCE || !may("numbers")) return;
    if (!gone) state("gone", `The agent does not answer since ${clock(last / 1000)}: trying again. What is shown is of then.`);
    gone = true;
    // The browser tries again by itself, but gives up where a server answers with an error.
    open();
  };
  open();
  setInterval(check, 1000);
  return open;
}
