/** Conversations. */
import { parseBody } from "../../http/validation/parse-body.ts";
import {
  conversationSchema,
  createConversationSchema,
  deletedConversationSchema,
  updateConversationSchema,
} from "../../protocol/conversation.ts";
import type { Endpoint } from "../endpoint.ts";
import { CONVERSATION_ID } from "../example-ids.ts";
import { userMessage } from "../examples.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { addedItemErrors, invalidItems, invalidMetadata } from "./parameter-errors.ts";
import { conversationId } from "./parameters.ts";

const NOT_FOUND_ERRORS = ["malformedConversationId", "conversationNotFound", "storeUnavailable"] as const;
const asIs = <T>(part: T): T => part;

export const conversation = {
  id: CONVERSATION_ID,
  object: "conversation",
  created_at: 1_775_000_000,
  metadata: { topic: "leases" },
};
export const conversationAnswer = (description: string): Endpoint["answers"] => ({
  200: {
    description,
    content: { "application/json": { schema: conversationSchema, examples: { "A conversation": conversation } } },
  },
});

export const createConversation: Endpoint = {
  id: "createConversation",
  tag: "Conversations",
  summary: "Create a conversation",
  body: {
    description: "Optional. Without a body, the conversation starts empty.",
    isRequired: false,
    schema: createConversationSchema,
    examples: { "With a first message": { items: [userMessage], metadata: { topic: "leases" } } },
  },
  answers: conversationAnswer("The conversation. It contains the given items."),
  errors: [
    "adminNeedsProject",
    ...documentErrorsOf((body) => parseBody(createConversationSchema, body), {
      "A parameter is unknown. The message suggests a similar known one.": { item: [] },
      "`items` has more than 20 items.": { items: Array.from({ length: 21 }, () => userMessage) },
      ...invalidMetadata(asIs),
      ...invalidItems((items) => ({ items })),
    }),
    ...addedItemErrors,
    "storageFull",
    "storeUnavailable",
  ],
};

export const retrieveConversation: Endpoint = {
  id: "retrieveConversation",
  tag: "Conversations",
  summary: "Get a conversation",
  parameters: [conversationId],
  answers: conversationAnswer("The conversation. `GET /conversations/{conversation_id}/items` lists its items."),
  errors: NOT_FOUND_ERRORS,
};

export const updateConversation: Endpoint = {
  id: "updateConversation",
  tag: "Conversations",
  summary: "Change a conversation's metadata",
  parameters: [conversationId],
  body: {
    description: "The new metadata. It replaces all existing metadata.",
    isRequired: true,
    schema: updateConversationSchema,
    examples: { "Another topic": { metadata: { topic: "epochs" } } },
  },
  answers: conversationAnswer("The updated conversation."),
  errors: [
    ...documentErrorsOf((body) => parseBody(updateConversationSchema, body), {
      "`metadata` is missing.": {},
      "A parameter is unknown. The message suggests a similar known one.": { metadat: {} },
      ...invalidMetadata(asIs),
    }),
    ...NOT_FOUND_ERRORS,
  ],
};

export const deleteConversation: Endpoint = {
  id: "deleteConversation",
  tag: "Conversations",
  summary: "Delete a conversation",
  description: "Deletes the conversation. Responses that used it remain.",
  parameters: [conversationId],
  answers: {
    200: {
      description: "The conversation is deleted.",
      content: {
        "application/json": {
          schema: deletedConversationSchema,
          examples: { Deleted: { id: CONVERSATION_ID, object: "conversation.deleted", deleted: true } },
        },
      },
    },
  },
  errors: NOT_FOUND_ERRORS,
};
