import { integer, MAX_EXTENDED_TIMER_MS, milliseconds } from "../setting.ts";

export const workerSettings = {
  FOREGROUND_CONCURRENCY: integer("Maximum foreground responses that one worker runs at a time.", {
    default: 50,
    min: 1,
  }),
  BACKGROUND_CONCURRENCY: integer("Maximum background responses that one worker runs at a time.", {
    default: 50,
    min: 1,
  }),
  FAIR_RESERVE_PERCENT: integer(
    "Reserve of a worker's slots, interpreters and page readers for projects that use few while others fill the rest: a percentage on top of each, at least one (0 = no reserve, and jobs run in queue order).",
    { default: 10, min: 0, max: 100, unit: "%" },
  ),
  LOCK_DURATION_MS: milliseconds(
    "Time without a sign of life after which a worker loses its jobs to others. At least twice `STALLED_INTERVAL_MS`.",
    { default: 4_000, min: 500 },
  ),
  STALLED_INTERVAL_MS: milliseconds("Interval at which workers look for jobs of lost workers.", {
    default: 1_500,
    min: 100,
  }),
  SWEEP_INTERVAL_MS: milliseconds("Interval at which the sweeper looks for responses that no worker runs.", {
    default: 5_000,
    min: 50,
  }),
  DRAIN_GRACE_MS: milliseconds(
    "Time that a stopping process gives its work to finish. Afterwards a worker hands its runs over to other workers.",
    { default: 10_000, min: 0, max: MAX_EXTENDED_TIMER_MS },
  ),
};
