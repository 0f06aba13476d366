/** Real processes with everything that a path of the description can name, created again for each request. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, pollToEnd, RedisInspector, send, simulate } from "../../support/api-client.ts";
import { type CuttingProxy, startCuttingProxy } from "../../support/cutting-proxy.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../../support/processes.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../../support/embedding-server.ts";
import { answerError } from "../../support/upstream-server.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";
import { acknowledge, type Answer as ReceiverAnswer, WebhookReceiver } from "../../support/webhook-receiver.ts";

import { announceUpload, CONTENT, type PendingUpload } from "./files.ts";

export type Wire = Answer<Record<string, unknown>>;
/** Values for the parameters of a path. */
export type PathValues = Record<string, string>;
export type Caller = "project" | "admin" | "other";

const KEYS = { project: "key-of-the-lab", other: "key-of-the-shop", admin: "key-of-the-admin" };
const MONTH = { currency: "USD", interval: "month", threshold_amount: 100 };
const MAX_WEBHOOK_ENDPOINTS = 30;
/** The receiver of webhooks does not answer here. */
const SILENT_PATH = "/silent";

/** What the provider `embedder` answers for each of its models. */
const EMBEDDING_FAILURES = {
  refusing: answerError(400, { message: "The input exceeds the model's maximum of 8192 tokens.", param: "input" }),
  limited: answerError(429, { message: "The provider's rate limit is reached." }, { "retry-after": "20" }),
  unpaid: answerError(429, { message: "The provider's quota is used up.", code: "insufficient_quota" }),
  failing: answerError(500, { message: "The provider failed." }),
};

interface Parts {
  api: ApiProcess;
  /** Without `ADMIN_KEYS` and `WEBHOOKS_ALLOW_HTTP`, with an empty Redis and no worker. */
  closed: ApiProcess;
  /** Redis is out of its reach. */
  cutOff: ApiProcess;
  /** Its store of files does not work, and each project may upload one file at a time and store little. */
  limited: ApiProcess;
  worker: ServerProcess;
  proxy: CuttingProxy;
  receiver: WebhookReceiver;
  embedder: EmbeddingServer;
  inspector: RedisInspector;
  folder: string;
}

/** Bytes that the limited process does not have, and the others have. */
export const MUCH = 400_000_000;

export interface SendOptions {
  caller?: Caller;
  at?: "api" | "closed" | "cutOff" | "limited";
  headers?: Record<string, string>;
}

export class EndpointWorld implements AsyncDisposable {
  readonly #parts: Parts;
  /** The part of the upload that was made last. */
  lastPart = "part_none";

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async start(): Promise<EndpointWorld> {
    const folder = await mkdtemp(join(tmpdir(), "background-responses-endpoints-"));
    const file = join(folder, "webhooks.json");
    const ofOperator = { project: "lab", name: "Operator's", url: "https://operator.example/", secret_env: "SECRET" };
    await writeFile(file, JSON.stringify({ endpoints: [ofOperator] }));
    const answer: ReceiverAnswer = (response, tried) =>
      tried.path === SILENT_PATH ? undefined : acknowledge(response, tried);
    const [receiver, proxy, embedder] = await Promise.all([
      WebhookReceiver.start(answer),
      startCuttingProxy(testRedisUrl()),
      startEmbeddingServer(),
    ]);
    embedder.failingModels = EMBEDDING_FAILURES;
    const providersFile = join(folder, "providers.json");
    const models = Object.keys(EMBEDDING_FAILURES);
    const provider = { kind: "openai-compatible", base_url: embedder.url, models };
    await writeFile(providersFile, JSON.stringify({ providers: { embedder: provider } }));
    const prefix = uniquePrefix();
    const environment = {
      KEY_PREFIX: prefix,
      API_KEYS: `lab:${KEYS.project},shop:${KEYS.other}`,
      ADMIN_KEYS: `ada:${KEYS.admin}`,
      FETCH_ALLOWED_HOSTS: new URL(receiver.url).host,
      MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: String(MAX_WEBHOOK_ENDPOINTS),
      WEBHOOKS_ALLOW_HTTP: "true",
      WEBHOOK_TIMEOUT_MS: "500",
      WEBHOOKS_FILE: file,
      PROVIDERS_FILE: providersFile,
      UPSTREAM_MAX_RETRIES: "0",
      FILES_FOLDER: join(folder, "files"),
      SECRET: `whsec_${Buffer.alloc(32).toString("base64")}`,
    };
    const { ADMIN_KEYS: _keys, WEBHOOKS_ALLOW_HTTP: _allow, ...shared } = environment;
    const closed = { ...shared, KEY_PREFIX: uniquePrefix() };
    const cutOff = { ...environment, REDIS_URL: proxy.url.replace(/^http/, "redis") };
    const limited = {
      ...environment,
      FILES_FOLDER: file,
      MAX_UPLOADS_PER_PROJECT: "1",
      MAX_STORED_BYTES_PER_PROJECT: String(MUCH / 2),
    };
    const [api, closedApi, cutOffApi, limitedApi, worker] = await Promise.all([
      startApi(environment),
      startApi(closed),
      startApi(cutOff),
      startApi(limited),
      startWorker(environment),
    ]);
    proxy.isAway = true;
    proxy.cut();
    const inspector = new RedisInspector(prefix);
    const apis = { api, closed: closedApi, cutOff: cutOffApi, limited: limitedApi };
    return new EndpointWorld({ ...apis, worker, proxy, receiver, embedder, inspector, folder });
  }

