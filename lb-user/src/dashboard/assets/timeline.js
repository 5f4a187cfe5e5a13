// Values over the time that is shown: what the agent has kept, and from then on what comes. Pure.

export class Timeline {
  /** `span` and `step` in seconds. */
  constructor(span, step) {
    this.span = span;
    this.step = step;
    this.times = [];
    this.columns = new Map();
  }

  /** The history of the agent; `name` gives the name of a series, or nothing where it is not wanted. */
  static of(history, span, name) {
    const { start_unix_s: start, step_s: step, series } = history;
    const timeline = new Timeline(span, step);
    timeline.times = (series[0]?.values ?? []).map((_, index) => start + index * step);
    for (const { values, ...of } of series) {
      const called = name(of);
      if (called !== undefined) timeline.columns.set(called, values);
    }
    return timeline;
  }

  /** Adds the values of a moment, in seconds since 1970. What had no value before has none for then. */
  push(time, values) {
    if (this.times.length > 0 && time <= this.times.at(-1)) return;
    for (const name of values.keys()) {
      if (!this.columns.has(name)) this.columns.set(name, this.times.map(() => null));
    }
    this.times.push(time);
    for (const [name, column] of this.columns) column.push(values.get(name) ?? null);
    const old = this.times.findIndex((time_) => time_ >= time - this.span);
    if (old > 0) {
      this.times.splice(0, old);
      for (const column of this.columns.values()) column.splice(0, old);
    }
  }

  /** The largest `most` columns by their sum, in falling order; all others as one, called `other`. */
  largest(most) {
    const sum = (column) => column.reduce((total, value) => total + (value ?? 0), 0);
    const all = [...this.columns].map(([name, column]) => [name, column, sum(column)]);
    all.sort((a, b) => b[2] - a[2] || a[0].localeCompare(b[0]));
    const kept = all.slice(0, most).map(([name, column]) => [name, column]);
    const rest = all.slice(most);
    if (rest.length > 0) kept.push(["other", this.times.map((_, index) => rest.reduce((total, [, column]) => total + (column[index] ?? 0), 0))]);
    return kept;
  }
}
