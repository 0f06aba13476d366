/**
 * `webhooks listen`: receives the webhooks of the project on this machine, for as long as it runs. It creates an endpoint,
 * verifies and prints each event, passes it on to a program under development if asked to, and removes the endpoint.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type OpenAI from "openai";
import type { ClientCli, JsonFlag } from "../cli.ts";
import { CliError } from "../exit-codes.ts";

export interface ListenFlags extends JsonFlag {
  port: string;
  url?: string;
  forward?: string;
  event?: string[];
}

type EventType = OpenAI.Webhooks.WebhookCreateParams["event_types"][number];
type Endpoint = OpenAI.Webhooks.WebhookEndpointWithSecret;

const EVENT_TYPES: EventType[] = ["response.completed", "response.failed", "response.cancelled", "response.incomplete"];
/** An event only names its response. */
const MAX_BODY_BYTES = 1024 * 1024;
const FORWARD_TIMEOUT_MS = 14_000;

export async function listen(cli: ClientCli, flags: ListenFlags): Promise<number> {
  const { client, terminal } = cli;
  const stopped = waitForSignal();
  let endpoint: Endpoint | undefined;
  const server = createServer((request, response) => {
    receive(cli, flags, endpoint, request, response).catch(() => response.destroy());
  });
  const local = await openServer(server, Number(flags.port));
  try {
    endpoint = await client.webhooks.create({
      name: `background-responses webhooks listen, ${local}`,
      url: flags.url ?? local,
      event_types: flags.event === undefined ? EVENT_TYPES : (flags.event as EventType[]),
    });
    terminal.note(`${endpoint.id} sends ${endpoint.event_types.join(", ")} to ${endpoint.url}`);
    if (flags.forward !== undefined) terminal.note(`Passing each event on to ${flags.forward}`);
    terminal.note(`Signing secret: ${endpoint.signing_secret}`);
    terminal.note("Ctrl-C stops, and removes the endpoint.");
    await stopped;
  } finally {
    server.close();
    server.closeAllConnections();
    if (endpoint !== undefined) await remove(client, endpoint);
  }
  terminal.note("The endpoint is removed.");
  return 0;
}

/** The first signal ends the command in order, the second at once. */
async function waitForSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  await promise;
}

async function openServer(server: Server, port: number): Promise<string> {
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch (error) {
    throw new CliError(`Port ${port} cannot be used: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}/`;
}

async function remove(client: OpenAI, { id }: Endpoint): Promise<void> {
  try {
    await client.webhooks.delete(id);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`The endpoint ${id} was not removed and still gets events: ${reason}`);
  }
}

async function receive(
  { client, terminal }: ClientCli,
  { forward, json }: ListenFlags,
  endpoint: Endpoint | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined || endpoint === undefined) {
    response.writeHead(body === undefined ? 413 : 503).end();
    return;
  }
  const headers = new Headers(
    Object.entries(request.headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
  const event = await client.webhooks.unwrap(body, headers, endpoint.signing_secret).catch(() => undefined);
  if (event === undefined) {
    terminal.note(`A request without a valid signature came from ${request.socket.remoteAddress}.`, "yellow");
    response.writeHead(401).end();
    return;
  }
  const status = forward === undefined ? 200 : await passOn(forward, body, headers);
  const id = headers.get("webhook-id") ?? "";
  if (json) terminal.print(JSON.stringify({ webhook_id: id, status, event }));
  else
    terminal.print(
      `${event.type}  ${subjectOf(event)}  ${id}${forward === undefined ? "" : `  ${forward} answered ${status}`}`,
    );
  // The server retries what the program did not accept.
  response.writeHead(status).end();
}

/** Returns undefined if it is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const subjectOf = ({ data }: { data: object }): string => ("id" in data ? String(data.id) : "");

/** The body as it came, with the headers that its signature needs. Returns the status, or 502 without an answer. */
async function passOn(url: string, body: string, headers: Headers): Promise<number> {
  const passed = [...headers].filter(([name]) => name === "content-type" || name.startsWith("webhook-"));
  try {
    const { status } = await fetch(url, {
      method: "POST",
      body,
      headers: Object.fromEntries(passed),
      redirect: "manual",
      signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
    });
    return status;
  } catch {
    return 502;
  }
}
