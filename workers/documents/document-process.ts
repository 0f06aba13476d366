/**
 * A worker's handle of one process that reads documents. The process is not trusted: its answers are limited and parsed,
 * and a violation kills it. So does a document that takes too much time or memory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { buildConfinedCommand } from "./confined-command.ts";
import { DocumentError, type Document } from "./document.ts";
import { type Answer, parseAnswer, toDocument } from "./document-answer.ts";
import { encodeHead, MessageReader, type MessagePart, type RequestHead } from "./messages.ts";

const START_TIMEOUT_MS = 60_000;
const MEMORY_CHECK_MS = 50;
const STDERR_TAIL_LENGTH = 4_096;
const MAX_HEAD_BYTES = 4 * 1024 * 1024;
/** In UTF-8, a UTF-16 unit has at most three bytes. */
const UNIT_BYTES = 3;
const MIB = 1024 * 1024;

/** The bytes of a document. A stream must have exactly `size` bytes. */
export type DocumentSource = Uint8Array | { stream: AsyncIterable<Uint8Array>; size: number };

export interface DocumentProcessLimits {
  heapMb: number;
  processMb: number;
  maxTextLength: number;
}

/** The process ended, and did not answer. */
type Ending = "timed out" | "out of memory" | "cancelled" | "died";

export class DocumentProcess {
  readonly #child: ChildProcess;
  readonly #limits: DocumentProcessLimits;
  /** The first reason wins. */
  #ending: Ending | undefined;
  #stderr = "";
  #head: Answer | undefined;
  #text: string[] = [];
  #decoder = new StringDecoder("utf8");
  #settle: ((answer: { head: Answer; text: string } | undefined) => void) | undefined;

  /** Rejects with a DocumentError if the process cannot start, or with the signal's reason. */
  static async start(limits: DocumentProcessLimits, signal: AbortSignal): Promise<DocumentProcess> {
    const { program, args, env } = await buildConfinedCommand(limits.heapMb);
    signal.throwIfAborted();
    const child = spawn(program, args, { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] });
    const started = new DocumentProcess(child, limits);
    const answer = await started.#waitForAnswer(START_TIMEOUT_MS, signal);
    if (answer?.head.type === "ready") return started;
    signal.throwIfAborted();
    throw new DocumentError("unavailable", "Documents cannot be read right now.", { cause: started.#stderr });
  }

  private constructor(child: ChildProcess, limits: DocumentProcessLimits) {
    this.#child = child;
    this.#limits = limits;
    const maxBodyBytes = limits.maxTextLength * UNIT_BYTES;
    const reader = new MessageReader({ maxHeadBytes: MAX_HEAD_BYTES, maxBodyBytes });
    child.stdout!.on("data", (chunk: Buffer) => {
      try {
        for (const part of reader.push(chunk)) this.#receive(part);
      } catch {
        this.#end("died");
      }
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("latin1")).slice(-STDERR_TAIL_LENGTH);
    });
    child.stdin!.on("error", () => this.#end("died"));
    const exited = (): void => {
      this.#ending ??= /out of memory|allocation failed/i.test(this.#stderr) ? "out of memory" : "died";
      this.#settle?.(undefined);
    };
    child.once("error", exited).once("close", exited);
    // An idle process does not keep the worker alive.
    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#ending === undefined && this.#child.pid !== undefined;
  }

  /**
   * Reads one document at a time. Rejects with a DocumentError, with the error of the source's stream, or with the signal's
   * reason. After any of them except an answer that the document cannot be read, the process is dead.
   */
  async read(source: DocumentSource, request: Omit<RequestHead, "bytes">, signal: AbortSignal): Promise<Document> {
    const answer = this.#waitForAnswer(request.limits.timeoutMs, signal);
    let failure: { error: unknown } | undefined;
    // Not awaited: a stream may be silent when the process has ended already.
    void this.#send(source, request).catch((error: unknown) => {
      failure = { error };
      this.#end("cancelled");
    });
    const received = await answer;
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.error;
    if (received === undefined) throw this.#describeEnding();
    return toDocument(received.head, received.text);
  }

  kill(): void {
    this.#end("cancelled");
  }

  async #send(source: DocumentSource, request: Omit<RequestHead, "bytes">): Promise<void> {
    const bytes = source instanceof Uint8Array ? source.length : source.size;
    this.#write(encodeHead({ ...request, bytes }));
    if (source instanceof Uint8Array) {
      this.#write(source);
      return;
    }
    let sent = 0;
    for await (const chunk of source.stream) {
      sent += chunk.length;
      if (sent > bytes || !this.isAlive) break;
      if (!this.#write(chunk)) await this.#drained();
    }
    if (sent !== bytes && this.isAlive) throw new DocumentError("unavailable", "The file changed while it was read.");
  }

  #write(bytes: Uint8Array): boolean {
    return !this.isAlive || this.#child.stdin!.write(bytes);
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const settle = (): void => resolve();
    this.#child.stdin!.once("drain", settle).once("close", settle);
    await promise;
    this.#child.stdin!.off("drain", settle).off("close", settle);
  }

  /** Undefined if the process ended. */
  async #waitForAnswer(timeoutMs: number, signal: AbortSignal): Promise<{ head: Answer; text: string } | undefined> {
    const { promise, resolve } = Promise.withResolvers<{ head: Answer; text: string } | undefined>();
    this.#settle = resolve;
    const cancel = (): void => this.#end("cancelled");
    const timer = setTimeout(() => this.#end("timed out"), timeoutMs);
    const memory = setInterval(() => void this.#checkMemory(), MEMORY_CHECK_MS);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    if (!this.isAlive) resolve(undefined);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      clearInterval(memory);
      signal.removeEventListener("abort", cancel);
      this.#settle = undefined;
    }
  }

  #receive(part: MessagePart): void {
    if (part.kind === "head") {
      this.#head = parseAnswer(part.head);
    } else if (part.kind === "body") {
      this.#text.push(this.#decoder.write(part.chunk));
    } else {
      const text = this.#text.join("") + this.#decoder.end();
      this.#text = [];
      // An answer without a request is a violation.
      if (this.#settle === undefined) return this.#end("died");
      this.#settle({ head: this.#head!, text });
    }
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#child.kill("SIGKILL");
    this.#settle?.(undefined);
  }

  #describeEnding(): DocumentError {
    const cause = this.#stderr === "" ? undefined : this.#stderr;
    if (this.#ending === "timed out") return new DocumentError("timed_out", "The file takes too long to read.");
    if (this.#ending === "out of memory")
      return new DocumentError("too_large", "The file takes too much memory to read.", { cause });
    return new DocumentError("invalid_file", "The file could not be read: it broke the reader.", { cause });
  }

  /** Without /proc, only the limit of V8's memory applies. */
  async #checkMemory(): Promise<void> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8").catch(() => "");
    const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    if (residentKib * 1024 > this.#limits.processMb * MIB) this.#end("out of memory");
  }
}
