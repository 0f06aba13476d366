/**
 * Blobs in a bucket of an S3-compatible service, for several machines. Small blobs are one request; larger ones are sent in
 * parts, so no more than two parts are in memory. An object appears whole, with the last request.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { assertBlobKey, BlobStoreError, type BlobStore, type ByteRange, type StoredBlob } from "./blob-store.ts";
import { inParts } from "./in-parts.ts";

/** Services accept parts from 5 MiB on, and 10,000 of them. Some want all but the last to have the same size. */
const PART_BYTES = 8 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence within a request. */
const SOCKET_TIMEOUT_MS = 60_000;
const MAX_ATTEMPTS = 3;
const FULL_CODES: ReadonlySet<string> = new Set(["QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"]);
const NOT_IMPLEMENTED = 501;
const INSUFFICIENT_STORAGE = 507;

export interface S3Settings {
  bucket: string;
  /** In front of every key. */
  prefix: string;
  region: string;
  /** Undefined: AWS. */
  endpoint: string | undefined;
  hasPathStyle: boolean;
  /** Undefined: those of the environment, of a file or of the machine, which are renewed as they expire. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
}

export class S3Blobs implements BlobStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, region, endpoint, hasPathStyle, credentials }: S3Settings) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#client = new S3Client({
      region,
      forcePathStyle: hasPathStyle,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
      // Many services do not know the checksums that AWS added later.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials !== undefined && { credentials }),
    });
  }

  async put(key: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredBlob> {
    const object = this.#objectOf(key);
    const hash = createHash("sha256");
    let bytes = 0;
    let upload: PartUpload | undefined;
    try {
      for await (const { part, isLast } of inParts(source, PART_BYTES)) {
        signal.throwIfAborted();
        hash.update(part);
        bytes += part.length;
        if (upload === undefined && isLast) {
          await this.#send(
            () => this.#client.send(new PutObjectCommand({ ...object, Body: part }), { abortSignal: signal }),
            signal,
          );
          return { bytes, sha256: hash.digest("hex") };
        }
        upload ??= await this.#beginUpload(object, signal);
        await upload.add(part);
      }
      await upload!.complete();
      return { bytes, sha256: hash.digest("hex") };
    } catch (error) {
      // What cannot be removed now is removed with `delete`.
      await upload?.abort().catch(() => {});
      throw error;
    }
  }

  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const object = this.#objectOf(key);
    const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ ...object, ...(Range !== undefined && { Range }) }),
      );
      return withStoreErrors(Body as Readable);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw toStoreError(error);
    }
  }

  async delete(key: string): Promise<void> {
    const object = this.#objectOf(key);
    await this.#send(() => this.#client.send(new DeleteObjectCommand(object)));
    for (const uploadId of await this.#listUploads(object.Key)) {
      await this.#send(() => this.#client.send(new AbortMultipartUploadCommand({ ...object, UploadId: uploadId })));
    }
  }

  #objectOf(key: string): { Bucket: string; Key: string } {
    assertBlobKey(key);
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** Uploads of the object that were begun and not ended, because a process was lost. */
  async #listUploads(key: string): Promise<string[]> {
    try {
      const command = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: key });
      const { Uploads = [] } = await this.#client.send(command);
      return Uploads.flatMap(({ Key, UploadId }) => (Key === key && UploadId !== undefined ? [UploadId] : []));
    } catch (error) {
      // Some services do not list them, and some keys may not. A rule of the bucket removes them then (docs/files.md).
      if (error instanceof S3ServiceException && isRefusal(error.$metadata.httpStatusCode)) return [];
      throw toStoreError(error);
    }
  }

  async #beginUpload(object: { Bucket: string; Key: string }, signal: AbortSignal): Promise<PartUpload> {
    const begin = async () =>
      await this.#client.send(new CreateMultipartUploadCommand(object), { abortSignal: signal });
    const { UploadId } = await this.#send(begin, signal);
    return new PartUpload(this.#client, { ...object, UploadId: UploadId! }, signal);
  }

  async #send<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await sendOrFail(send, signal);
  }
}

/** Sends one part while the next is collected. */
class PartUpload {
  readonly #client: S3Client;
  readonly #upload: { Bucket: string; Key: string; UploadId: string };
  readonly #signal: AbortSignal;
  readonly #parts: { PartNumber: number; ETag: string | undefined }[] = [];
  #sending: Promise<unknown> = Promise.resolve();

  constructor(client: S3Client, upload: { Bucket: string; Key: string; UploadId: string }, signal: AbortSignal) {
    this.#client = client;
    this.#upload = upload;
    this.#signal = signal;
  }

  /** Resolves when the part before is stored. */
  async add(part: Uint8Array): Promise<void> {
    await this.#sending;
    const PartNumber = this.#parts.length + 1;
    const entry: { PartNumber: number; ETag: string | undefined } = { PartNumber, ETag: undefined };
    this.#parts.push(entry);
    const command = new UploadPartCommand({ ...this.#upload, PartNumber, Body: part });
    const sending = sendOrFail(() => this.#client.send(command, { abortSignal: this.#signal }), this.#signal);
    this.#sending = sending.then(({ ETag }) => (entry.ETag = ETag));
    // Its error comes with the next call.
    this.#sending.catch(() => {});
  }

  async complete(): Promise<void> {
    await this.#sending;
    const command = new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts: this.#parts } });
    await sendOrFail(() => this.#client.send(command, { abortSignal: this.#signal }), this.#signal);
  }

  async abort(): Promise<void> {
    await this.#sending.catch(() => {});
    await this.#client.send(new AbortMultipartUploadCommand(this.#upload));
  }
}

async function sendOrFail<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await send();
  } catch (error) {
    signal?.throwIfAborted();
    throw toStoreError(error);
  }
}

/** A connection that breaks while the bytes are read is an error of the store, too. */
function withStoreErrors(body: Readable): Readable {
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw toStoreError(error);
    }
  }
  body.on("error", () => {});
  const stream = Readable.from(read(), { objectMode: false });
  // Nothing reads a generator that never starts.
  stream.once("close", () => body.destroy());
  return stream;
}

function isRefusal(status = 0): boolean {
  return (status >= 400 && status < 500) || status === NOT_IMPLEMENTED;
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === "NoSuchKey" || error.name === "NotFound");
}

/** Whatever the service or the network answers, the operator can repair it, and a later try may succeed. */
function toStoreError(error: unknown): BlobStoreError {
  const isFull =
    error instanceof S3ServiceException &&
    (FULL_CODES.has(error.name) || error.$metadata.httpStatusCode === INSUFFICIENT_STORAGE);
  return new BlobStoreError(isFull ? "full" : "unreachable", error);
}
