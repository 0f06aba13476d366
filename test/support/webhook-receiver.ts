/** A receiver of webhooks over HTTP. It records every try, verifies it with both official clients, and answers as configured. */
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import OpenAI from "openai";
import OpenAI6 from "openai-6";
import { type WebhookEvent, webhookEventSchema } from "../../src/protocol/webhook.ts";

export interface ReceivedTry {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** By `performance.now()`. */
  atMs: number;
}

export type Answer = (response: ServerResponse, tried: ReceivedTry) => void;

export const acknowledge: Answer = (response) => void response.writeHead(204).end();
export const answerWith =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end();
/** Accepts the request and never answers. */
export const hang: Answer = () => {};

const clients = [
  new OpenAI({ apiKey: "unused", maxRetries: 0 }),
  new OpenAI6({ apiKey: "unused", maxRetries: 0 }),
] as const;

/** The event, if both client lines accept its signature. */
export async function unwrap({ body, headers }: ReceivedTry, secret: string): Promise<WebhookEvent> {
  const plain = new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const [event, event6] = await Promise.all(clients.map((client) => client.webhooks.unwrap(body, plain, secret)));
  if (JSON.stringify(event) !== JSON.stringify(event6)) throw new Error("The clients read different events.");
  return webhookEventSchema.parse(event);
}

export class WebhookReceiver implements AsyncDisposable {
  readonly tries: ReceivedTry[] = [];
  /** Ends with a slash. */
  readonly url: string;
  answer: Answer;
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  private constructor(server: Server, port: number, answer: Answer) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/`;
    this.answer = answer;
  }

  static async start(answer: Answer = acknowledge): Promise<WebhookReceiver> {
    let listener: (...exchange: Parameters<RequestListener>) => Promise<void> = async () => {};
    const server = createServer((request, response) => void listener(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const receiver = new WebhookReceiver(server, (server.address() as AddressInfo).port, answer);
    listener = async (request, response) => {
      const tried = {
        path: request.url!,
        headers: request.headers,
        body: await text(request),
        atMs: performance.now(),
      };
      receiver.tries.push(tried);
      receiver.answer(response, tried);
      for (const wake of receiver.#waiting.splice(0)) wake();
    };
    return receiver;
  }

  /** Resolves once the tries satisfy the condition. */
  async until(isDone: (tries: readonly ReceivedTry[]) => boolean): Promise<readonly ReceivedTry[]> {
    while (!isDone(this.tries)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.tries;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
