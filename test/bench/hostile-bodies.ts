/**
 * Bodies that are made to be expensive, rejected and accepted: the time until the answer, how long other requests wait
 * meanwhile in the same API process and in Redis, and the process's peak memory. Each is sent compressed, alone, to a
 * fresh process.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { Client } from "undici";
import { besideGiven, type Figure } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { startApi } from "./processes.ts";
import { connectTo } from "./recording.ts";

const BODY_BYTES = 32 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
/** For smaller bodies, the heap's own growth exceeds their size. */
const LARGE_BYTES = 16 * MEBIBYTE;
const INTERVAL_MS = 3;

interface Shape {
  name: string;
  /** An accepted one may take longer: its work was requested. */
  isRefused: boolean;
  bytes: () => Buffer;
}

const SETTINGS = '"model":"simulator/default","background":true,';

const repeated = (begin: string, value: string, end: string, bytes: number) => (): Buffer => {
  const count = Math.floor((bytes - begin.length - end.length) / (value.length + 1));
  return Buffer.from(`{${SETTINGS}${begin}${`${value},`.repeat(count - 1)}${value}${end}}`);
};

const counted = (begin: string, value: (i: number) => string, end: string, count: number) => (): Buffer =>
  Buffer.from(`{${SETTINGS}${begin}${Array.from({ length: count }, (_, i) => value(i)).join(",")}${end}}`);

const parts = '"input":[{"role":"user","content":[';
const namesOf = (fields: number, object: number): string =>
  Array.from({ length: fields }, (_, i) => `"k${object * fields + i}":"v"`).join(",");
const text = (bytes: number): string => "word ".repeat(Math.floor(bytes / 5));
const functionWith = '"input":"a","tools":[{"type":"function","name":"f","parameters":{"properties":{';

const SHAPES: Shape[] = [
  { name: "a message of empty parts, 32 MiB", isRefused: true, bytes: repeated(parts, "{}", "]}]", BODY_BYTES) },
  { name: "200,000 empty parts", isRefused: true, bytes: repeated(parts, "{}", "]}]", 600_000) },
  {
    name: "2,000 objects of 100 names",
    isRefused: true,
    bytes: counted('"input":[', (i) => `{${namesOf(100, i)}}`, "]", 2_000),
  },
  {
    name: "90,000 unknown references",
    isRefused: true,
    bytes: counted('"input":[', (i) => `{"type":"item_reference","id":"msg_${i}"}`, "]", 90_000),
  },
  {
    name: "90,000 messages",
    isRefused: false,
    bytes: counted('"input":[', () => '{"role":"user","content":"a"}', "]", 90_000),
  },
  {
    name: "60,000 named messages",
    isRefused: false,
    bytes: counted('"input":[', (i) => `{"role":"user","content":"a","id":"msg_${i}"}`, "]", 60_000),
  },
  {
    name: "three texts of 10 MB",
    isRefused: false,
    bytes: counted('"input":[', () => `{"role":"user","content":"${text(10_400_000)}"}`, "]", 3),
  },
  {
    name: "a schema of 9,900 long names",
    isRefused: false,
    bytes: counted(functionWith, (i) => `"${i}${"k".repeat(3_000)}":1`, "}}}]", 9_900),
  },
  {
    name: "180,000 secrets",
    isRefused: false,
    bytes: counted(
      '"input":"a","tools":[',
      (i) => `{"type":"mcp","server_label":"s${i}","server_url":"https://a.example/","headers":{${namesOf(9_000, i)}}}`,
      "]",
      20,
    ),
  },
];

export async function measureHostileBodies(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const shape of SHAPES) figures.push(...(await measure(bench, shape)));
  return figures;
}

async function measure(bench: Bench, { name, isRefused, bytes: make }: Shape): Promise<Figure[]> {
  const bytes = make();
  const body = gzipSync(bytes, { level: 1 });
  await using api = await startApi(bench, "hostile", { MAX_STORED_BYTES_PER_PROJECT: "0" });
  const origin = `http://127.0.0.1:${api.port}`;
  const [sender, neighbour, redis] = [new Client(origin), new Client(origin), await connectTo(bench.redisUrl)];
  const post = async (headers: Record<string, string>, sent: Buffer): Promise<void> => {
    const answer = await sender.request({ method: "POST", path: "/v1/responses", headers, body: sent });
    await answer.body.dump({ limit: 2 * BODY_BYTES });
  };
  const health = async (): Promise<void> =>
    await (await neighbour.request({ method: "GET", path: "/healthz" })).body.dump();
  await post({}, Buffer.from(`{${SETTINGS}"input":"a"}`));
  const before = memoryOf(api.pid, "VmRSS");
  const startedMs = performance.now();
  const answered = post({ "content-encoding": "gzip" }, body).then(() => performance.now() - startedMs);
  const [took, apiWait, redisWait] = await Promise.all([
    answered,
    longestWait(answered, health),
    longestWait(answered, async () => void (await redis.ping())),
  ]);
  const peak = memoryOf(api.pid, "VmHWM");
  redis.disconnect();
  await Promise.all([sender.close(), neighbour.close()]);
  const figures = [
    ...(isRefused ? [bounded(`${name}: answered after`, "ms", took, 2_000)] : []),
    bounded(`${name}: another request waits`, "ms", apiWait, 250),
    bounded(`${name}: Redis waits`, "ms", redisWait, 250),
  ];
  if (before === undefined || peak === undefined) return figures;
  figures.push(bounded(`${name}: memory at its peak`, "MiB", (peak - before) / MEBIBYTE, (10 * BODY_BYTES) / MEBIBYTE));
  if (bytes.length >= LARGE_BYTES) {
    figures.push(bounded(`${name}: the same, of its bytes`, "times", (peak - before) / bytes.length, 10));
  }
  return figures;
}

/** Of consecutive calls of `ask`, until `over`. */
async function longestWait(over: Promise<unknown>, ask: () => Promise<void>): Promise<number> {
  const state = { isOver: false };
  const ended = over.finally(() => (state.isOver = true));
  let longestMs = 0;
  while (!state.isOver) {
    const startedMs = performance.now();
    await ask();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
    await delay(INTERVAL_MS);
  }
  await ended;
  return longestMs;
}

function bounded(name: string, unit: string, sample: number, bound: number): Figure {
  return besideGiven(name, unit, [sample], { name: "the bound", value: bound }, { kind: "at-most", value: bound });
}

/** In bytes; undefined where there is no /proc. */
function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number | undefined {
  if (process.platform !== "linux") return undefined;
  const kibibytes = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
