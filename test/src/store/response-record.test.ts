import { expect, test } from "vitest";
import { maxLifetimeSecondsOf } from "../../../src/store/encoded-record.ts";

test("retention counts from the end, which may be the deadline", () => {
  const record = { deadlineMs: 90_500, retentionSeconds: 60 };
  expect(maxLifetimeSecondsOf(record, 0)).toBe(151);
  expect(maxLifetimeSecondsOf(record, 90_500)).toBe(60);
  expect(maxLifetimeSecondsOf(record, 100_000)).toBe(60);
});
