/**
 * A server that is a process of its own, spoken to over stdin and stdout. It has no environment but the one it is given,
 * and it does not outlive its connection: not when it does not listen, not with processes that it has started, and not when
 * this process is killed. For that it runs in a process group beside a watcher, which reads from a pipe that this process
 * holds open, and kills the group when the pipe is closed, by whomever.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { serializeMessage } from "@modelcontextprotocol/sdk/shared/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage, JSONRPCMessageSchema, McpError } from "@modelcontextprotocol/sdk/types.js";
import { normalizeMessage } from "./normalize-message.ts";
import { AnswerTooLongError } from "./errors.ts";
import type { CommandTarget } from "./target.ts";

/** `$$` is the group, and stays its name while the watcher is in it. The server takes the shell's place. */
const WATCHED_COMMAND = '(cat <&3 >/dev/null; kill -s KILL -- "-$$") </dev/null >/dev/null 2>&1 &\nexec "$@" 3<&-';
const NEWLINE = 0x0a;
/** A server that was told to end by the end of its input has this long. */
const STOP_TIMEOUT_MS = 1_000;

export class StdioTransport implements Transport {
  // The contract of the SDK, which assigns these.
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport["onmessage"] & {};
  readonly #target: CommandTarget;
  readonly #maxBytes: number;
  /** Of the message that is not whole yet. */
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
      // What it logs may hold what it was given: its log is its operator's to arrange.
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

  /** Rejects once the server is gone. */
  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin?.writable !== true) throw new Error("Not connected");
    if (stdin.write(serializeMessage(message))) return;
    try {
      await Promise.race([once(stdin, "drain"), once(stdin, "close")]);
    } catch {
      // It went away while it was spoken to, and may have heard enough.
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
    // More than one message may be: nothing that follows could be understood.
    this.onerror?.(new AnswerTooLongError());
    this.#finish();
  }

  #readMessage(line: string): void {
    try {
      this.onmessage?.(JSONRPCMessageSchema.parse(normalizeMessage(JSON.parse(line))));
    } catch (error) {
      // A line that is no message, which servers print: the next one may be.
      this.onerror?.(error as Error);
    }
  }

  #finish(): void {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.stdout?.destroy();
    child.stdin?.destroy();
    // The watcher hears this.
    (child.stdio[3] as { destroy?: () => void } | null)?.destroy?.();
    this.#pieces.length = 0;
    this.onclose?.();
  }
}
