/**
 * Gives the files of an input to a model, in the form that its provider takes. First, files that are named by id or by URL
 * become data, so that tools see them too. Then, for a provider that cannot read a document, its text takes its place.
 */
import { hash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { BlobStoreError } from "../../src/blobs/blob-store.ts";
import { recognizeType, SAMPLE_BYTES, UNKNOWN_TYPE } from "../../src/files/content-type.ts";
import type { FileContext } from "../../src/files/file-context.ts";
import { openFile } from "../../src/files/read-file.ts";
import { ApiError } from "../../src/lifecycle/errors/api-error.ts";
import { isOwnFileId } from "../../src/protocol/id.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { traitsOf } from "../../src/providers/vendor-of.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { StoredFile } from "../../src/store/files/file-records.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import { GuardedFetchError } from "../net/errors.ts";
import type { GuardedFetch } from "../net/guarded-fetch.ts";
import { toDataUrl } from "./data-url.ts";
import { readAsText } from "./document-text.ts";
import { FilesUnavailableError, InputFileError } from "./input-file-error.ts";
import { type ChangePart, type InputFile, type InputImage, type InputPart, mapFileParts } from "./map-parts.ts";

const FETCH_TIMEOUT_MS = 60_000;

export interface InputFilesOptions extends FileContext {
  fetch: GuardedFetch;
  documents: Pick<DocumentReader, "read">;
  /** Maximum bytes of all files that are named by id or by URL, of one response. */
  maxBytes: number;
}

export interface LoadedInput {
  /** With data in place of ids and URLs. */
  input: ModelInput;
  /** What the model sees of it. */
  seen: Pick<ModelInput, "preamble" | "input">;
}

type Part = InputImage | InputFile;
type Provider = ResolvedModel["provider"];

export class InputFiles {
  readonly #options: InputFilesOptions;

  constructor(options: InputFilesOptions) {
    this.#options = options;
  }

  /** Throws an InputFileError, a FilesUnavailableError, an error of Redis, or the signal's reason. */
  async load(input: ModelInput, provider: Provider, signal: AbortSignal): Promise<LoadedInput> {
    const { project } = input;
    const change = new FileLoader(this.#options, project, provider, signal).change;
    const items = await mapFileParts(input.input, change);
    const preamble = await mapFileParts(input.preamble, change);
    const requestItems = items.slice(items.length - input.requestItems.length);
    const loaded = { ...input, input: items, preamble, requestItems };
    return { input: loaded, seen: await this.#render(loaded, provider, signal) };
  }

  /** Documents as texts, where the provider does not take them. */
  async #render({ project, preamble, input }: ModelInput, provider: Provider, signal: AbortSignal) {
    if (provider.kind === "openai-responses" || provider.kind === "simulator") return { preamble, input };
    const takesPdf = traitsOf(provider).documents === "pdf";
    const change: ChangePart = async (part) =>
      part.type === "input_file" && part.file_data != null
        ? await readAsText(part, part.file_data, { takesPdf, project, signal, documents: this.#options.documents })
        : part;
    return { preamble: await mapFileParts(preamble, change), input: await mapFileParts(input, change) };
  }
}

/** Loads the files of one input. A file that is named twice is read once. */
class FileLoader {
  readonly #options: InputFilesOptions;
  readonly #project: string;
  readonly #provider: Provider;
  readonly #signal: AbortSignal;
  readonly #loaded = new Map<string, Promise<{ url: string; filename: string }>>();
  #bytesLeft: number;

  constructor(options: InputFilesOptions, project: string, provider: Provider, signal: AbortSignal) {
    this.#options = options;
    this.#project = project;
    this.#provider = provider;
    this.#signal = signal;
    this.#bytesLeft = options.maxBytes;
  }

  readonly change: ChangePart = async (part): Promise<InputPart> => {
    const { file_id: id } = part;
    if (id != null && this.#isOwn(id)) return await this.#loadById(part, id);
    const isFetched = part.type === "input_file" && part.file_url != null && part.file_data == null;
    // Such a provider fetches it itself, and reads more kinds of files.
    if (!isFetched || this.#provider.kind === "openai-responses") return part;
    const { file_url: url, ...rest } = part;
    const { url: file_data, filename } = await this.#once(url!, async () => await this.#fetch(url!, part.filename));
    return { ...rest, file_data, filename };
  };

  /** Ids of other forms are those of a provider that keeps files of its own. */
  #isOwn(id: string): boolean {
    return isOwnFileId(id) || this.#provider.kind !== "openai-responses";
  }

  async #loadById(part: Part, id: string): Promise<InputPart> {
    const { url, filename } = await this.#once(id, async () => await this.#read(part, id));
    const { file_id: _id, ...rest } = part;
    return rest.type === "input_image" ? { ...rest, image_url: url } : { ...rest, file_data: url, filename };
  }

  async #once(
    key: string,
    load: () => Promise<{ url: string; filename: string }>,
  ): Promise<{ url: string; filename: string }> {
    const known = this.#loaded.get(key);
    if (known !== undefined) return await known;
    const loading = load();
    this.#loaded.set(key, loading);
    return await loading;
  }

  async #read(part: Part, id: string): Promise<{ url: string; filename: string }> {
    const { storage } = this.#options;
    const isImage = part.type === "input_image";
    const file = await storage.files.read(this.#project, id, storage.clock.nowMs());
    if (file === undefined) {
      const code = isImage ? "image_file_not_found" : "invalid_prompt";
      throw new InputFileError(code, `The file '${id}' does not exist: it was deleted or has expired.`);
    }
    if (isImage && !file.contentType.startsWith("image/")) {
      throw new InputFileError(
        "unsupported_image_media_type",
        `The file '${id}' is not an image: ${file.contentType}.`,
      );
    }
    this.#take(file.bytes);
    const bytes = await this.#readBytes(file);
    return { url: toDataUrl(bytes, file.contentType), filename: file.filename };
  }

  async #readBytes(file: StoredFile): Promise<Uint8Array> {
    try {
      const bytes = await buffer(await openFile(this.#options, file));
      this.#signal.throwIfAborted();
      const isWhole = bytes.length === file.bytes && (file.blobs.length > 1 || hash("sha256", bytes) === file.sha256);
      if (isWhole) return bytes;
    } catch (error) {
      if (error instanceof BlobStoreError) throw new FilesUnavailableError(error);
      if (!(error instanceof ApiError)) throw error;
    }
    throw new InputFileError("server_error", `The bytes of file '${file.id}' are lost or damaged on this server.`);
  }

  async #fetch(url: string, name: string | null | undefined): Promise<{ url: string; filename: string }> {
    try {
      const { fetch } = this.#options;
      const options = { signal: this.#signal, maxBytes: this.#bytesLeft, timeoutMs: FETCH_TIMEOUT_MS };
      const { status, body, contentType } = await fetch.read(url, options);
      if (status !== 200) throw new InputFileError("invalid_prompt", `The 'file_url' answered with status ${status}.`);
      this.#take(body.length);
      const filename = name ?? nameIn(url);
      const type = await recognizeType(body.subarray(0, SAMPLE_BYTES), filename);
      return { url: toDataUrl(body, type === UNKNOWN_TYPE ? (contentType ?? type) : type), filename };
    } catch (error) {
      if (!(error instanceof GuardedFetchError)) throw error;
      throw new InputFileError("invalid_prompt", `The 'file_url' could not be loaded. ${error.message}`, {
        cause: error,
      });
    }
  }

  #take(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft >= 0) return;
    const { maxBytes } = this.#options;
    throw new InputFileError(
      "invalid_prompt",
      `The files of the input are too large. At most ${maxBytes} bytes are read.`,
    );
  }
}

function nameIn(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  return path.split("/").at(-1) || "file";
}
