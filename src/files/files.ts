/** Creates, describes and deletes a project's files. */
import { filesUnavailable } from "../lifecycle/errors/files.ts";
import type { FileObject } from "../protocol/file.ts";
import type { StoredFile } from "../store/files/file-records.ts";
import type { BlobHold } from "./blob-hold.ts";
import { deleteCondemned } from "./delete-blobs.ts";
import type { FileContext } from "./file-context.ts";

const RETRY_SECONDS = 2;
/** As long as a request waits for replicas elsewhere. */
const CONFIRM_TIMEOUT_MS = 3_000;

/**
 * Records a file whose blob is held, and resolves once the required replicas have the record. After an error the file may
 * be recorded or not, so it is deleted: the client sends it again.
 */
export async function recordFile(context: FileContext, hold: BlobHold, file: StoredFile): Promise<void> {
  const { files, log } = context.storage;
  const signal = AbortSignal.timeout(CONFIRM_TIMEOUT_MS);
  const isRecorded = await log
    .writeConfirmed(() => files.record(file), signal)
    .catch(async (error: unknown) => {
      await deleteFile(context, file.project, file.id).catch(() => {});
      throw error;
    });
  if (isRecorded) {
    hold.markRecorded();
    return;
  }
  hold.markLost();
  throw filesUnavailable(false, RETRY_SECONDS);
}

/** False if the project has no such file. Reads that have begun end with all bytes, where the store can do that. */
export async function deleteFile(context: FileContext, project: string, id: string): Promise<boolean> {
  const keys = await context.storage.files.delete(project, id);
  if (keys === undefined) return false;
  await deleteCondemned(context, keys);
  return true;
}

/** Files need no processing: they are usable once they are stored. */
export function describeFile({ id, bytes, createdAtMs, expiresAtMs, filename, purpose }: StoredFile): FileObject {
  return {
    id,
    object: "file",
    bytes,
    created_at: Math.floor(createdAtMs / 1000),
    ...(expiresAtMs !== undefined && { expires_at: Math.floor(expiresAtMs / 1000) }),
    filename,
    // Only `POST /files` and this server's tools set it.
    purpose: purpose as FileObject["purpose"],
    status: "processed",
  };
}
