/** The blob store that the settings name. */
import type { Config } from "../config/config.ts";
import type { BlobStore } from "./blob-store.ts";
import { FolderBlobs } from "./folder-blobs.ts";

export function openBlobs({ FILES_FOLDER }: Pick<Config, "FILES_FOLDER">): BlobStore {
  return new FolderBlobs(FILES_FOLDER);
}
