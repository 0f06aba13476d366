/** Checks that need the stored state: the conversation or the responses before the input (contract.md#order-of-errors). */
import { duplicateItem, toolOutputMissing } from "../../lifecycle/errors/requests.ts";
import { conversationNotFound } from "../../lifecycle/errors/state.ts";
import { answeredCallId, findUnansweredCall, findUnansweredCalls } from "../../lifecycle/unanswered-calls.ts";
import { conversationIdOf } from "../conversations/conversation-lock.ts";
import type { CreateRequest, ResolvedRequest } from "../../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { Response } from "../../protocol/response.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import { rejectSecrets } from "../content/request-secrets.ts";
import { verifySealedItems } from "../content/sealed-items.ts";
import type { Storage } from "../storage.ts";

type ConversationNamed = Pick<CreateRequest, "conversation">;

export async function checkConversation(storage: Storage, request: ConversationNamed, project: string): Promise<void> {
  const conversationId = conversationIdOf(request);
  if (conversationId !== undefined && (await storage.conversations.readOwned(conversationId, project)) === undefined) {
    throw conversationNotFound(conversationId);
  }
}

/** Checks items before they are stored. `param` is the parameter that contains them. */
export async function checkItems(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  items: readonly InputItem[],
  param: string,
): Promise<void> {
  rejectSecrets(items, param);
  await verifySealedItems(sealer, project, items, param);
}

/** Call after `checkConversation`: the conversation belongs to the project. */
export async function checkInput(storage: Storage, request: ResolvedRequest, project: string): Promise<void> {
  const { input, previous_response_id: previousId } = request;
  const items = Array.isArray(input) ? input : [];
  await checkItems(storage, project, items, "input");
  const duplicate = findDuplicate(items);
  if (duplicate !== undefined) throw duplicateItem(duplicate);
  const conversationId = conversationIdOf(request);
  const callId =
    conversationId === undefined
      ? findUnansweredCall([...(previousId == null ? [] : await readOutput(storage, previousId)), ...items])
      : await findUnansweredInConversation(storage, conversationId, project, items);
  if (callId !== undefined) throw toolOutputMissing(callId);
}

/** The first unanswered call of the conversation followed by `items`. Reads its unanswered calls instead of its items. */
async function findUnansweredInConversation(
  storage: Storage,
  id: string,
  project: string,
  items: readonly InputItem[],
): Promise<string | undefined> {
  const { conversations } = storage;
  const record = await conversations.readOwned(id, project);
  if (record?.knowsCalls === undefined) return findUnansweredCall([...(await conversations.readItems(id)), ...items]);
  const answered = new Set(items.map((item) => answeredCallId(item)));
  const before = (await conversations.readUnansweredCalls(id)).find((callId) => !answered.has(callId));
  return before ?? (await conversations.findUnansweredCall(id, findUnansweredCalls(items)));
}

/** The first id that occurs twice. */
function findDuplicate(items: readonly InputItem[]): string | undefined {
  const ids = new Set<string>();
  for (const { id } of items) {
    if (id == null) continue;
    if (ids.has(id)) return id;
    ids.add(id);
  }
  return undefined;
}

/** Parses the output only if it contains a call: most outputs are text, and may be long. */
async function readOutput(storage: Storage, id: string): Promise<OutputItem[]> {
  const last = await storage.fullLogReader.readLast(id);
  if (last === undefined || !last.data.includes('"function_call"')) return [];
  return (await parseInSlices<Response>(extractResponseJson(last))).output;
}
