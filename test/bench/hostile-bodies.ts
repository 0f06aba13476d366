/**
 * Bodies that are made to cost: how long until they are refused or read, how long they hold up everything else in the
 * process, and how much memory they take beside their bytes. Sent compressed, over HTTP, to the way that a request takes.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { gzipSync } from "node:zlib";
import express from "express";
import pino from "pino";
import { request as send } from "undici";
import { readConfig } from "../../src/config.ts";
import { errorHandler } from "../../src/http/error-handler.ts";
import { createHttpServer } from "../../src/http/http-server.ts";
import { jsonBody } from "../../src/http/json-body.ts";
import { readCreateRequest } from "../../src/http/validate.ts";
import { readCatalog } from "../../src/providers/catalog.ts";
import { besideGiven, type Figure } from "./figure.ts";

const TURNS = 3;
const MODEL = '{"model":"simulator/default","input":';

interface Shape {
  name: string;
  bytes: () => Buffer;
}

const repeated = (begin: string, value: string, end: string, bytes: number) => (): Buffer => {
  const count = Math.floor((bytes - begin.length - end.length) / (value.length + 1));
  return Buffer.from(`${begin}${`${value},`.repeat(count - 1)}${value}${end}`);
};

const parts = `${MODEL}[{"role":"user","content":[`;
const objects = (fields: number, count: number) => (): Buffer => {
  const object = (i: number): string =>
    `{${Array.from({ length: fields }, (_, field) => `"k${i * fields + field}":1`).join(",")}}`;
  return Buffer.from(`${MODEL}[${Array.from({ length: count }, (_, i) => object(i)).join(",")}]}`);
};

function shapes(maxBytes: number): Shape[] {
  return [
    { name: "a message of empty parts, 32 MiB", bytes: repeated(parts, "{}", "]}]}", maxBytes) },
    { name: "200,000 empty parts", bytes: repeated(parts, "{}", "]}]}", 600_000) },
    { name: "90,000 good messages", bytes: repeated(`${MODEL}[`, '{"role":"user","content":"a"}', "]}", 2_700_000) },
    { name: "2,000 objects of 100 names each", bytes: objects(100, 2_000) },
    { name: "one text, 10 MiB", bytes: () => Buffer.from(`${MODEL}"${"x".repeat(10_485_760)}"}`) },
  ];
}

export async function measureHostileBodies(): Promise<Figure[]> {
  const config = readConfig({});
  const catalog = readCatalog(config);
  const app = express();
  app.post("/", jsonBody(config.MAX_BODY_BYTES, config.MAX_BODY_VALUES), async ({ body }, response) => {
    await readCreateRequest(body, catalog);
    response.json({});
  });
  app.use(errorHandler(pino({ level: "silent" })));
  const server = createHttpServer(app, 1_000).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const figures: Figure[] = [];
  for (const { name, bytes } of shapes(config.MAX_BODY_BYTES)) figures.push(...(await measure(url, name, bytes())));
  server.close();
  server.closeAllConnections();
  return figures;
}

async function measure(url: string, name: string, bytes: Buffer): Promise<Figure[]> {
  const body = gzipSync(bytes);
  const samples = { took: [] as number[], held: [] as number[], memory: [] as number[] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    const before = process.memoryUsage.rss();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startedMs = performance.now();
    const answer = await send(url, { method: "POST", headers: { "content-encoding": "gzip" }, body });
    await answer.body.dump();
    samples.took.push(performance.now() - startedMs);
    delay.disable();
    samples.held.push(delay.max / 1e6);
    samples.memory.push(Math.max(0, process.memoryUsage.rss() - before) / 1024 / 1024);
  }
  const atMost = (value: number) => ({ kind: "at-most", value }) as const;
  const given = { name: "the bound", value: 1 };
  const limit = (value: number) => ({ ...given, value });
  return [
    besideGiven(`${name}: answered after`, "ms", samples.took, limit(2_000), atMost(2_000)),
    besideGiven(`${name}: others held up for`, "ms", samples.held, limit(250), atMost(250)),
    besideGiven(`${name}: memory`, "MiB", samples.memory, limit(320), atMost(320)),
  ];
}
