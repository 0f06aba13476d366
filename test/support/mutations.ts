/** Every single oddity of a stream: a changed field, or an event at another position. */
type Json = Record<string, unknown>;

export interface Mutation<T> {
  name: string;
  events: T[];
}

const MISSING = Symbol("missing");
/** Replacements for each field, at every depth. */
const VALUES: readonly unknown[] = [
  MISSING,
  null,
  42,
  -1,
  "a word that nobody knows",
  "",
  true,
  [],
  [null],
  {},
  { type: "odd" },
];

export function* generateMutations<T extends object>(events: readonly T[]): Generator<Mutation<T>> {
  for (const [i, event] of events.entries()) {
    const name = "type" in event ? `${i} ${String(event.type)}` : `${i}`;
    for (const path of paths(event)) {
      for (const value of VALUES) {
        const changed = changedAt(event, path, value) as T;
        yield { name: `${name}: ${path.join(".")} is ${preview(value)}`, events: events.with(i, changed) };
      }
    }
    yield { name: `${name} is left out`, events: events.toSpliced(i, 1) };
    yield { name: `${name} comes twice`, events: events.toSpliced(i, 0, event) };
    yield { name: `${name} comes last`, events: [...events.toSpliced(i, 1), event] };
    yield { name: `${name} comes first`, events: [event, ...events.toSpliced(i, 1)] };
    yield {
      name: `${name} comes after the next`,
      events: events.toSpliced(i, 2, ...events.slice(i, i + 2).toReversed()),
    };
  }
}

function preview(value: unknown): string {
  return typeof value === "symbol" ? "missing" : JSON.stringify(value);
}

function paths(value: unknown, path: string[] = []): string[][] {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const ownPath = path.length === 0 ? [] : [path];
  return [...ownPath, ...entries.flatMap(([key, field]) => paths(field, [...path, key]))];
}

function changedAt(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  const copy: Json | unknown[] = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as Json) };
  const fields = copy as Json;
  if (rest.length > 0) fields[key!] = changedAt(fields[key!], rest, to);
  else if (to === MISSING) delete fields[key!];
  else fields[key!] = to;
  return copy;
}
