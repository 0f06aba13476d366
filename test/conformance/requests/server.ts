/** A server in front of a provider that records its requests. */
import { type Answer, send } from "../../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../../support/processes.ts";
import { uniquePrefix } from "../../support/redis.ts";
import {
  completed,
  created,
  message,
  startUpstreamServer,
  streamAndEnd,
  type UpstreamServer,
} from "../../support/upstream-server.ts";

export type Json = Record<string, unknown>;

/** Sends the request to the provider, which answers with a message of two words. */
export const VALID = { model: "openai/heron", input: "Hello" };

export class EchoServer implements AsyncDisposable {
  readonly #api: ApiProcess;
  readonly #worker: ServerProcess;
  readonly #provider: UpstreamServer;

  private constructor(api: ApiProcess, worker: ServerProcess, provider: UpstreamServer) {
    this.#api = api;
    this.#worker = worker;
    this.#provider = provider;
  }

  static async start(): Promise<EchoServer> {
    const words = message(0, "msg_1", ["Hel", "lo"]);
    const provider = await startUpstreamServer(streamAndEnd(created(), ...words, completed()));
    const environment = { KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: provider.url };
    const [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
    return new EchoServer(api, worker, provider);
  }

  /** Ends with `/v1`. */
  get url(): string {
    return this.#api.url;
  }

  async send(method: string, path: string, body?: unknown): Promise<Answer<Json>> {
    return await send(method, `${this.#api.url}${path}`, body);
  }

  async post(fields: object): Promise<Answer<Json>> {
    return await this.send("POST", "/responses", { ...VALID, ...fields });
  }

  /** In the foreground, so that the provider has received it. */
  async accepted(fields: object): Promise<{ shown: Json; sent: Json }> {
    const { status, body } = await this.post(fields);
    if (status !== 200 || body["status"] !== "completed") throw new Error(JSON.stringify(body));
    return { shown: body, sent: this.#provider.requests.at(-1)!.body };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#api[Symbol.asyncDispose](), this.#worker[Symbol.asyncDispose]()]);
    await this.#provider[Symbol.asyncDispose]();
  }
}
