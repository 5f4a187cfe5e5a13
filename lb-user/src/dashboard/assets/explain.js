// Where a packet would go, and why.

import { element, table } from "./dom.js";
import { ask } from "./session.js";

/** A form that asks that of a packet for `service`. */
export function explainForm(service) {
  const vip = service.vip.includes(":") ? `[${service.vip}]` : service.vip;
  const port = /^\d+/.exec(String(service.ports))?.[0] ?? "80";
  const client = element("input", { id: "explain-client", required: true, placeholder: vip.startsWith("[") ? "[2001:db8::7]:40000" : "203.0.113.7:40000" });
  const result = element("div", { role: "status" });
  const show = async (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ client: client.value.trim(), vip: `${vip}:${port}`, protocol: service.protocol });
    try {
      result.replaceChildren(...answer(await (await ask(`/v1/explain?${query}`)).json()));
    } catch (error) {
      result.replaceChildren(element("p", { class: "alert" }, error.message));
    }
  };
  return element("section", {}, element("h3", {}, "Explain a packet"),
    element("form", { class: "fields", onsubmit: show },
      element("label", { for: "explain-client" }, "Client, address and port", client), element("button", { type: "submit" }, "Explain")), result);
}

function answer({ steps, action, reason, to, changes }) {
  const rows = steps.map(({ step, finding }) => [step, finding]);
  const end = element("p", {}, element("strong", {}, to ? `${action} to ${to.backend} of ${to.service}` : action), ` (${reason})`);
  const list = element("ul", {}, ...changes.map((change) => element("li", {}, change)));
  const shown = table("Steps of the decision", [["Step", false], ["Finding", false]], rows);
  for (const cell of shown.querySelectorAll("td")) cell.className = "wide";
  return changes.length ? [shown, end, element("p", {}, "What would change it:"), list] : [shown, end];
}
