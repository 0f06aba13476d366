/**
 * A worker's handle of one interpreter process: it starts the process, sends it cells, and kills it at its limits. The
 * process is not trusted: its frames are limited and parsed, and a violation kills it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { buildConfinedCommand } from "./confinement.ts";
import { encodeFrame, type Frame, FrameReader } from "./frames.ts";
import { MIB, type PythonLimits } from "./python-limits.ts";

/** Time between the interrupt at the timeout and the kill, for code that cleans up. */
const KILL_GRACE_MS = 1_000;
const MEMORY_CHECK_MS = 50;
const STDERR_TAIL_BYTES = 4_096;
/** A result contains each file, and each image that is not a file, once, in base64. */
const RESULT_OVERHEAD = 2;

const bytesSchema = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const fileSchema = z.object({ name: z.string(), bytes: bytesSchema });
const mediaTypeSchema = z.string().regex(/^image\/[a-z+]+$/);
const resultSchema = z
  .object({
    run: z.int(),
    error: z.string().optional(),
    timed_out: z.boolean().default(false),
    files: z.array(fileSchema),
    deleted: z.array(z.string()),
    /** An image that is also a file is named only. */
    images: z.array(
      z.union([
        z.object({ media_type: mediaTypeSchema, bytes: bytesSchema }),
        z.object({ media_type: mediaTypeSchema, file: z.string() }),
      ]),
    ),
  })
  .transform(({ images, ...result }, context) => {
    const bytesByName = new Map(result.files.map(({ name, bytes }) => [name, bytes]));
    const whole = images.flatMap((image) => {
      const bytes = "bytes" in image ? image.bytes : bytesByName.get(image.file);
      if (bytes !== undefined) return [{ media_type: image.media_type, bytes }];
      context.addIssue("An image names a file that does not exist.");
      return [];
    });
    return { ...result, images: whole };
  });
export type CellResult = z.infer<typeof resultSchema>;

export interface CellRequest {
  code: string;
  files: readonly { name: string; bytes: Uint8Array }[];
  timeoutMs: number;
}

export type ExitReason = "timed out" | "out of memory" | "crashed";
export type ProcessOutcome = { logs: string; logsTruncated: boolean } & (
  | { kind: "ended"; result: CellResult }
  | { kind: "exited"; reason: ExitReason }
);

export class PythonStartError extends Error {
  override readonly name = "PythonStartError";
}

interface CurrentRun {
  number: number;
  logs: Buffer[];
  logBytes: number;
  settle: (result: CellResult | undefined) => void;
}

