/**
 * Items in the form in which a conversation stores them: each has a unique id, references are replaced by the items they
 * name, and the content of messages is a list of parts.
 */
import { itemExists } from "../../lifecycle/errors/state.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import { createIdForUnnamed } from "../../protocol/id.ts";
import type { InputItem } from "../../protocol/item.ts";
import type { AdmissionLimits } from "../../responses/admission/admission-limits.ts";
import { normalizeConversationItem } from "../../responses/conversations/conversation-items.ts";
import { resolveReferences } from "../../responses/reading/item-references.ts";
import { sealItemUrls } from "../../responses/content/item-urls.ts";
import { checkFiles } from "../../responses/admission/check-files.ts";
import { checkItems } from "../../responses/admission/check-input.ts";
import type { Storage } from "../../responses/storage.ts";
import { rejectTriggers } from "../validation/context-parameters.ts";

/** A referenced item keeps its id, because providers recognize reasoning by it. */
export async function prepareItems(
  storage: Storage,
  { maxBodyBytes, maxInputFileBytes: maxBytes }: Pick<AdmissionLimits, "maxBodyBytes" | "maxInputFileBytes">,
  project: string,
  items: readonly InputItem[],
): Promise<ConversationItem[]> {
  rejectTriggers(items);
  const resolved = await resolveReferences(storage, project, items, { param: "items", maxBytes: maxBodyBytes });
  await checkItems(storage, project, resolved, "items");
  // The model that will read them is not known.
  await checkFiles(storage, project, resolved, { param: "items", maxBytes, allowsOtherIds: true });
  const ids = new Set<string>();
  const sealed = await sealItemUrls(storage.sealer, project, resolved);
  return sealed.map((item, index) => {
    const id = item.id ?? createIdForUnnamed(item.type);
    if (ids.has(id)) throw itemExists(id, index);
    ids.add(id);
    return normalizeConversationItem({ ...item, id });
  });
}
