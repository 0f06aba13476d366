/** The Redis of this test run, which all test files share under their own key prefixes. */
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