export class PythonProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #limits: PythonLimits;
  readonly #exited: Promise<void>;
  #ready: (() => void) | undefined;
  #stderr = "";
  /** The first reason wins. */
  #exitReason: ExitReason | undefined;
  #current: CurrentRun | undefined;
  #runs = 0;

  /**
   * Resolves when the interpreter is ready for `begin`. Rejects with a PythonStartError, even if the signal is aborted.
   */
  static async start(limits: PythonLimits, signal: AbortSignal): Promise<PythonProcess> {
    const { program, args, env } = await buildConfinedCommand(limits.interpreterMemoryBytes);
    const child = spawn(program, args, { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] });
    const started = new PythonProcess(child, limits);
    const ready = new Promise<boolean>((resolve) => {
      started.#ready = () => resolve(true);
      void started.#exited.then(() => resolve(false));
    });
    const timer = setTimeout(() => started.kill("timed out"), limits.startTimeoutMs);
    const abort = (): void => started.kill("crashed");
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    const isReady = await ready;
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    if (!isReady) throw new PythonStartError("The Python interpreter did not start.", { cause: started.#stderr });
    return started;
  }

  private constructor(child: ChildProcess, limits: PythonLimits) {
    this.#child = child;
    this.#limits = limits;
    this.#exited = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("close", () => resolve());
    });
    const reader = new FrameReader((limits.fileBytes + limits.imageBytes) * RESULT_OVERHEAD + MIB);
    child.stdout!.on("data", (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#receive(frame);
      } catch {
        this.kill("crashed");
      }
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("latin1")).slice(-STDERR_TAIL_BYTES);
    });
    child.stdin!.on("error", () => this.kill("crashed"));
    void this.#exited.then(() => {
      this.#exitReason ??= /out of memory/i.test(this.#stderr) ? "out of memory" : "crashed";
      this.#current?.settle(undefined);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#exitReason === undefined && this.#child.pid !== undefined;
  }

  /** Seeds the interpreter's randomness with 32 bytes in hex. The same seed and cells give the same values. */
  begin(seed: string): void {
    const { files, fileBytes, images, imageBytes } = this.#limits;
    const limits = JSON.stringify({
      max_files: files,
      max_file_bytes: fileBytes,
      max_images: images,
      max_image_bytes: imageBytes,
    });
    this.#send("begin", { seed, limits });
  }

  /** Runs one cell at a time. An aborted signal kills the process, and the run rejects with the signal's reason. */
  async run(request: CellRequest, signal: AbortSignal): Promise<ProcessOutcome> {
    signal.throwIfAborted();
    const { timeoutMs, code } = request;
    const { promise, resolve: settle } = Promise.withResolvers<CellResult | undefined>();
    const current: CurrentRun = { number: ++this.#runs, logs: [], logBytes: 0, settle };
    this.#current = current;
    const files = request.files.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes).toString("base64") }));
    const abort = (): void => this.kill("crashed");
    const timer = setTimeout(() => this.kill("timed out"), timeoutMs + KILL_GRACE_MS);
    const memory = setInterval(() => void this.#checkMemory(), MEMORY_CHECK_MS);
    signal.addEventListener("abort", abort, { once: true });
    try {
      if (!this.isAlive) settle(undefined);
      const startedAt = performance.now();
      const cell = JSON.stringify({ run: current.number, code, files });
      this.#send("run", { timeoutMs, maxLogBytes: this.#limits.logBytes + 1, request: cell });
      const result = await promise;
      signal.throwIfAborted();
      const logs = Buffer.concat(current.logs).subarray(0, this.#limits.logBytes).toString();
      const printed = { logs, logsTruncated: current.logBytes > this.#limits.logBytes };
      if (result !== undefined) return { ...printed, kind: "ended", result };
      // Code that resists the interrupt may crash the interpreter before the kill.
      const reason = this.#exitReason ?? "crashed";
      const isLate = reason === "crashed" && performance.now() - startedAt >= timeoutMs;
      return { ...printed, kind: "exited", reason: isLate ? "timed out" : reason };
    } finally {
      clearTimeout(timer);
      clearInterval(memory);
      signal.removeEventListener("abort", abort);
      this.#current = undefined;
    }
  }

  kill(reason: ExitReason): void {
    this.#exitReason ??= reason;
    this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("crashed");
    await this.#exited;
  }

  #send(kind: "begin" | "run", body: unknown): void {
    if (this.isAlive) this.#child.stdin!.write(encodeFrame(kind, Buffer.from(JSON.stringify(body))));
  }

  #receive({ kind, payload }: Frame): void {
    const current = this.#current;
    if (kind === "ready" && this.#ready !== undefined) {
      this.#ready();
      this.#ready = undefined;
    } else if (kind === "logs" && current !== undefined) {
      current.logBytes += payload.length;
      if (current.logBytes > 2 * this.#limits.logBytes) return this.kill("crashed");
      current.logs.push(Buffer.from(payload));
    } else if (kind === "result" && current !== undefined) {
      const parsed = resultSchema.safeParse(JSON.parse(payload.toString()));
      if (!parsed.success || parsed.data.run !== current.number) return this.kill("crashed");
      const imageBytes = parsed.data.images.reduce((total, { bytes }) => total + bytes.length, 0);
      if (imageBytes > this.#limits.imageBytes) return this.kill("crashed");
      current.settle(parsed.data);
    } else {
      this.kill("crashed");
    }
  }

  /** Without /proc, the limits of Python's memory and V8's heap still apply. */
  async #checkMemory(): Promise<void> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8").catch(() => "");
    const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    if (residentKib * 1024 > this.#limits.processMemoryBytes) this.kill("out of memory");
  }
}
