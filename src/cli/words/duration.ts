/** `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function describeDuration(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000) return `${ms} ms`;
  const seconds = Math.round(ms / 1_000);
  const units: readonly [seconds: number, unit: string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  const [size, unit] = units[first]!;
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[0]);
  const whole = `${Math.floor(seconds / size)} ${unit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${next![1]}`;
}

/** Groups digits, as in `12,345`. */
export function describeCount(count: number): string {
  return count.toLocaleString("en-US");
}
