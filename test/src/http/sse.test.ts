/** What a stream knows of its connection, over real ones. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Response as HttpResponse } from "express";
import { afterEach, expect, test } from "vitest";
import express from "express";
import { openEventStream, whenClosed } from "../../../src/http/sse.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A request that came in, and the client's end of its connection. */
async function request() {
  const { promise: received, resolve } = Promise.withResolvers<HttpResponse>();
  const server = createServer(express().use((_request, response) => resolve(response)));
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return { client, response: await received };
}

test("a client that left before anyone asked is known to have left", async () => {
  const { client, response } = await request();
  const closed = once(response, "close");
  client.destroy();
  await closed;
  const { promise: called, resolve } = Promise.withResolvers<void>();
  whenClosed(response, resolve);
  await expect(called).resolves.toBeUndefined();
});

test("a connection has drained also if it did before anyone asked, or is gone", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true });
  client.resume();
  const piece = Buffer.alloc(1024 * 1024, ":");
  const hasDrained = once(response, "drain");
  while (sink.write(piece));
  await hasDrained;
  await sink.drained();
  client.pause();
  while (sink.write(piece));
  const draining = sink.drained();
  client.destroy();
  await expect(draining).resolves.toBeUndefined();
});

test("a connection that takes nothing is cut: what it was given is not kept for it", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true });
  client.pause();
  const piece = Buffer.alloc(1024 * 1024, ":");
  // More than the two ends of a connection keep between them.
  for (let i = 0; i < 64; i += 1) sink.write(piece);
  const closed = once(response as ServerResponse, "close");
  sink.end("stalled", undefined);
  await closed;
  expect(response.writableFinished).toBe(false);
  client.destroy();
});
