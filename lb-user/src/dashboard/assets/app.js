// The page: what there is on it, and how numbers get there.

import { Backends } from "./backends.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { Distribution } from "./distribution.js";
import { byId } from "./dom.js";
import { Events } from "./events.js";
import { bytesPerSecond, flows, flowsPerSecond, packetsPerSecond, perSecond } from "./format.js";
import { Health } from "./health.js";
import { follow } from "./live.js";
import { Now } from "./now.js";
import { Rates, counters } from "./rates.js";
import { Services } from "./services.js";
import { ask, may, onAccess, startSession } from "./session.js";
import { Sizes } from "./sizes.js";
import { Talkers } from "./talkers.js";
import { startTheme } from "./theme.js";
import { Tickets } from "./tickets.js";
import { Timeline } from "./timeline.js";

/** The longest time that the agent has by seconds. */
const BY_SECONDS = 3600;

/** Graphs over time. `of` is the kind of their series in the agent's history, `live` makes the same of a snapshot. */
const GRAPHS = [
  {
    id: "traffic", title: "Traffic by protocol", format: bytesPerSecond, stacked: true, measure: "bytes",
    name: (series) => (series.of === "protocol" ? series.protocol.replace(/ none$/, "") : undefined),
    live: (_, rates) => rates.names("bytes/").filter((name) => !name.includes("/")).map((name) => [name, rates.now(`bytes/${name}`)]),
  },
  {
    id: "new-flows", title: "New flows", format: flowsPerSecond, measure: "new-flows",
    name: (series) => (series.of === "service" ? series.service : undefined),
    live: ({ services }, rates) => services.map(({ name }) => [name, rates.now(`new-flows/${name}`)]),
  },
  {
    id: "active-flows", title: "Active flows", format: flows, measure: "live-flows",
    name: (series) => (series.of === "service" ? series.service : undefined),
    live: ({ services }) => services.map(({ name, live_flows }) => [name, live_flows]),
  },
  {
    id: "drops", title: "Drops by reason", format: packetsPerSecond, axis: perSecond, stacked: true, measure: "dropped",
    name: (series) => (series.of === "reason" ? series.reason : undefined),
    live: (_, rates) => rates.names("dropped/").map((name) => [name, rates.now(`dropped/${name}`)]),
  },
];

startTheme();
const parent = byId("graphs");
const rates = new Rates();
const drawn = (graph) => ({ ...graph, chart: new Chart(parent, graph), timeline: new Timeline(300, 1) });
const [first, ...others] = GRAPHS;
const traffic = drawn(first);
const distribution = new Distribution(parent);
const charts = [traffic, ...others.map(drawn)];
const health = new Health(parent);
const detail = new Detail();
let latest;
const views = [
  new Now(), distribution, new Services(parent), new Tickets(parent), new Sizes(parent), new Talkers(parent),
  new Backends(byId("backends"), (backend) => {
    detail.open(backend, latest);
    detail.show(latest, rates);
  }),
  detail,
];

/** The time that is shown, in seconds. */
const span = () => Number(byId("range").value);

/** Gets what the agent has kept. Without it, graphs begin now. */
async function load() {
  const wanted = span();
  const history = async (measure) => (await ask(`/v1/history?since_s=${wanted}&measure=${measure}`)).json();
  for (const graph of charts) {
    graph.timeline = await history(graph.measure).then((it) => Timeline.of(it, wanted, graph.name), () => new Timeline(wanted, 1));
    // Somebody may have chosen another time meanwhile.
    if (wanted !== span()) return;
    graph.chart.show(graph.timeline);
  }
  await history("ready").then((it) => health.load(it, wanted), () => health.load({ series: [] }, wanted));
}

function show(snapshot) {
  latest = snapshot;
  const time = snapshot.unix_ms / 1000;
  rates.push(snapshot.unix_ms, counters(snapshot));
  // A page that nobody looks at need not be drawn.
  const isSeen = !document.hidden;
  for (const { chart, timeline, live } of charts) {
    if (timeline.step === 1 && rates.areKnown()) timeline.push(time, new Map(live(snapshot, rates)));
    if (isSeen) chart.show(timeline);
  }
  health.push(time, snapshot.backends);
  if (!isSeen) return;
  health.show();
  for (const view of views) view.show(snapshot, rates);
}

await startSession();
if (may("numbers")) await load();
const reopen = follow(show, load);
onAccess(() => {
  reopen();
  if (may("numbers")) load();
});
new Events(function changed() { health.follow(this.list); });
byId("range").addEventListener("change", load);
setInterval(() => { if (span() > BY_SECONDS) load(); }, 60_000);
