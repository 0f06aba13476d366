/**
 * A response's connection with one MCP server. It is opened when it is first needed, at most once at a time, and closed with
 * the response. A session that was lost is opened again, and a call is made again in it if it cannot have taken effect.
 */
import { setMaxListeners } from "node:events";
import { z } from "zod";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { Redact } from "../../../src/logging/redaction.ts";
import { GuardedFetchError, BlockedUrlError } from "../../net/errors.ts";
import { AnswerTooLongError, HttpStatusError, TooManyPagesError } from "./errors.ts";
import { type ListedPage, readListedPage } from "./listed-page.ts";
import { type McpSession, openMcpSession, type SessionOptions } from "./sessions.ts";
import type { McpTarget } from "./target.ts";

export interface ConnectionOptions extends Omit<SessionOptions, "idleTimeoutMs"> {
  callTimeoutMs: number;
  redact: Redact;
}

/**
 * Answers as they came. The SDK's own schemas refuse a whole list for one tool, and a whole answer for one block, and leave
 * out what they do not know; each tool and each block is read by itself instead (listed-page.ts, call-result.ts).
 */
const answerSchema = z.looseObject({});
export type CallAnswer = z.infer<typeof answerSchema>;

/** The SDK's errors say their code as a number. */
const CONNECTION_CLOSED: number = ErrorCode.ConnectionClosed;
/** How servers say in a message, under a status that is none of an error, that they do not know the session. */
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
/** A call that goes on saying that it goes on is waited for this many times its time limit. */
const MAX_PROGRESS_FACTOR = 30;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Beyond a call's own limit: the silence in it is bounded by the call. */
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
   * Page by page, so that who reads may stop. All of them together have one time limit. A cursor that comes again ends the
   * list: servers repeat one for ever (https://github.com/DeusData/codebase-memory-mcp/issues/1247). So does one that is
   * empty, by which many mean that there is none (https://github.com/modelcontextprotocol/java-sdk/issues/628).
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

  /** Rejects with the signal's reason, or with what `faultOf` understands. */
  async callTool(
    params: { name: string; arguments: Record<string, unknown> },
    { isReadOnly, signal }: { isReadOnly: boolean; signal: AbortSignal },
  ): Promise<CallAnswer> {
    const { callTimeoutMs } = this.#options;
    for (let isRepeated = false; ; isRepeated = true) {
      const session = await this.#session();
      try {
        return await session.client.request({ method: "tools/call", params }, answerSchema, {
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
        if (isRepeated || (loss === "perhaps-made" && !isReadOnly)) throw error;
      }
    }
  }

  /** Does not wait for the good-bye: a response is over when it is over. */
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

  /** The next call opens another; the calls that share this one come here as well. */
  #drop(session: McpSession): void {
    if (this.#current === session) {
      this.#opening = undefined;
      this.#current = undefined;
    }
    void session.close().catch(() => {});
  }
}

/** Whether an error means that the session is gone, and what that says about the call. */
function classifySessionLoss(error: unknown): "not-made" | "perhaps-made" | undefined {
  if (error instanceof HttpStatusError) return error.isSessionLost ? "not-made" : undefined;
  if (error instanceof McpError) {
    if (NO_SESSION.test(error.message)) return "not-made";
    return error.code === CONNECTION_CLOSED ? "perhaps-made" : undefined;
  }
  if (error instanceof BlockedUrlError || error instanceof AnswerTooLongError) return undefined;
  if (error instanceof GuardedFetchError) return "perhaps-made";
  if (error instanceof Error && error.message === "Not connected") return "not-made";
  return error instanceof TypeError ? "perhaps-made" : undefined;
}

/** The SDK never takes its listeners off again: what they hang on must not outlive the request. */
function forkSignal(signal: AbortSignal): AbortSignal {
  const own = AbortSignal.any([signal]);
  setMaxListeners(0, own);
  return own;
}
