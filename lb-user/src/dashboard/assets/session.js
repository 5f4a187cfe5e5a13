// Who I am, and requests that may need a login.

import { byId, closable, write } from "./dom.js";

const LEVELS = ["nothing", "numbers", "flows", "operate"];
let access = "nothing";
const listeners = [];

/** Whether I may do that: `numbers`, `flows` or `operate`. */
export const may = (what) => LEVELS.indexOf(access) >= LEVELS.indexOf(what);

/** Calls `listener` when that has changed. */
export const onAccess = (listener) => listeners.push(listener);

/** Asks the agent. Throws what it says if it refuses; where a login is missing, it asks for one. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer;
  if (answer.status === 401 && path !== "/session") openLogin();
  throw new Error(reason(await answer.text(), answer.status));
}

export async function post(path, body) {
  return ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

/** Looks who I am, and logs in if the URL has the token: `#token=...`. It is taken out of the address bar at once. */
export async function startSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname);
  const dialog = byId("login-dialog");
  closable(dialog);
  byId("login").addEventListener("click", () => (may("operate") ? logOut() : openLogin()));
  byId("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    await logIn(byId("token").value.trim());
  });
  if (token) await logIn(token);
  if (!may("operate")) await refresh();
  if (!may("numbers")) openLogin();
}

function openLogin() {
  write(byId("login-error"), "");
  if (!byId("login-dialog").open) byId("login-dialog").showModal();
  byId("token").focus();
}

async function logIn(token) {
  try {
    set((await (await post("/session", { token })).json()).access);
    byId("token").value = "";
    byId("login-dialog").close();
  } catch (error) {
    openLogin();
    write(byId("login-error"), error.message);
  }
}

async function logOut() {
  await ask("/session", { method: "DELETE" });
  await refresh();
}

async function refresh() {
  set((await (await ask("/session")).json()).access);
}

function set(found) {
  access = found;
  write(byId("login"), may("operate") ? "Log out" : "Log in");
  for (const listener of listeners) listener();
}

/** The agent answers in words, or as `{ kind, message }`. */
function reason(text, status) {
  try {
    return JSON.parse(text).message ?? text;
  } catch {
    return text || `the agent answered with status ${status}`;
  }
}
