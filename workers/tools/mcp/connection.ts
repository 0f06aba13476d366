/**
 * A response's connection with one MCP server. It opens on first use and closes with the response. If the session is
 * lost, the connection opens another, and repeats a call that cannot have taken effect.
 */
import { setMaxListeners } from "node:events";
import { z } from "zod";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { Redact } from "../../../src/logging/redaction.ts";
import { propagatedTraceContext } from "../../../src/telemetry/trace-context.ts";
import { GuardedFetchError, BlockedUrlError } from "../../net/errors.ts";
import { AnswerTooLongError, HttpStatusError, TooManyPagesError } from "./errors.ts";
import { type ListedPage, readListedPage } from "./listed-page.ts";
import { type McpSession, openMcpSession, type SessionOptions } from "./open-session.ts";
import type { McpTarget } from "./find-server.ts";

export interface ConnectionOptions extends Omit<SessionOptions, "idleTimeoutMs"> {
  callTimeoutMs: number;
  redact: Redact;
}

/**
 * Accepts any answer. The SDK's schemas reject a whole list for one tool and a whole answer for one block, and drop
 * unknown fields. Tools and blocks are read one by one instead (listed-page.ts, call-result.ts).
 */
const answerSchema = z.looseObject({});
export type CallAnswer = z.infer<typeof answerSchema>;

/** The SDK's errors have their code as a number. */
const CONNECTION_CLOSED: number = ErrorCode.ConnectionClosed;
/** Messages with a successful HTTP status by which servers say that the session is unknown. */
const NO_SESSION = new RegExp(
  [
    "\\bsession\\b.{0,40}\\b(not found|expired|terminated|unknown)\\b",
    "\\b(invalid|unknown|expired|no valid|missing) session\\b",
    "\\b(server|session|connection|transport)\\b.{0,20}\\bnot (yet )?(been )?initiali[sz]ed\\b",
    "\\brequest before initiali[sz]ation\\b",
  ].join("|"),
  "i",
);
const LIST_TIMEOUT_MS = 30_000;
const MAX_PAGES = 50;
/** A call that keeps reporting progress may take this many times its timeout. */
const MAX_PROGRESS_FACTOR = 30;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The connection's idle timeout exceeds a call's timeout by this much, so that the call's own timeout comes first. */
const IDLE_MARGIN_MS = 30_000;

export class McpConnection implements AsyncDisposable {
  readonly #target: McpTarget;
  readonly #options: ConnectionOptions;
  #opening: Promise<McpSession> | undefined;
  #current: McpSession | undefined;

  constructor(target: McpTarget, options: ConnectionOptions) {
    this.#target = target;
    this.#options = options;
  }

  /**
   * Yields page by page, so that the reader can stop. One timeout applies to all pages. A repeated cursor ends the
   * list: some servers repeat one forever (https://github.com/DeusData/codebase-memory-mcp/issues/1247). An empty
   * cursor ends it too: many servers send one at the end (https://github.com/modelcontextprotocol/java-sdk/issues/628).
   */
  async *listTools(): AsyncGenerator<ListedPage> {
    const { signal, redact } = this.#options;
    const { client } = await this.#session();
    const deadline = performance.now() + LIST_TIMEOUT_MS;
    const cursors = new Set<unknown>([undefined, null, ""]);
    let params = {};
    for (let page = 0; page < MAX_PAGES; page++) {
      const timeout = deadline - performance.now();
      if (timeout <= 0) throw new McpError(ErrorCode.RequestTimeout, "Request timed out");
      const request = { method: "tools/list" as const, params };
      const answer = await client.request(request, answerSchema, { signal: forkSignal(signal), timeout });
      yield readListedPage(answer, redact);
      const cursor = answer["nextCursor"];
      if (cursors.has(cursor) || typeof cursor === "object") return;
      cursors.add(cursor);
      params = { cursor };
    }
    throw new TooManyPagesError(MAX_PAGES);
  }

  /** Rejects with the signal's reason, or with an error that `toMcpCallError` understands. */
  async callTool(
    params: { name: string; arguments: Record<string, unknown> },
    { isReadOnly, signal }: { isReadOnly: boolean; signal: AbortSignal },
  ): Promise<CallAnswer> {
    const { callTimeoutMs } = this.#options;
    for (let isRepeated = false; ; isRepeated = true) {
      const session = await this.#session();
      try {
        // Also reaches a process, and a call within a session (https://modelcontextprotocol.io/seps/414-request-meta).
        const request = { method: "tools/call", params: { ...params, _meta: { ...propagatedTraceContext() } } };
        return await session.client.request(request, answerSchema, {
          signal: forkSignal(signal),
          timeout: callTimeoutMs,
          resetTimeoutOnProgress: true,
          maxTotalTimeout: Math.min(MAX_PROGRESS_FACTOR * callTimeoutMs, MAX_TIMER_MS),
          onprogress: () => {},
        });
      } catch (error) {
        signal.throwIfAborted();
        const loss = classifySessionLoss(error);
        if (loss === undefined) throw error;
        this.#drop(session);
        if (isRepeated || (loss === "maybe-executed" && !isReadOnly)) throw error;
      }
    }
  }

  /** Does not wait for the session to close, so that the response can end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    void opening?.then((session) => session.close()).catch(() => {});
  }

  async #session(): Promise<McpSession> {
    const { signal, policy, callTimeoutMs } = this.#options;
    signal.throwIfAborted();
    if (this.#current?.isOpen === false) this.#drop(this.#current);
    const idleTimeoutMs = Math.min(callTimeoutMs + IDLE_MARGIN_MS, MAX_TIMER_MS);
    this.#opening ??= openMcpSession(this.#target, { signal, policy, idleTimeoutMs });
    const opening = this.#opening;
    try {
      const session = await opening;
      if (this.#opening === opening) this.#current = session;
      return session;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Parallel calls may drop the same session. The next call opens another. */
  #drop(session: McpSession): void {
    if (this.#current === session) {
      this.#opening = undefined;
      this.#current = undefined;
    }
    void session.close().catch(() => {});
  }
}

/** Whether a call may have been executed before its session was lost. Undefined if the session is not lost. */
function classifySessionLoss(error: unknown): "not-executed" | "maybe-executed" | undefined {
  if (error instanceof HttpStatusError) return error.isSessionLost ? "not-executed" : undefined;
  if (error instanceof McpError) {
    if (NO_SESSION.test(error.message)) return "not-executed";
    return error.code === CONNECTION_CLOSED ? "maybe-executed" : undefined;
  }
  if (error instanceof BlockedUrlError || error instanceof AnswerTooLongError) return undefined;
  if (error instanceof GuardedFetchError) return "maybe-executed";
  if (error instanceof Error && error.message === "Not connected") return "not-executed";
  return error instanceof TypeError ? "maybe-executed" : undefined;
}

/** The SDK never removes its listeners, so they must be on a signal that ends with the request. */
function forkSignal(signal: AbortSignal): AbortSignal {
  const fork = AbortSignal.any([signal]);
  setMaxListeners(0, fork);
  return fork;
}
