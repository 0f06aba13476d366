/** Requests as curl would send them, and reads of Redis without the server. */
import { Redis } from "ioredis";
import type { Response } from "../../src/protocol/response.ts";
import { RedisLayout } from "../../src/redis/layout.ts";
import { isTerminalStatus } from "../../src/protocol/response.ts";
import { testRedisUrl } from "./redis.ts";

export interface Answer<T = Response> {
  status: number;
  headers: Headers;
  body: T;
}

export async function send<T = Response>(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const init: RequestInit = { method, headers: { "content-type": "application/json", ...headers } };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === "" ? undefined : JSON.parse(text)) as T,
  };
}

export interface SimulatorSettings {
  tokens?: number;
  delay_ms?: number;
  [name: string]: string | number | boolean | undefined;
}

/** A request for the simulator; its settings travel as metadata. */
export function simulate(settings: SimulatorSettings, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const metadata = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`simulator.${name}`, String(value)]),
  );
  return { model: "simulator/default", input: "Tell me about durable logs.", background: true, metadata, ...fields };
}

export async function create(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await send("POST", `${url}/responses`, body, headers);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Polls until the response has ended. For tests of polling only, not for waiting on anything else. */
export async function pollToEnd(url: string, id: string, headers: Record<string, string> = {}): Promise<Response> {
  for (;;) {
    const { body, status } = await send("GET", `${url}/responses/${id}`, undefined, headers).catch(() => ({
      body: undefined,
      status: 0,
    }));
    if (status === 200 && body !== undefined && isTerminalStatus(body.status)) return body;
    if (status >= 400 && status < 500) throw new Error(`GET answered ${status}.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const POLL_MS = 50;

export class RedisInspector implements Disposable {
  readonly redis: Redis;
  readonly layout: RedisLayout;
  readonly #prefix: string;

  constructor(prefix: string, url: string = testRedisUrl()) {
    this.redis = new Redis(url, { maxRetriesPerRequest: null });
    this.redis.on("error", () => {});
    this.layout = new RedisLayout(prefix, { sharded: false });
    this.#prefix = prefix;
  }

  /** The log as stored in Redis. */
  async log(id: string): Promise<string[]> {
    const entries = await this.redis.xrange(this.layout.events(id), "-", "+");
    return entries.map(([, fields]) => fields[1]!);
  }

  async inFlight(): Promise<string[]> {
    return await this.redis.zrange(this.layout.inFlight, "0", "-1");
  }

  async meta(id: string): Promise<Record<string, string>> {
    return await this.redis.hgetall(this.layout.meta(id));
  }

  /** Every key of this prefix with every value, of any type. */
  async dumpAll(): Promise<string> {
    const { redis } = this;
    const found: string[] = [];
    for (const key of await redis.keys(`*${this.#prefix}*`)) {
      found.push(key);
      const type = await redis.type(key);
      if (type === "string") found.push((await redis.get(key)) ?? "");
      else if (type === "hash") found.push(JSON.stringify(await redis.hgetall(key)));
      else if (type === "stream") found.push(JSON.stringify(await redis.xrange(key, "-", "+")));
      else if (type === "zset") found.push(JSON.stringify(await redis.zrange(key, "0", "-1")));
      else if (type === "list") found.push(JSON.stringify(await redis.lrange(key, 0, -1)));
      else if (type === "set") found.push(JSON.stringify(await redis.smembers(key)));
      // A key that has since expired holds nothing.
      else if (type !== "none") throw new Error(`No reader for the type ${type} of ${key}.`);
    }
    return found.join("\n");
  }

  [Symbol.dispose](): void {
    this.redis.disconnect();
  }
}
