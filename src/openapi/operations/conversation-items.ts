/** The items of a conversation. */
import { parseBody } from "../../http/validation/validate.ts";
import { createItemsSchema } from "../../protocol/conversation.ts";
import type { Endpoint } from "../endpoint.ts";
import { storedMessage, userMessage } from "../examples.ts";
import { faultsOf } from "../refusals.ts";
import { itemListSchema, storedItemSchema } from "../wire.ts";
import { theConversation } from "./conversations.ts";
import { addedItemFaults, includeFaults, itemFaults, listFaults } from "./faults.ts";
import { conversationId, includeParameter, itemId, listParameters } from "./parameters.ts";

const NOT_THERE = ["malformedConversationId", "conversationNotFound", "storeUnavailable"] as const;

const page = {
  object: "list",
  data: [storedMessage],
  first_id: storedMessage.id,
  last_id: storedMessage.id,
  has_more: false,
};
const aPage = (description: string): Endpoint["answers"] => ({
  200: { description, content: { "application/json": { schema: itemListSchema, examples: { "One message": page } } } },
});

export const listConversationItems: Endpoint = {
  id: "listConversationItems",
  tag: "Conversations",
  summary: "List the items of a conversation",
  parameters: [conversationId, ...listParameters],
  answers: aPage("A page of items."),
  refusals: [...NOT_THERE, ...listFaults, "listCursorNotFound"],
};

export const createConversationItems: Endpoint = {
  id: "createConversationItems",
  tag: "Conversations",
  summary: "Add items to a conversation",
  parameters: [conversationId, includeParameter],
  body: {
    description: "At most 20 items.",
    isRequired: true,
    schema: createItemsSchema,
    examples: { "One message": { items: [userMessage] } },
  },
  answers: aPage("The added items."),
  refusals: [
    ...faultsOf((body) => parseBody(createItemsSchema, body), {
      "`items` is missing.": {},
      "A parameter is unknown. The message suggests a similar known one.": { items: [], item: [] },
      "`items` has more than 20 items.": { items: Array.from({ length: 21 }, () => userMessage) },
      ...itemFaults((items) => ({ items })),
    }),
    ...addedItemFaults,
    ...includeFaults,
    ...NOT_THERE,
    "conversationLocked",
    "storageFull",
  ],
};

export const retrieveConversationItem: Endpoint = {
  id: "retrieveConversationItem",
  tag: "Conversations",
  summary: "Get an item of a conversation",
  parameters: [conversationId, itemId, includeParameter],
  answers: {
    200: {
      description: "The item.",
      content: { "application/json": { schema: storedItemSchema, examples: { "A message": storedMessage } } },
    },
  },
  refusals: [...includeFaults, ...NOT_THERE, "conversationItemNotFound"],
};

export const deleteConversationItem: Endpoint = {
  id: "deleteConversationItem",
  tag: "Conversations",
  summary: "Delete an item of a conversation",
  parameters: [conversationId, itemId],
  answers: theConversation("The conversation without the item."),
  refusals: [...NOT_THERE, "conversationItemNotFound", "conversationLocked"],
};
