// From counters, which only grow, to what happens in a second. Pure.

/** Snapshots that are kept: the oldest of them is what is compared with. */
const KEPT = 10;

/** Counters of one snapshot, by the names of series. */
export function counters(snapshot) {
  const found = new Map();
  const add = (key, value) => found.set(key, (found.get(key) ?? 0) + value);
  for (const { network, transport, bytes, packets } of snapshot.traffic.protocols) {
    const name = transport === "none" ? network : `${network} ${transport}`;
    add(`bytes/${name}`, bytes);
    add("packets", packets);
    add("bytes", bytes);
  }
  for (const { action, reason, packets } of snapshot.verdicts) {
    if (action !== "dropped" || packets === 0) continue;
    add(`dropped/${reason}`, packets);
    add("dropped", packets);
  }
  for (const service of snapshot.services) {
    add("new-flows", service.new_flows);
    add(`new-flows/${service.name}`, service.new_flows);
  }
  for (const backend of snapshot.backends) {
    add(`new-flows/${backend.service}/${backend.name}`, backend.new_flows);
    add(`bytes/${backend.service}/${backend.name}`, backend.bytes);
  }
  return found;
}

/** Snapshots' counters, the latest ones. */
export class Rates {
  kept = [];

  /** Takes the counters of a moment, in milliseconds. */
  push(at, values) {
    // Another agent may begin again at zero.
    const before = this.kept.at(-1)?.values;
    if (before && (at <= this.kept.at(-1).at || (before.get("packets") ?? 0) > (values.get("packets") ?? 0))) this.kept = [];
    this.kept.push({ at, values });
    if (this.kept.length > KEPT + 1) this.kept.shift();
  }

  /** Whether there is anything to compare with. */
  areKnown() {
    return this.kept.length > 1;
  }

  /** What happened in a second since the snapshot before; `null` before there are two. */
  now(key) {
    return this.between(this.kept.at(-2), key);
  }

  /** The same, over the last ten seconds. */
  lately(key) {
    return this.areKnown() ? this.between(this.kept[0], key) : null;
  }

  between(earlier, key) {
    const latest = this.kept.at(-1);
    if (!earlier || !latest) return null;
    return ((latest.values.get(key) ?? 0) - (earlier.values.get(key) ?? 0)) * 1000 / (latest.at - earlier.at);
  }

  /** Names of all counters that begin so, without the beginning. */
  names(prefix) {
    const keys = this.kept.at(-1)?.values.keys() ?? [];
    return [...keys].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }
}
