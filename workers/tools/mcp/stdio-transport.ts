/**
 * Runs a server as a process, and talks to it over stdin and stdout. The server gets only the given environment. It
 * never outlives its connection, even if it ignores signals, starts processes of its own, or this process is killed.
 * For that, it runs in a process group with a watcher: the watcher reads from a pipe that this process holds open, and
 * kills the group when the pipe closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { serializeMessage } from "@modelcontextprotocol/sdk/shared/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage, JSONRPCMessageSchema, McpError } from "@modelcontextprotocol/sdk/types.js";
import { normalizeMessage } from "./normalize-message.ts";
import { AnswerTooLongError } from "./errors.ts";
import type { CommandTarget } from "./find-server.ts";

/** `$$` is the group's id, which is valid as long as the watcher runs. The server replaces the shell. */
const WATCHED_COMMAND = '(cat <&3 >/dev/null; kill -s KILL -- "-$$") </dev/null >/dev/null 2>&1 &\nexec "$@" 3<&-';
const NEWLINE = 0x0a;
/** Time for a server to exit after its input ends. */
const STOP_TIMEOUT_MS = 1_000;

export class StdioTransport implements Transport {
  // The SDK's contract: it assigns these.
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport["onmessage"] & {};
  readonly #target: CommandTarget;
  readonly #maxBytes: number;
  /** Pieces of the incomplete message. */
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #child: ChildProcess | undefined;

  constructor(target: CommandTarget, maxBytes: number) {
    this.#target = target;
    this.#maxBytes = maxBytes;
  }

  async start(): Promise<void> {
    const { command, env } = this.#target;
    const child = spawn("/bin/sh", ["-c", WATCHED_COMMAND, "mcp", command.command, ...command.args], {
      env,
      ...(command.cwd !== undefined && { cwd: command.cwd }),
      // The server's stderr may contain its secrets, so it is dropped. The operator can configure a log of its own.
      stdio: ["pipe", "pipe", "ignore", "pipe"],
      detached: true,
    });
    this.#child = child;
    child.stdout!.on("data", (chunk: Buffer) => this.#receive(chunk));
    for (const stream of [child.stdin, child.stdout, child.stdio[3]]) {
      stream?.on("error", (error: Error) => this.onerror?.(error));
    }
    child.once("exit", () => this.#finish());
    await once(child, "spawn");
  }

  /** Rejects if the server is gone. */
  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin?.writable !== true) throw new Error("Not connected");
    if (stdin.write(serializeMessage(message))) return;
    try {
      await Promise.race([once(stdin, "drain"), once(stdin, "close")]);
    } catch {
      // The server exited during the write, and may have read enough of it.
      throw new McpError(ErrorCode.ConnectionClosed, "Connection closed");
    }
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.stdin?.end();
    await Promise.race([exited, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    this.#finish();
  }

  #receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#pieces.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.#pieces.splice(0)).toString();
      this.#bytes = 0;
      start = end + 1;
      this.#readMessage(line);
    }
    const rest = chunk.subarray(start);
    this.#pieces.push(rest);
    this.#bytes += rest.length;
    if (this.#bytes <= this.#maxBytes) return;
    // The limit applies to one line. The rest of the output cannot be parsed.
    this.onerror?.(new AnswerTooLongError());
    this.#finish();
  }

  #readMessage(line: string): void {
    try {
      this.onmessage?.(JSONRPCMessageSchema.parse(normalizeMessage(JSON.parse(line))));
    } catch (error) {
      // Servers also print lines that are not messages. The next line may be one.
      this.onerror?.(error as Error);
    }
  }

  #finish(): void {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.stdout?.destroy();
    child.stdin?.destroy();
    // Closing the pipe notifies the watcher.
    (child.stdio[3] as { destroy?: () => void } | null)?.destroy?.();
    this.#pieces.length = 0;
    this.onclose?.();
  }
}
