/** Conversations and their items (contract.md#conversations). */
import { z } from "zod";
import { inputItemSchema } from "./item.ts";
import type { InputItem, OutputItem } from "./item.ts";
import { metadataSchema } from "./request-options.ts";

/** Maximum items that one request may add (contract.md#conversations). */
const MAX_ITEMS = 20;

export const createConversationSchema = z.strictObject({
  items: z.array(inputItemSchema).max(MAX_ITEMS).nullish(),
  metadata: metadataSchema.nullish(),
});

export const updateConversationSchema = z.strictObject({ metadata: metadataSchema.nullable() });

export const createItemsSchema = z.strictObject({ items: z.array(inputItemSchema).max(MAX_ITEMS) });

export const conversationSchema = z.object({
  id: z.string(),
  object: z.literal("conversation"),
  /** Unix seconds. */
  created_at: z.int(),
  metadata: metadataSchema,
});
export type Conversation = z.infer<typeof conversationSchema>;

export const deletedConversationSchema = z.object({
  id: z.string(),
  object: z.literal("conversation.deleted"),
  deleted: z.literal(true),
});

export type ConversationItem = (InputItem | OutputItem) & { id: string };
