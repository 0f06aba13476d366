/** What the operations on files use of a process. */
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Storage } from "../responses/storage.ts";

export interface FileContext {
  readonly storage: Pick<Storage, "files" | "uploads" | "blobCustody" | "clock" | "log">;
  readonly blobs: BlobStore;
}
