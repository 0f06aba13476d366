/** Loops over what a request brings, which may be long: cut into slices that take turns with all other work. */
import { nextSlice } from "./next-slice.ts";

/** Long enough to be worth a turn, and with a step that cannot be cut up far below what anybody should wait. */
const SLICE_MS = 20;

/** The slices of one piece of work. The first begins when this is made. */
export class TimeSlice {
  #startedMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startedMs > SLICE_MS;
  }

  /** Awaited between two steps, once `isOver`, or before a step that is long by itself. */
  async yieldToOthers(): Promise<void> {
    await nextSlice();
    this.#startedMs = performance.now();
  }
}

/** As `values.map(map)` does. */
export async function mapInSlices<T, R>(values: readonly T[], map: (value: T, index: number) => R): Promise<R[]> {
  // One cannot be cut up.
  if (values.length <= 1) return values.map(map);
  const slice = new TimeSlice();
  const mapped: R[] = [];
  for (const [place, value] of values.entries()) {
    if (slice.isOver) await slice.yieldToOthers();
    mapped.push(map(value, place));
  }
  return mapped;
}
