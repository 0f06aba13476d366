/** The chain of responses before a new one, from its `previous_response_id`. */
import { malformedPreviousResponseId } from "../../lifecycle/errors/requests.ts";
import { previousResponseNotFound, previousResponseUnfinished } from "../../lifecycle/errors/state.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import { nearestLinksFor } from "../../store/response-chain.ts";
import type { Storage } from "../storage.ts";

/** The links that the new response stores. Throws an error that names the first missing link of the chain. */
export async function resolveAncestors(
  storage: Storage,
  project: string,
  previousId: string | null | undefined,
): Promise<string[]> {
  if (previousId === null || previousId === undefined) return [];
  if (!previousId.startsWith("resp")) throw malformedPreviousResponseId(previousId);
  const [previous, nearest] = await Promise.all([
    storage.records.readOwned(previousId, project),
    storage.chains.readNearest(previousId),
  ]);
  if (previous?.stored !== true || nearest === undefined) throw previousResponseNotFound(previousId);
  if (!isTerminalStatus(previous.status)) throw previousResponseUnfinished(previousId, previous.status);
  const missing = (await storage.chains.walk(nearest)).find((link) => link.project !== project);
  if (missing !== undefined) throw previousResponseNotFound(missing.id);
  return nearestLinksFor(nearest, previousId);
}
