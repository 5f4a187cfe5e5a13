// Asks before something is changed.

import { byId, closable, write } from "./dom.js";

closable(byId("confirm-dialog"));

/** Asks `question`; resolves to whether the answer was `yes`. */
export function confirm(question, yes) {
  const dialog = byId("confirm-dialog");
  write(byId("confirm-text"), question);
  write(byId("confirm-yes"), yes);
  return new Promise((resolve) => {
    let sure = false;
    byId("confirm-yes").onclick = () => {
      sure = true;
      dialog.close();
    };
    dialog.addEventListener("close", () => resolve(sure), { once: true });
    dialog.showModal();
  });
}
