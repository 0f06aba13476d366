import { expect, test } from "vitest";
import { longestLifetimeSeconds } from "../../../src/store/encoded-record.ts";

test("a response is kept from its end, which may come as late as its deadline", () => {
  const record = { deadlineMs: 90_500, retentionSeconds: 60 };
  expect(longestLifetimeSeconds(record, 0)).toBe(151);
  expect(longestLifetimeSeconds(record, 90_500)).toBe(60);
  expect(longestLifetimeSeconds(record, 100_000)).toBe(60);
});
