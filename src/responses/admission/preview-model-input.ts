/** The items that a request would show its model, without creating a response. */
import type { ContextItem } from "../../context-window/measure.ts";
import { conversationNotFound, previousResponseNotFound } from "../../lifecycle/errors/state.ts";
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import type { AdmissionLimits } from "./admission-limits.ts";
import { resolveAncestors } from "./resolve-ancestors.ts";
import { toStoredInput } from "./stored-input.ts";
import { checkConversation, checkInput } from "./check-input.ts";
import { loadHistory, MissingHistoryError, unsealItems } from "../conversations/model-input.ts";
import { conversationIdOf } from "../conversations/conversation-lock.ts";
import { extractCompactionTrigger } from "./compaction-trigger.ts";
import { resolveInputReferences } from "../reading/item-references.ts";
import type { Storage } from "../storage.ts";

/** Resolves and rejects as admission does. */
export async function previewModelInput(
  storage: Storage,
  { maxBodyBytes }: Pick<AdmissionLimits, "maxBodyBytes">,
  project: string,
  request: ResolvedRequest,
): Promise<ContextItem[]> {
  await checkConversation(storage, request, project);
  const ancestors = await resolveAncestors(storage, project, request.previous_response_id);
  const resolved = await resolveInputReferences(
    storage,
    project,
    extractCompactionTrigger(request).request,
    maxBodyBytes,
  );
  await checkInput(storage, resolved, project);
  const conversationId = conversationIdOf(request);
  try {
    const history = await loadHistory(storage, project, ancestors, conversationId);
    return await unsealItems(storage, project, [...history.items, ...(await toStoredInput(resolved.input))]);
  } catch (error) {
    // Deleted after it was found.
    if (!(error instanceof MissingHistoryError)) throw error;
    if (conversationId !== undefined) throw conversationNotFound(conversationId);
    throw previousResponseNotFound(request.previous_response_id!);
  }
}
