/**
 * A small `npm run campaign:failovers`: replicas lag, are cut off and promoted, primaries return, and every response
 * ends.
 */
import { expect, test } from "vitest";
import { runFailovers } from "../campaign/failovers.ts";

test("every response ends after 20 rounds of replica faults and failovers", { timeout: 240_000 }, async () => {
  const { rounds, responses, errors } = await runFailovers(20);
  expect(Object.values(rounds)).toEqual([5, 5, 5, 5]);
  expect(responses).toBe(60);
  expect(errors).toEqual({ stuck: 0, unknown: 0, inFlight: 0 });
});
