/**
 * Reads documents of any supported kind as text, in processes that can be killed: a document that is hostile or broken
 * costs its own reading, and nothing else. A few processes are kept for the next documents. Projects share them fairly.
 */
import { FairSemaphore, type Permit, SemaphoreFullError } from "../../src/concurrency/fair-semaphore.ts";
import type { Config } from "../../src/config/config.ts";
import { type Document, DocumentError } from "./document.ts";
import { DEFAULT_DOCUMENT_LIMITS, type DocumentLimits } from "./document-limits.ts";
import { DocumentProcess, type DocumentSource } from "./document-process.ts";

export interface DocumentReaderOptions {
  limits?: Partial<DocumentLimits>;
  /** Maximum documents that are read at a time for one project. Further ones wait. */
  processes?: number;
  /** Extra processes for projects that use few, in percent: at least one, or 0 for none. */
  reservePercent?: number;
  /** Maximum waiting documents. */
  maxWaiting?: number;
  /** Idle time after which a process is ended. */
  idleTimeoutMs?: number;
}

export interface ReadOptions {
  /** Whose share of the processes it uses. */
  project: string;
  signal: AbortSignal;
  /** The file's name. It tells apart kinds of text, and nothing else. */
  name?: string | undefined;
  /** The media type that someone claims, without parameters. It is used like the name. */
  contentType?: string | undefined;
  /** The charset that someone claims. */
  charset?: string | undefined;
  /** The URL of a web page, against which its links are resolved. */
  url?: string | undefined;
  maxTextLength?: number | undefined;
  /** Timeout of this document if it is shorter than the reader's. */
  timeoutMs?: number | undefined;
}

const DEFAULTS = { processes: 2, reservePercent: 10, maxWaiting: 100, idleTimeoutMs: 60_000 };
const MIB = 1024 * 1024;
/** V8's memory, and buffers outside of it. */
const PROCESS_MEMORY_FACTOR = 2;

export function openDocumentReader(config: Config): DocumentReader {
  const heapMb = config.DOCUMENT_MEMORY_MB;
  return new DocumentReader({
    processes: config.DOCUMENT_PROCESSES,
    reservePercent: config.FAIR_RESERVE_PERCENT,
    limits: {
      maxBytes: config.DOCUMENT_MAX_BYTES,
      timeoutMs: config.DOCUMENT_TIMEOUT_MS,
      heapMb,
      processMb: heapMb * PROCESS_MEMORY_FACTOR,
    },
  });
}

export class DocumentReader implements AsyncDisposable {
  readonly #limits: DocumentLimits;
  readonly #idleTimeoutMs: number;
  readonly #idle = new Map<DocumentProcess, NodeJS.Timeout>();
  readonly #semaphore: FairSemaphore;
  readonly #closing = new AbortController();

  constructor({ limits, ...options }: DocumentReaderOptions = {}) {
    const { processes, reservePercent, maxWaiting, idleTimeoutMs } = { ...DEFAULTS, ...options };
    this.#limits = { ...DEFAULT_DOCUMENT_LIMITS, ...limits };
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#semaphore = new FairSemaphore({ permits: processes, reservePercent, maxWaiting });
  }

  /** Rejects with a DocumentError, with the error of the source's stream, or with the signal's reason. */
  async read(source: DocumentSource, options: ReadOptions): Promise<Document> {
    const { project, name, contentType, charset, url } = options;
    const { maxBytes } = this.#limits;
    if ((source instanceof Uint8Array ? source.length : source.size) > maxBytes)
      throw new DocumentError("too_large", `The file is larger than ${describeBytes(maxBytes)}.`);
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    using _permit = await this.#acquirePermit(project, signal);
    const process = await this.#takeProcess(signal);
    try {
      const request = { name, contentType, charset, url, limits: this.#limitsFor(options) };
      return await process.read(source, request, signal);
    } finally {
      this.#keepProcess(process);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DocumentError("unavailable", "Documents cannot be read right now."));
    for (const process of this.#idle.keys()) process.kill();
    await Promise.resolve();
  }

  #limitsFor({ maxTextLength, timeoutMs }: ReadOptions): DocumentLimits {
    const limits = this.#limits;
    return {
      ...limits,
      maxTextLength: Math.min(maxTextLength ?? limits.maxTextLength, limits.maxTextLength),
      timeoutMs: Math.min(timeoutMs ?? limits.timeoutMs, limits.timeoutMs),
    };
  }

  async #acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    try {
      return await this.#semaphore.acquire(project, signal);
    } catch (cause) {
      if (!(cause instanceof SemaphoreFullError)) throw cause;
      throw new DocumentError("busy", "Too many documents are being read right now.", { cause });
    }
  }

  async #takeProcess(signal: AbortSignal): Promise<DocumentProcess> {
    for (const [process, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(process);
      if (process.isAlive) return process;
    }
    return await DocumentProcess.start(this.#limits, signal);
  }

  /** Any holder of a permit takes an idle process, so there are never more than permits. */
  #keepProcess(process: DocumentProcess): void {
    if (!process.isAlive) return;
    if (this.#closing.signal.aborted) return process.kill();
    const timer = setTimeout(() => {
      this.#idle.delete(process);
      process.kill();
    }, this.#idleTimeoutMs);
    this.#idle.set(process, timer.unref());
  }
}

function describeBytes(bytes: number): string {
  return bytes >= MIB ? `${Math.floor(bytes / MIB)} MiB` : `${bytes} bytes`;
}
