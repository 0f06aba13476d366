/** Opens a session with a server: over streamable HTTP, over SSE with older servers, or with a process. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport, SseError } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { FetchLike, Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { setTimeout as delay } from "node:timers/promises";
import { raceSignal } from "race-signal";
import { withTraceContext } from "../../../src/telemetry/trace-context.ts";
import type { FetchPolicy } from "../../net/fetch-policy.ts";
import { GuardedFetch } from "../../net/guarded-fetch.ts";
import { FetchTimeoutError } from "../../net/errors.ts";
import { toMcpCallError, HttpStatusError } from "./errors.ts";
import { StdioTransport } from "./stdio-transport.ts";
import type { CommandTarget, McpTarget, RemoteTarget } from "./find-server.ts";
import { WatchedFetch } from "./watched-fetch.ts";

export interface McpSession {
  readonly client: Client;
  /** False once either side has closed the session. */
  readonly isOpen: boolean;
  /** Ends the session, within a timeout. */
  close(): Promise<void>;
}

export interface SessionOptions {
  policy: FetchPolicy;
  /** Timeout for a server that sends nothing. */
  idleTimeoutMs: number;
  signal: AbortSignal;
}

/** Limit of one message of a process, or one answer over HTTP. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 30_000;
/** Timeout for ending a session. */
const CLOSE_TIMEOUT_MS = 1_000;
/** Time for the SDK to read a stream's last events after the stream has ended. */
const LAST_EVENTS_TIMEOUT_MS = 100;
const MAX_RESUME_RETRIES = 3;
const RECONNECTION = {
  initialReconnectionDelay: 500,
  maxReconnectionDelay: 2_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: MAX_RESUME_RETRIES,
};
/** Statuses with which servers of the older transport answer a message of the newer one. */
const OLDER_TRANSPORT_STATUSES: ReadonlySet<number> = new Set([400, 404, 405, 406, 415]);

export async function openMcpSession(target: McpTarget, options: SessionOptions): Promise<McpSession> {
  return target.kind === "command" ? await openProcess(target, options) : await openRemote(target, options);
}

/** Announces no capabilities: no sampling, no roots, no elicitation. */
function createClient(): Client {
  return new Client({ name: "background-responses", version: "1" }, { capabilities: {} });
}

async function openProcess(target: CommandTarget, { signal }: SessionOptions): Promise<McpSession> {
  const client = createClient();
  await connect(client, new StdioTransport(target, MAX_ANSWER_BYTES), signal);
  return createSession(client, async () => {
    await client.close();
  });
}

async function openRemote(target: RemoteTarget, options: SessionOptions): Promise<McpSession> {
  const { policy, idleTimeoutMs, signal } = options;
  const guarded = target.isGuarded ? new GuardedFetch({ policy, idleTimeoutMs }) : undefined;
  const fetchLike: FetchLike = withTraceContext<string | URL>(guarded?.fetch ?? fetch);
  const release = async (): Promise<void> => {
    await guarded?.[Symbol.asyncDispose]();
  };
  try {
    return await openStreamable(target, fetchLike, signal, release);
  } catch (error) {
    const mayBeOlder = error instanceof HttpStatusError && OLDER_TRANSPORT_STATUSES.has(error.status);
    try {
      if (!mayBeOlder) throw error;
      return await openSse(target, fetchLike, signal, release);
    } catch (olderError) {
      await release();
      // If both transports fail, the error of the newer one is more useful.
      throw signal.aborted ? olderError : error;
    }
  }
}

async function openStreamable(
  { url, headers }: RemoteTarget,
  fetchLike: FetchLike,
  signal: AbortSignal,
  release: () => Promise<void>,
): Promise<McpSession> {
  const client = createClient();
  const answered = new Set<unknown>();
  let failedResumes = 0;
  const watched = new WatchedFetch({
    fetch: fetchLike,
    maxBytes: MAX_ANSWER_BYTES,
    onStreamEnd: (id, error) => {
      const answer = () => {
        if (!answered.has(id)) transport.onmessage?.(createUnansweredError(id, error));
      };
      setTimeout(answer, LAST_EVENTS_TIMEOUT_MS).unref();
    },
    onResumeFailed: () => {
      failedResumes += 1;
      if (failedResumes >= MAX_RESUME_RETRIES) void client.close();
    },
  });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: watched.fetch,
    requestInit: { headers },
    reconnectionOptions: RECONNECTION,
  });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's classes are no event targets.
  transport.onmessage = (message: JSONRPCMessage) => {
    if ("id" in message && !("method" in message)) answered.add(message.id);
  };
  await connect(client, transport, signal);
  return createSession(client, async () => {
    const ending = watched.waitForNotifications().then(() => transport.terminateSession());
    await Promise.race([ending.catch(() => {}), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    await client.close();
    await release();
  });
}

async function openSse(
  { url, headers }: RemoteTarget,
  fetchLike: FetchLike,
  signal: AbortSignal,
  release: () => Promise<void>,
): Promise<McpSession> {
  const client = createClient();
  const watched = new WatchedFetch({
    fetch: fetchLike,
    maxBytes: MAX_ANSWER_BYTES,
    onStreamEnd: () => {},
    onResumeFailed: () => {},
  });
  const transport = new SSEClientTransport(new URL(url), { fetch: watched.fetchWithStream, requestInit: { headers } });
  // Without its only stream, no request is ever answered.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's classes are no event targets.
  client.onerror = (error) => {
    if (error instanceof SseError) void client.close();
  };
  await connect(client, transport, signal);
  return createSession(client, async () => {
    await Promise.race([watched.waitForNotifications(), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    await client.close();
    await release();
  });
}

function createSession(client: Client, close: () => Promise<void>): McpSession {
  let isClosed = false;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's classes are no event targets.
  client.onclose = () => {
    isClosed = true;
  };
  return {
    client,
    get isOpen() {
      return !isClosed;
    },
    close,
  };
}

async function connect(client: Client, transport: Transport, signal: AbortSignal): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
  try {
    // The SDK starts a transport without a signal, and only the first message takes one.
    const connected = client.connect(transport, { signal: bounded, timeout: CONNECT_TIMEOUT_MS });
    await raceSignal(connected, bounded);
  } catch (error) {
    await transport.close();
    throw bounded.aborted && !signal.aborted ? new FetchTimeoutError({ cause: error }) : error;
  }
}

function createUnansweredError(id: number, error: unknown): JSONRPCMessage {
  // The caller that reads the answer redacts it.
  const callError = error === undefined ? undefined : toMcpCallError(error, (text) => text);
  const message = callError?.message ?? "The server ended its answer early.";
  return { jsonrpc: "2.0", id, error: { code: ErrorCode.ConnectionClosed, message } };
}
