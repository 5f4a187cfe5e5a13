// Dark or light: as the system has it, until somebody chooses.

import { byId, write } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];

/** The theme that is shown. */
const shown = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");

/** Calls `listener` when the colours have changed. */
export const onTheme = (listener) => listeners.push(listener);

/** A colour of the style sheet, as `c0`. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function startTheme() {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  const changed = () => {
    write(byId("theme"), shown() === "dark" ? "Light" : "Dark");
    for (const listener of listeners) listener();
  };
  byId("theme").addEventListener("click", () => {
    const next = shown() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    changed();
  });
  dark.addEventListener("change", changed);
  changed();
}
