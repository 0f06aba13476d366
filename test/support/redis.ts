/** The Redis of this test run, which every test file shares under a key prefix of its own. */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    redisUrl: string;
  }
}

export function testRedisUrl(): string {
  return inject("redisUrl");
}

/** Valid as `KEY_PREFIX`. */
export function uniquePrefix(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}
