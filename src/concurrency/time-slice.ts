/** Splits loops over long input into slices, so that other work runs in between. */
import { nextSlice } from "./next-slice.ts";

/** Long enough to be efficient, and well below an acceptable delay even with an indivisible step. */
const SLICE_MS = 20;

/** The slices of one piece of work. The first slice starts on construction. */
export class TimeSlice {
  #startedMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startedMs > SLICE_MS;
  }

  /** Call it between two steps once `isOver`, or before a long step. */
  async yieldToOthers(): Promise<void> {
    await nextSlice();
    this.#startedMs = performance.now();
  }
}

/** Like `values.map(map)`. */
export async function mapInSlices<T, R>(values: readonly T[], map: (value: T, index: number) => R): Promise<R[]> {
  // A single element cannot be split.
  if (values.length <= 1) return values.map(map);
  const slice = new TimeSlice();
  const mapped: R[] = [];
  for (const [index, value] of values.entries()) {
    if (slice.isOver) await slice.yieldToOthers();
    mapped.push(map(value, index));
  }
  return mapped;
}
