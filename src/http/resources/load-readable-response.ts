/** Finds the record of a response that the caller can read. */
import type { ApiContext } from "../../context.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import type { ResponseRecord } from "../../store/response-record.ts";

/**
 * Throws a 404 for another project's response, a deleted one, and one that no client may read (contract.md#ownership).
 * Admins may use the responses of all projects.
 */
export async function loadReadableRecord(
  { storage }: Pick<ApiContext, "storage">,
  id: string,
  { project, isAdmin }: Pick<Express.Locals, "project" | "isAdmin">,
): Promise<ResponseRecord> {
  const record = isAdmin ? await storage.records.read(id) : await storage.records.readOwned(id, project);
  if (record === undefined || !record.readable) throw responseNotFound(id);
  return record;
}
