import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { testRedisUrl } from "../support/redis.ts";
test("shared redis answers", async () => {
  const redis = new Redis(testRedisUrl());
  expect(await redis.ping()).toBe("PONG");
  redis.disconnect();
});
