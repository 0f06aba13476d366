/** Loops over what a request brings, which may be long: cut into slices that take turns with all other work. */
import { nextTurn } from "./next-turn.ts";

/** Long enough to be worth a turn, and with a step that cannot be cut up far below what anybody should wait. */
const TURN_MS = 20;

/** The slices of one piece of work. The first begins when this is made. */
export class Turns {
  #startedMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startedMs > TURN_MS;
  }

  /** Awaited between two steps, once `isOver`, or before a step that is long by itself. */
  async next(): Promise<void> {
    await nextTurn();
    this.#startedMs = performance.now();
  }
}

/** As `values.map(map)` does. */
export async function mapInTurns<T, R>(values: readonly T[], map: (value: T, place: number) => R): Promise<R[]> {
  // One cannot be cut up.
  if (values.length <= 1) return values.map(map);
  const turns = new Turns();
  const mapped: R[] = [];
  for (const [place, value] of values.entries()) {
    if (turns.isOver) await turns.next();
    mapped.push(map(value, place));
  }
  return mapped;
}
