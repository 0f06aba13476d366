/**
 * Holds a blob while its bytes arrive (store/files/blob-custody.ts). Its bytes count for the project before they are
 * taken: all announced ones at once, and others in steps. Unless the blob is recorded in the meantime, the end of the
 * hold condemns and deletes it.
 */
import { filesUnavailable } from "../lifecycle/errors/files.ts";
import { storageFull } from "../lifecycle/errors/limits.ts";
import { HOLD_MS, type HeldBlob, type HoldOutcome } from "../store/files/blob-custody.ts";
import { deleteCondemned } from "./delete-blobs.ts";
import type { FileContext } from "./file-context.ts";

const RENEWALS_PER_HOLD = 4;
/** Bytes that are counted ahead if the client does not announce how many follow. */
const STEP_BYTES = 8 * 1024 * 1024;
const RETRY_SECONDS = 2;

export interface HoldOptions {
  blob: HeldBlob;
  /** Undefined if the client did not say. */
  announcedBytes: number | undefined;
  /** False if the bytes are counted already, as those of an upload's parts are. */
  counts?: boolean;
  /** Maximum bytes of a project without a limit of its own; 0 means no limit. */
  defaultLimit: number;
}

export class BlobHold implements AsyncDisposable {
  readonly #context: FileContext;
  readonly #options: HoldOptions;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #counted: number;
  #end: "open" | "recorded" | "lost" = "open";

  private constructor(context: FileContext, options: HoldOptions, counted: number) {
    this.#context = context;
    this.#options = options;
    this.#counted = counted;
    this.#timer = setInterval(() => void this.#renew(), HOLD_MS / RENEWALS_PER_HOLD);
  }

  /** Throws the contract's 429 if the project has no space for the announced bytes. */
  static async begin(context: FileContext, options: HoldOptions): Promise<BlobHold> {
    const { blob, announcedBytes = STEP_BYTES, counts = true, defaultLimit } = options;
    const bytes = counts ? announcedBytes : 0;
    checkOutcome(await context.storage.blobCustody.begin(blob, bytes, defaultLimit), bytes);
    return new BlobHold(context, options, bytes);
  }

  /** Aborts if the blob may not be recorded any more, with the error to answer with. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Call it before bytes are stored. `bytes`: all so far. Throws the contract's 429 if the project has no space. */
  async reserve(bytes: number): Promise<void> {
    const { blob, counts = true, defaultLimit } = this.#options;
    if (!counts || bytes <= this.#counted) return;
    const counted = bytes + STEP_BYTES;
    checkOutcome(await this.#context.storage.blobCustody.renew(blob, counted, defaultLimit), STEP_BYTES);
    this.#counted = counted;
  }

  /** Call it once a record refers to the blob. */
  markRecorded(): void {
    this.#end = "recorded";
  }

  /** Call it if Redis refused to record the blob, because it is not held: no record will ever refer to it. */
  markLost(): void {
    this.#end = "lost";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#end === "recorded") return;
    const { blob } = this.#options;
    if (this.#end === "lost") return await deleteCondemned(this.#context, [blob.key]);
    // If Redis is away, the hold ends by itself, and the sweeper condemns the blob.
    const isCondemned = await this.#context.storage.blobCustody.abandon(blob).catch(() => false);
    if (isCondemned) await deleteCondemned(this.#context, [blob.key]);
  }

  /** Errors of Redis are left to the next renewal: the blob is held for some of them. */
  async #renew(): Promise<void> {
    const { blob, defaultLimit } = this.#options;
    const outcome = await this.#context.storage.blobCustody.renew(blob, this.#counted, defaultLimit).catch(() => {});
    if (outcome?.kind === "lost") this.#lost.abort(filesUnavailable(false, RETRY_SECONDS));
  }
}

function checkOutcome(outcome: HoldOutcome, needed: number): void {
  if (outcome.kind === "full") throw storageFull(outcome.limit, outcome.storedBytes, needed);
  if (outcome.kind === "lost") throw filesUnavailable(false, RETRY_SECONDS);
}
