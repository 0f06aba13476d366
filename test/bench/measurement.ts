/** The contract of a measurement. Each is one file here, and main.ts runs them one after the other. */
import type { Figure } from "./figure.ts";

export interface Bench {
  /** The URL of a Redis for the benchmark alone. It is emptied before each measurement. */
  redisUrl: string;
  /** A folder for the API's CPU profiles, if requested. */
  profileInto: string | undefined;
}

export interface Measurement {
  /** Its name on the command line. */
  name: string;
  run: (bench: Bench) => Promise<Figure[]>;
}

/** Wall-clock milliseconds with their fractions: comparable between processes of one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
