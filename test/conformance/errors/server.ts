/** A server of real processes that can be put into every state that an error requires. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, pollToEnd, RedisInspector, send, simulate } from "../../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../../support/processes.ts";
import { uniquePrefix } from "../../support/redis.ts";
import { subscribe } from "../../support/subscriber.ts";
import { answerError, startUpstreamServer, type UpstreamServer } from "../../support/upstream-server.ts";
import { API_KEYS, KEY } from "../clients/clients.ts";

export type Wire = Answer<Record<string, unknown>>;

const AUTHORIZED = { authorization: `Bearer ${KEY}` };
/** The simulator's settings that produce this end. */
const ENDINGS = {
  completed: { tokens: 1 },
  failed: { error: "server_error" },
  incomplete: { tokens: 40 },
} as const;
const HOUR_MS = 60 * 60 * 1000;

interface Parts {
  api: ApiProcess;
  /** Its clients may send one request per minute. */
  limited: ApiProcess;
  worker: ServerProcess;
  /** A provider whose account is empty. */
  bank: UpstreamServer;
  inspector: RedisInspector;
  directory: string;
}

export class ErrorServer implements AsyncDisposable {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(): Promise<ErrorServer> {
    const message = "You exceeded your current quota.";
    const bank = await startUpstreamServer(
      answerError(429, { message, type: "insufficient_quota", code: "insufficient_quota", param: null }),
    );
    const directory = await mkdtemp(join(tmpdir(), "background-responses-errors-"));
    const file = join(directory, "providers.json");
    const provider = { kind: "openai-responses", base_url: bank.url, models: ["broke"] };
    await writeFile(file, JSON.stringify({ providers: { bank: provider } }));
    const prefix = uniquePrefix();
    const environment = { KEY_PREFIX: prefix, API_KEYS, MAX_BODY_BYTES: "1000000", PROVIDERS_FILE: file };
    const rare = { KEY_PREFIX: uniquePrefix(), API_KEYS, RATE_LIMIT_REQUESTS_PER_MINUTE: "1" };
    const [api, limited, worker] = await Promise.all([startApi(environment), startApi(rare), startWorker(environment)]);
    return new ErrorServer({ api, limited, worker, bank, directory, inspector: new RedisInspector(prefix) });
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Wire> {
    return await send(method, `${this.#parts.api.url}${path}`, body, { ...AUTHORIZED, ...headers });
  }

  /** A valid request except for `fields`. */
  async post(fields: object, headers: Record<string, string> = {}): Promise<Wire> {
    const body = { ...simulate({ delay_ms: 0 }, { background: false }), ...fields };
    return await this.send("POST", "/responses", body, headers);
  }

  /** The second of two requests where one is allowed. */
  async postTooOften(): Promise<Wire> {
    const post = async (): Promise<Wire> =>
      await send("POST", `${this.#parts.limited.url}/responses`, simulate({ tokens: 1 }), AUTHORIZED);
    await post();
    return await post();
  }

  async cancel(id: string): Promise<Wire> {
    return await this.send("POST", `/responses/${id}/cancel`);
  }

  /** Only the first and the last event, or the error. */
  async stream(id: string, query = ""): Promise<Wire> {
    const url = `${this.#parts.api.url}/responses/${id}?stream=true${query}`;
    const response = await fetch(url, { headers: AUTHORIZED });
    const { status, headers } = response;
    if (status !== 200) return { status, headers, body: (await response.json()) as Record<string, unknown> };
    const frames = (await response.text()).matchAll(/^event: (.+)$/gm);
    const types = [...frames].map((match) => match[1]!);
    return { status, headers, body: { first: types[0], last: types.at(-1) } };
  }

  async ended(status: keyof typeof ENDINGS, fields: object = {}): Promise<string> {
    const limits = status === "incomplete" ? { max_output_tokens: 16 } : {};
    const created = await this.#create(simulate({ delay_ms: 0, ...ENDINGS[status] }, { ...limits, ...fields }));
    await pollToEnd(this.#parts.api.url, created, AUTHORIZED);
    return created;
  }

  /** A response whose model works until it is stopped. */
  async running(fields: { background?: boolean; conversation?: string } = {}): Promise<string> {
    const { background = true } = fields;
    const id = background
      ? await this.#create(simulate({ hang: true }, fields))
      : await this.#startInForeground(simulate({ hang: true, delay_ms: 0 }, fields));
    await subscribe(this.#parts.api.url, id, { headers: AUTHORIZED, cutAfterEvents: 5 });
    return id;
  }

  async conversation(): Promise<string> {
    return String((await this.send("POST", "/conversations", {})).body["id"]);
  }

  /** As if it had been created before the hosted API's limit. */
  async anHourOld(): Promise<string> {
    const id = await this.ended("completed");
    const { redis, layout } = this.#parts.inspector;
    await redis.hset(layout.meta(id), "createdAtMs", Date.now() - HOUR_MS);
    return id;
  }

  /** The value in Redis under its key is not a response. */
  async spoilt(): Promise<string> {
    const id = `resp_${"0".repeat(50)}`;
    await this.#parts.inspector.redis.set(this.#parts.inspector.layout.meta(id), "not a hash");
    return id;
  }

  async #create(body: object): Promise<string> {
    return String((await this.send("POST", "/responses", body)).body["id"]);
  }

  /** The connection stays open: a foreground client that leaves cancels its run. */
  async #startInForeground(body: object): Promise<string> {
    const response = await fetch(`${this.#parts.api.url}/responses`, {
      method: "POST",
      headers: AUTHORIZED,
      body: JSON.stringify({ ...body, stream: true }),
    });
    const reader = response.body!.getReader();
    let text = "";
    for (;;) {
      text += Buffer.from((await reader.read()).value!).toString();
      const id = /"id":"(resp_[^"]+)"/.exec(text)?.[1];
      if (id !== undefined) return id;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { api, limited, worker, bank, inspector, directory } = this.#parts;
    inspector[Symbol.dispose]();
    await Promise.all([api, limited, worker].map((process) => process[Symbol.asyncDispose]()));
    await bank[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
}
