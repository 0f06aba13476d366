/** Finds the upload that a path names, in the caller's project. Any other answers 404 (contract.md#ownership). */
import type { Request as HttpRequest } from "express";
import type { ApiContext } from "../../context.ts";
import { uploadNotFound } from "../../lifecycle/errors/files.ts";
import type { StoredUpload } from "../../store/files/upload-records.ts";
import { parseUploadId } from "../validation/path-ids.ts";

export async function loadOwnedUpload(
  { storage }: Pick<ApiContext, "storage">,
  request: HttpRequest,
  project: string,
): Promise<StoredUpload> {
  const id = parseUploadId(request);
  const upload = await storage.uploads.read(project, id, storage.clock.nowMs());
  if (upload === undefined) throw uploadNotFound(id);
  return upload;
}
