/** `npm run campaign:failovers` in small: replicas lag, are cut off and promoted, primaries return, and everything ends. */
import { expect, test } from "vitest";
import { runFailovers } from "../campaign/failovers.ts";

test(
  "20 rounds of lagging, cut and promoted replicas and returning primaries leave nothing without an end",
  { timeout: 240_000 },
  async () => {
    const { rounds, responses, faults } = await runFailovers(20);
    expect(Object.values(rounds)).toEqual([5, 5, 5, 5]);
    expect(responses).toBe(60);
    expect(faults).toEqual({ stuck: 0, unknown: 0, leftOpen: 0 });
  },
);
