/**
 * The result of a measurement: figures, each beside this machine's limit for the same work. The machine may be busy, so
 * ours and the limit are measured in turns; the median of their ratios is compared with the target.
 */

export type Target =
  /** Of ours to the limit. */
  | { kind: "ratio-at-least"; value: number }
  | { kind: "ratio-at-most"; value: number }
  | { kind: "at-least"; value: number }
  | { kind: "at-most"; value: number };

export interface Figure {
  name: string;
  unit: string;
  ours: number;
  /** The measurement compared with ours, and its value. */
  limit: { name: string; value: number } | undefined;
  ratio: number | undefined;
  target: Target | undefined;
  /** Every repetition, in the order in which they ran. */
  samples: { ours: number[]; limit: number[] };
}

export interface Turn<T> {
  limit: T;
  ours: T;
}

/** Limit, ours, limit, ours … */
export async function takeTurns<T>(
  count: number,
  limit: (turn: number) => Promise<T>,
  ours: (turn: number) => Promise<T>,
): Promise<Turn<T>[]> {
  const turns: Turn<T>[] = [];
  for (let turn = 0; turn < count; turn += 1) turns.push({ limit: await limit(turn), ours: await ours(turn) });
  return turns;
}

export interface Comparison<T> {
  name: string;
  unit: string;
  limitName: string;
  turns: readonly Turn<T>[];
  of: (result: T) => number;
  target?: Target;
}

export function compare<T>({ name, unit, limitName, turns, of, target }: Comparison<T>): Figure {
  const ours = turns.map((turn) => of(turn.ours));
  const limit = turns.map((turn) => of(turn.limit));
  return {
    name,
    unit,
    ours: median(ours),
    limit: { name: limitName, value: median(limit) },
    ratio: median(ours.map((value, i) => value / limit[i]!)),
    target,
    samples: { ours, limit },
  };
}

/** A figure beside a given number instead of a measured one. */
export function besideGiven(
  name: string,
  unit: string,
  samples: number[],
  given: { name: string; value: number },
  target?: Target,
): Figure {
  const ours = median(samples);
  return {
    name,
    unit,
    ours,
    limit: given,
    ratio: ours / given.value,
    target,
    samples: { ours: samples, limit: [given.value] },
  };
}

/** Undefined if there is no target. */
export function meetsTarget({ ours, ratio, target }: Figure): boolean | undefined {
  switch (target?.kind) {
    case undefined:
      return undefined;
    case "ratio-at-least":
      return ratio !== undefined && ratio >= target.value;
    case "ratio-at-most":
      return ratio !== undefined && ratio <= target.value;
    case "at-least":
      return ours >= target.value;
    case "at-most":
      return ours <= target.value;
  }
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** By nearest rank; of an even number of values the median is the lower of the middle two. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
