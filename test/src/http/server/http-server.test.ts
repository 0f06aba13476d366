/** How long idle connections stay open. */
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import express from "express";
import { expect, test } from "vitest";
import { createHttpServer } from "../../../../src/http/server/http-server.ts";

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

async function listen(keepAliveMs: number) {
  const server = createHttpServer(
    express().use((_request, response) => void response.send("answer")),
    keepAliveMs,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => server.close() };
}

test("an idle connection is kept for the setting, and reused meanwhile", async () => {
  const keepAliveMs = 1_500;
  using listening = await listen(keepAliveMs);
  const socket = connect(listening.port, "127.0.0.1");
  const closed = once(socket, "end");
  let answeredMs = 0;
  for (let i = 0; i < 3; i += 1) {
    socket.write(GET);
    const [answer] = (await once(socket, "data")) as [Buffer];
    answeredMs = performance.now();
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nKeep-Alive: timeout=1\r\n[^]*answer$/);
  }
  socket.resume();
  await closed;
  // The server's clock differs from ours by a millisecond at most.
  expect(performance.now() - answeredMs).toBeGreaterThan(keepAliveMs - 2);
});

test.each([1, 5_000, 65_000, 600_000, 2 ** 31 - 60_001])(
  "a connection opened in advance outlives an idle one, at any setting: %d",
  async (keepAliveMs) => {
    using listening = await listen(keepAliveMs);
    const { keepAliveTimeout, headersTimeout, requestTimeout } = listening.server;
    expect(keepAliveTimeout).toBe(keepAliveMs);
    expect(headersTimeout).toBeGreaterThan(keepAliveTimeout);
    expect(headersTimeout).toBeGreaterThanOrEqual(60_000);
    expect(requestTimeout).toBeGreaterThanOrEqual(headersTimeout);
    expect(requestTimeout).toBeGreaterThanOrEqual(300_000);
  },
);
