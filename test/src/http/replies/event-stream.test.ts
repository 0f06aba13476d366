/** How an event stream follows the state of its connection, over real connections. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Response as HttpResponse } from "express";
import { afterEach, expect, test } from "vitest";
import express from "express";
import { openEventStream, whenClosed } from "../../../../src/http/replies/event-stream.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A request on the server, and the client's end of its connection. */
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

test("a client that left before the stream began is noticed", async () => {
  const { client, response } = await request();
  const closed = once(response, "close");
  client.destroy();
  await closed;
  const { promise: called, resolve } = Promise.withResolvers<void>();
  whenClosed(response, resolve);
  await expect(called).resolves.toBeUndefined();
});

test("a connection that drained early, or is gone, counts as drained", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs: 60_000 });
  client.resume();
  const piece = Buffer.alloc(1024 * 1024, ":");
  const hasDrained = once(response, "drain");
  while (sink.write(piece));
  await hasDrained;
  await sink.waitUntilDrained();
  client.pause();
  while (sink.write(piece));
  const draining = sink.waitUntilDrained();
  client.destroy();
  await expect(draining).resolves.toBeUndefined();
});

/** More than both ends of a connection buffer. */
const LARGE = 64 * 1024 * 1024;

test("a connection that takes nothing is cut, and its buffer dropped", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs: 200 });
  client.pause();
  const closed = once(response as ServerResponse, "close");
  expect(sink.write(Buffer.alloc(LARGE, ":"))).toBe(false);
  const hasDrained = sink.waitUntilDrained();
  await closed;
  await hasDrained;
  expect(response.writableFinished).toBe(false);
  client.destroy();
});

test("a connection that takes nothing is cut after its stream's end too", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs: 200 });
  client.pause();
  const closed = once(response as ServerResponse, "close");
  sink.write(Buffer.alloc(LARGE, ":"));
  sink.end("terminal", undefined);
  await closed;
  expect(response.writableFinished).toBe(false);
  client.destroy();
});

/** Reads one piece per beat of a clock. */
async function readSteadily(client: Socket, beatMs: number): Promise<{ bytes: number; tookMs: number }> {
  let bytes = 0;
  const startedMs = performance.now();
  client.on("data", (piece: Buffer) => {
    bytes += piece.length;
    client.pause();
    setTimeout(() => client.resume(), beatMs);
  });
  await once(client, "close");
  return { bytes, tookMs: performance.now() - startedMs };
}

test("a slow but steady connection gets all of a large frame", async () => {
  const { client, response } = await request();
  const stallTimeoutMs = 1_500;
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs });
  const reading = readSteadily(client, 12);
  sink.write(Buffer.alloc(24 * 1024 * 1024, ":"));
  sink.end("terminal", undefined);
  await once(response as ServerResponse, "finish");
  client.end();
  const { bytes, tookMs } = await reading;
  expect(bytes).toBeGreaterThanOrEqual(24 * 1024 * 1024);
  expect(tookMs).toBeGreaterThan(2 * stallTimeoutMs);
});

test("frames are written whole, and a larger frame in pieces", async () => {
  const { client, response } = await request();
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs: 60_000 });
  const frame = (bytes: number): string => `id: 1\nevent: a\ndata: ${"x".repeat(bytes)}\n\n`;
  const text = [1_000, 40_000, 40_000, 300_000, 1_000, 30_000].map(frame).join("");
  let raw = "";
  client.setEncoding("latin1").on("data", (piece: string) => (raw += piece));
  sink.write(Buffer.from(text));
  await sink.waitUntilDrained();
  sink.end("terminal", undefined);
  while (!raw.endsWith("\r\n0\r\n\r\n")) await once(client, "data");
  const chunks = raw
    .slice(raw.indexOf("\r\n\r\n") + 4)
    .split(/(?:^|\r\n)[0-9a-f]+\r\n/)
    .slice(1, -1);
  expect(chunks.join("")).toBe(text);
  const cut = chunks.filter((chunk) => !chunk.endsWith("\n\n"));
  // Pieces of the one large frame, 64 KiB each.
  expect(cut.map((chunk) => chunk.length)).toEqual([65_536, 65_536, 65_536, 65_536]);
  client.destroy();
});
