/** Finds the record of a response that the caller's project can read. */
import type { ApiContext } from "../../context.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import type { ResponseRecord } from "../../store/response-record.ts";

/** Throws a 404 for another project's response, a deleted one, and one that no client may read (contract.md#ownership). */
export async function loadReadableRecord(context: ApiContext, id: string, project: string): Promise<ResponseRecord> {
  const record = await context.storage.records.readOwned(id, project);
  if (record === undefined || !record.readable) throw responseNotFound(id);
  return record;
}
