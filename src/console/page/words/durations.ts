/** Times and amounts in words that are short enough for a table. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `350 ms`, `4.2 s`, `40 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (!(ms >= 0)) return "0 s";
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return twoParts(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return twoParts(ms, HOUR, "h", MINUTE, "min");
  return twoParts(ms, DAY, "d", HOUR, "h");
}

/** Whole seconds, for a value that changes each second. */
export function formatTicking(ms: number): string {
  return formatDuration(Math.max(0, Math.floor(ms / SECOND) * SECOND))
    .replace(/^0 ms$/, "0 s")
    .replace(/\.0 s$/, " s");
}

function twoParts(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const formatCount = (value: number): string => count.format(value);
export const formatCompact = (value: number): string => (value < 10_000 ? count.format(value) : compact.format(value));

export function formatCost(usd: number): string {
  if (usd === 0) return "$0";
  if (usd < 0.0001) return "< $0.0001";
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dateAndClock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const shortDate = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

export const formatClock = (ms: number): string => clock.format(ms);
export const formatDateTime = (ms: number): string => dateAndClock.format(ms);

/** `12 s ago` for a recent time, otherwise its date. */
export function formatAgo(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < 10 * SECOND) return "now";
  return age < HOUR
    ? `${formatTicking(age).replace(/ \d+ s$/, (rest) => (age < MINUTE ? rest : ""))} ago`
    : shortDate.format(ms);
}
