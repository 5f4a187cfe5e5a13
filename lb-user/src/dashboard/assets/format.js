// Values with their units. Pure.

const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** `value` with an SI prefix and its unit: 12.3 MB/s. */
export function si(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  let scaled = value, prefix = 0;
  while (Math.abs(scaled) >= 999.5 && prefix < PREFIXES.length - 1) [scaled, prefix] = [scaled / 1000, prefix + 1];
  const digits = scaled !== 0 && Math.abs(scaled) < 99.95 && (prefix > 0 || !Number.isInteger(scaled)) ? (Math.abs(scaled) < 9.995 ? 2 : 1) : 0;
  const shown = PREFIXES[prefix] + unit;
  return scaled.toFixed(digits) + (shown ? (unit.startsWith("/") && prefix === 0 ? unit : "\u00a0" + shown) : "");
}

export const bytesPerSecond = (value) => si(value, "B/s");
export const bytes = (value) => si(value, "B");
export const perSecond = (value) => si(value, "/s");
/** Words have no prefix: 1.2 k packets/s. */
const of = (word) => (value) => `${si(value, "")}\u00a0${word}`;
export const packets = of("packets");
export const packetsPerSecond = of("packets/s");
export const flows = of("flows");
export const flowsPerSecond = of("flows/s");

/** A count in full: 1,234,567. */
export const count = (value) => value.toLocaleString("en");

/** A share, 0 to 1, as 33.3 %. */
export const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

/** Seconds as 2 d 3 h, 4 min 10 s. */
export function duration(seconds) {
  const late = seconds < 0 ? "−" : "";
  const whole = Math.round(Math.abs(seconds));
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"], [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0\u00a0s";
  return late + parts.slice(first, first + 2).filter(([value]) => value > 0).map(([value, unit]) => `${value}\u00a0${unit}`).join(" ");
}

/** A moment, in seconds since 1970, as the time of day. */
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");
