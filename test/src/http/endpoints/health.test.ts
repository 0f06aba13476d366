import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createHealthApp } from "../../../../src/worker-health-app.ts";

test("a check that never ends counts as failed", async () => {
  const checks = { redis: () => new Promise(() => {}), queue: () => Promise.resolve(), accepting: () => false };
  const server = createHealthApp(checks).listen(0, "127.0.0.1");
  await once(server, "listening");
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toEqual({
    status: "unavailable",
    checks: { redis: false, queue: true, accepting: false },
  });
  server.close();
});
