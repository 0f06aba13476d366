/** Finds the file that a path names, in the caller's project. Any other answers 404 (contract.md#ownership). */
import type { Request as HttpRequest } from "express";
import type { ApiContext } from "../../context.ts";
import { fileNotFound } from "../../lifecycle/errors/files.ts";
import type { StoredFile } from "../../store/files/file-records.ts";
import { parseFileId } from "../validation/path-ids.ts";

export async function loadOwnedFile(
  { storage }: Pick<ApiContext, "storage">,
  request: HttpRequest,
  project: string,
): Promise<StoredFile> {
  const id = parseFileId(request);
  const file = await storage.files.read(project, id, storage.clock.nowMs());
  if (file === undefined) throw fileNotFound(id);
  return file;
}