  get receiverUrl(): string {
    return this.#parts.receiver.url;
  }

  get silentReceiverUrl(): string {
    return new URL(SILENT_PATH, this.receiverUrl).href;
  }

  get inspector(): RedisInspector {
    return this.#parts.inspector;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    { caller = callerOf(path), at = "api", headers: more = {} }: SendOptions = {},
  ): Promise<Wire> {
    const headers = { authorization: `Bearer ${KEYS[caller]}`, ...more };
    if (body instanceof FormData) {
      const answer = await fetch(`${this.#parts[at].url}${path}`, { method, headers, body });
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Wire["body"] };
    }
    return await send(method, `${this.#parts[at].url}${path}`, body, headers);
  }

  /** The value of a field, usually the id, of something that a request makes. */
  async make(path: string, body: unknown, caller?: Caller): Promise<string> {
    const { status, body: made } = await this.send("POST", path, body, caller === undefined ? {} : { caller });
    if (status !== 200) throw new Error(`POST ${path}: ${JSON.stringify(made)}`);
    return String(made["id"]);
  }

  async makeProject(): Promise<string> {
    return await this.make("/organization/projects", { name: "research" });
  }

  /** The path with something for each of its parameters, except where `given` names another value. */
  async fill(path: string, given: PathValues = {}): Promise<string> {
    const values: PathValues = { ...given };
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    for (const name of names) values[name] ??= await this.#makeFor(name, values["project_id"] ?? "");
    if (path.endsWith("/spend_limit") && given["project_id"] === undefined) {
      await this.make(fillIn(path, values), MONTH);
    }
    return fillIn(path, values);
  }

  async #makeFor(parameter: string, project: string): Promise<string> {
    const path = `/organization/projects/${project}`;
    switch (parameter) {
      case "response_id":
        return await this.endedResponse();
      case "webhook_endpoint_id":
        return await this.makeWebhookEndpoint();
      case "project_id":
        return await this.makeProject();
      case "service_account_id":
        return await this.make(`${path}/service_accounts`, { name: "worker" });
      case "api_key_id":
        return await this.make(`${path}/api_keys`, { name: "worker" });
      case "alert_id":
        return await this.make(`${path}/spend_alerts`, MONTH);
      case "file_id":
        return await this.makeFile();
      case "upload_id":
        return await this.makeUpload();
      case "rate_limit_id":
        return "rl_all_models";
      default:
        throw new Error(`Nothing is made for the parameter ${parameter}.`);
    }
  }

  /** An upload that announces a file without sending it. */
  announce(path: string, length: number, at: "api" | "limited" = "api"): PendingUpload {
    return announceUpload(`${this.#parts[at].url}${path}`, `Bearer ${KEYS.project}`, length);
  }

  async makeFile(): Promise<string> {
    const form = new FormData();
    form.set("purpose", "user_data");
    form.set("file", new Blob([CONTENT]), "a.json");
    return await this.make("/files", form);
  }

  async makeUpload(bytes = CONTENT.length): Promise<string> {
    const wanted = { bytes, filename: "a.json", mime_type: "application/json", purpose: "user_data" };
    const id = await this.make("/uploads", wanted);
    await this.addPart(id);
    return id;
  }

  async addPart(uploadId: string): Promise<void> {
    const form = new FormData();
    form.set("data", new Blob([CONTENT]));
    this.lastPart = await this.make(`/uploads/${uploadId}/parts`, form);
  }

  /** Removes all bytes of files. */
  async loseBytes(): Promise<void> {
    await rm(join(this.#parts.folder, "files"), { recursive: true });
  }

  async makeWebhookEndpoint(url: string = this.receiverUrl): Promise<string> {
    return await this.make("/webhook_endpoints", { name: "Test", url, event_types: ["response.completed"] });
  }

  async endedResponse(): Promise<string> {
    const id = await this.make("/responses", simulate({ tokens: 1, delay_ms: 0 }));
    await pollToEnd(this.#parts.api.url, id, { authorization: `Bearer ${KEYS.project}` });
    return id;
  }

  /** The id of the endpoint in the operator's file. */
  async operatorsEndpoint(): Promise<string> {
    const { body } = await this.send("GET", "/webhook_endpoints?limit=100");
    return (body["data"] as { id: string; read_only: boolean }[]).find((each) => each.read_only)!.id;
  }

  /** Requests until the limit answers; the last answer. */
  async fillUp(path: string, body: unknown, count: number, caller: Caller = callerOf(path)): Promise<Wire> {
    await Promise.all(Array.from({ length: count }, () => this.send("POST", path, body, { caller })));
    return await this.send("POST", path, body, { caller });
  }

  get maxWebhookEndpoints(): number {
    return MAX_WEBHOOK_ENDPOINTS;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { api, closed, cutOff, limited, worker, proxy, receiver, embedder, inspector, folder } = this.#parts;
    inspector[Symbol.dispose]();
    await Promise.all([api, closed, cutOff, limited, worker].map((process) => process[Symbol.asyncDispose]()));
    await Promise.all([proxy[Symbol.asyncDispose](), receiver[Symbol.asyncDispose](), embedder[Symbol.asyncDispose]()]);
    await rm(folder, { recursive: true });
  }
}

function callerOf(path: string): Caller {
  return path.startsWith("/organization") ? "admin" : "project";
}

function fillIn(path: string, values: PathValues): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!);
}
