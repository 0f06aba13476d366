/** Conversations and their items (contract 06). */
import { z } from "zod";
import { inputItemSchema } from "./item.ts";
import type { InputItem, OutputItem } from "./item.ts";
import { metadataSchema } from "./settings.ts";

/** Items that one request may add (contract 06). */
const MAX_ITEMS = 20;

export const createConversationSchema = z.strictObject({
  items: z.array(inputItemSchema).max(MAX_ITEMS).nullish(),
  metadata: metadataSchema.nullish(),
});

export const updateConversationSchema = z.strictObject({ metadata: metadataSchema.nullable() });

export const createItemsSchema = z.strictObject({ items: z.array(inputItemSchema).max(MAX_ITEMS) });

export interface Conversation {
  id: string;
  object: "conversation";
  /** Unix seconds. */
  created_at: number;
  metadata: Record<string, string>;
}

export type ConversationItem = (InputItem | OutputItem) & { id: string };
