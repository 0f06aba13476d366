/** The items of a conversation. */
import { parseBody } from "../../http/validation/parse-body.ts";
import { createItemsSchema } from "../../protocol/conversation.ts";
import type { Endpoint } from "../endpoint.ts";
import { storedMessage, userMessage } from "../examples.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { itemListSchema, storedItemSchema } from "../wire.ts";
import { conversationAnswer } from "./conversations.ts";
import { addedItemErrors, includeErrors, invalidItems, listErrors } from "./parameter-errors.ts";
import { conversationId, includeParameter, itemId, listParameters } from "./parameters.ts";

const NOT_FOUND_ERRORS = ["malformedConversationId", "conversationNotFound", "storeUnavailable"] as const;

const page = {
  object: "list",
  data: [storedMessage],
  first_id: storedMessage.id,
  last_id: storedMessage.id,
  has_more: false,
};
const pageAnswer = (description: string): Endpoint["answers"] => ({
  200: { description, content: { "application/json": { schema: itemListSchema, examples: { "One message": page } } } },
});

export const listConversationItems: Endpoint = {
  id: "listConversationItems",
  tag: "Conversations",
  summary: "List the items of a conversation",
  parameters: [conversationId, ...listParameters],
  answers: pageAnswer("A page of items."),
  errors: [...NOT_FOUND_ERRORS, ...listErrors, "listCursorNotFound"],
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
  answers: pageAnswer("The added items."),
  errors: [
    ...documentErrorsOf((body) => parseBody(createItemsSchema, body), {
      "`items` is missing.": {},
      "A parameter is unknown. The message suggests a similar known one.": { items: [], item: [] },
      "`items` has more than 20 items.": { items: Array.from({ length: 21 }, () => userMessage) },
      ...invalidItems((items) => ({ items })),
    }),
    ...addedItemErrors,
    ...includeErrors,
    ...NOT_FOUND_ERRORS,
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
  errors: [...includeErrors, ...NOT_FOUND_ERRORS, "conversationItemNotFound"],
};

export const deleteConversationItem: Endpoint = {
  id: "deleteConversationItem",
  tag: "Conversations",
  summary: "Delete an item of a conversation",
  parameters: [conversationId, itemId],
  answers: conversationAnswer("The conversation without the item."),
  errors: [...NOT_FOUND_ERRORS, "conversationItemNotFound", "conversationLocked"],
};
