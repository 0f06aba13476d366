/** Completes, describes and cancels uploads in parts. */
import { createHash, hash } from "node:crypto";
import {
  checksumWrong,
  filesUnavailable,
  partNotFound,
  partRepeated,
  partsIncomplete,
  uploadEnded,
} from "../lifecycle/errors/files.ts";
import type { FileObject } from "../protocol/file.ts";
import { newFileId } from "../protocol/id.ts";
import type { CompleteUpload, Upload } from "../protocol/upload.ts";
import type { FileBlob, StoredFile } from "../store/files/file-records.ts";
import type { StoredUpload } from "../store/files/upload-records.ts";
import { recognizeType, SAMPLE_BYTES } from "./content-type.ts";
import { deleteCondemned } from "./delete-blobs.ts";
import type { FileContext } from "./file-context.ts";
import { describeFile } from "./files.ts";
import { openFile } from "./read-file.ts";

const CONFIRM_TIMEOUT_MS = 3_000;
const RETRY_SECONDS = 2;

export function describeUpload(upload: StoredUpload, status = upload.status, file?: StoredFile): Upload {
  const { id, bytes, createdAtMs, expiresAtMs, filename, purpose } = upload;
  return {
    id,
    object: "upload",
    bytes,
    created_at: Math.floor(createdAtMs / 1000),
    expires_at: Math.floor(expiresAtMs / 1000),
    filename,
    purpose: purpose as Upload["purpose"],
    status,
    ...(file !== undefined && { file: describeFile(file) satisfies FileObject }),
  };
}

/**
 * Makes a file of the parts, in their order. Completing again with the same parts returns the same file, because clients
 * repeat a request whose answer they lost. Of two different completions at once, one wins.
 */
export async function completeUpload(
  context: FileContext,
  upload: StoredUpload,
  { part_ids: partIds, md5 }: CompleteUpload,
): Promise<Upload> {
  if (upload.status !== "pending") return await describeCompleted(context, upload, partIds);
  const file = await createFileOf(context, upload, partIds, md5 ?? undefined);
  const { uploads, log } = context.storage;
  const signal = AbortSignal.timeout(CONFIRM_TIMEOUT_MS);
  const outcome = await log.writeConfirmed(() => uploads.complete(upload.id, file), signal);
  if (outcome.isEnded) {
    await deleteCondemned(context, outcome.condemned);
    return describeUpload(upload, "completed", file);
  }
  const now = await uploads.read(upload.project, upload.id, context.storage.clock.nowMs());
  return await describeCompleted(context, now ?? { ...upload, status: outcome.status }, partIds);
}

/** Cancelling again returns the same upload. */
export async function cancelUpload(context: FileContext, upload: StoredUpload): Promise<Upload> {
  if (upload.status === "cancelled") return describeUpload(upload);
  if (upload.status !== "pending") throw uploadEnded(upload.status);
  const outcome = await context.storage.uploads.end(upload.project, upload.id, "cancelled");
  if (!outcome.isEnded) throw uploadEnded(outcome.status);
  await deleteCondemned(context, outcome.condemned);
  return describeUpload(upload, "cancelled");
}

async function describeCompleted(
  { storage }: FileContext,
  upload: StoredUpload,
  partIds: readonly string[],
): Promise<Upload> {
  const isSame = upload.status === "completed" && upload.partIds.join(" ") === partIds.join(" ");
  const file = isSame ? await storage.files.read(upload.project, upload.fileId, storage.clock.nowMs()) : undefined;
  if (file === undefined) throw uploadEnded(upload.status);
  return describeUpload(upload, "completed", file);
}

async function createFileOf(
  context: FileContext,
  upload: StoredUpload,
  partIds: readonly string[],
  md5: string | undefined,
): Promise<StoredFile> {
  const { storage } = context;
  const parts = await storage.uploads.readParts(upload.id, partIds);
  const blobs: FileBlob[] = [];
  const hashes: string[] = [];
  for (const [index, key] of partIds.entries()) {
    const part = parts.get(key);
    if (part === undefined) throw partNotFound(key, index);
    if (partIds.indexOf(key) < index) throw partRepeated(key, index);
    blobs.push({ key, bytes: part.bytes });
    hashes.push(part.sha256);
  }
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  if (bytes !== upload.bytes) throw partsIncomplete(bytes, upload.bytes);
  const { project, filename, purpose, fileExpirySeconds } = upload;
  const id = newFileId();
  const sample = await readSample(context, { id, blobs, bytes });
  if (md5 !== undefined) await checkMd5(context, { id, blobs, bytes }, md5);
  const createdAtMs = storage.clock.nowMs();
  return {
    id,
    project,
    filename,
    purpose,
    bytes,
    createdAtMs,
    expiresAtMs: fileExpirySeconds === undefined ? undefined : createdAtMs + fileExpirySeconds * 1_000,
    contentType: await recognizeType(sample, filename),
    sha256: hashes.length === 1 ? hashes[0]! : hash("sha256", hashes.join(" "), "hex"),
    blobs,
  };
}

type Readable = Pick<StoredFile, "id" | "blobs" | "bytes">;

async function readSample(context: FileContext, file: Readable): Promise<Uint8Array> {
  const end = Math.min(SAMPLE_BYTES, file.bytes) - 1;
  const chunks = await Array.fromAsync(await openPending(context, file, { start: 0, end }));
  return Buffer.concat(chunks);
}

/** Reads everything, so only on request. */
async function checkMd5(context: FileContext, file: Readable, md5: string): Promise<void> {
  const actual = createHash("md5");
  for await (const chunk of await openPending(context, file)) actual.update(chunk);
  const digest = actual.digest("hex");
  if (digest !== md5.toLowerCase()) throw checksumWrong(digest);
}

/** Parts without bytes belong to an upload that has just been cancelled or completed otherwise. */
async function openPending(
  context: FileContext,
  file: Readable,
  range?: { start: number; end: number },
): Promise<AsyncIterable<Buffer>> {
  try {
    return (await openFile(context, file, range)) as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "file_bytes_missing") {
      throw filesUnavailable(false, RETRY_SECONDS);
    }
    throw error;
  }
}
