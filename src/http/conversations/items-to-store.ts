/** Items as a conversation keeps them: each with an id, messages with their content as parts. */
import type { ConversationItem } from "../../protocol/conversation.ts";
import { newItemId } from "../../protocol/id.ts";
import type { InputItem } from "../../protocol/item.ts";
import { asConversationItem } from "../../responses/conversation-turn.ts";

export function itemsToStore(items: readonly InputItem[]): ConversationItem[] {
  return items.map((item) => asConversationItem({ ...item, id: item.id ?? newItemId(item.type) }));
}
