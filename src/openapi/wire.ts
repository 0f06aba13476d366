/** Schemas of wire forms that `protocol/` does not parse, derived from its schemas for the document. */
import { z } from "zod";
import { containerSchema } from "../protocol/container.ts";
import { conversationSchema } from "../protocol/conversation.ts";
import { responseStreamEventSchema } from "../protocol/event.ts";
import { fileObjectSchema } from "../protocol/file.ts";
import { inputItemSchema, outputItemSchema } from "../protocol/item.ts";
import { itemReferenceSchema } from "../protocol/items/context.ts";
import { inputMessageSchema } from "../protocol/items/message.ts";
import { listSchema } from "../protocol/list.ts";
import { auditEventSchema } from "../protocol/organization/audit-log.ts";
import { projectKeySchema, serviceAccountSchema } from "../protocol/organization/keys.ts";
import { rateLimitSchema, spendAlertSchema } from "../protocol/organization/limits.ts";
import { projectSchema } from "../protocol/organization/projects.ts";
import { queueSchema, webhookQueueSchema, workerSchema } from "../protocol/organization-queue.ts";

export type EventSchema = z.ZodObject<{ type: z.ZodLiteral<string> }>;

/** The members of a union of events, including those of nested unions. */
export function collectEventSchemas(options: readonly unknown[]): EventSchema[] {
  return options.flatMap((option) =>
    option instanceof z.ZodDiscriminatedUnion ? collectEventSchemas(option.options) : [option as EventSchema],
  );
}

/** `include_obfuscation` pads deltas on delivery (src/stream/fan-out/frame.ts). */
function withObfuscation(schema: EventSchema): EventSchema {
  const isDelta = schema.shape.type.value.endsWith(".delta");
  return isDelta ? schema.extend({ obfuscation: z.string().exactOptional() }) : schema;
}

const [firstEvent, ...otherEvents] = collectEventSchemas(responseStreamEventSchema.options).map(withObfuscation);
export const streamEventSchema = z.discriminatedUnion("type", [firstEvent!, ...otherEvents]);

/** Stored items: those of requests and of responses, each with an id. */
export const storedItemSchema = z.intersection(
  z.union([inputItemSchema, outputItemSchema]),
  z.object({ id: z.string() }),
);
export const itemListSchema = listSchema(storedItemSchema);
export const conversationListSchema = listSchema(conversationSchema);
export const containerListSchema = listSchema(containerSchema);
export const fileListSchema = listSchema(fileObjectSchema);
export const projectListSchema = listSchema(projectSchema);
export const projectKeyListSchema = listSchema(projectKeySchema);
export const serviceAccountListSchema = listSchema(serviceAccountSchema);
export const rateLimitListSchema = listSchema(rateLimitSchema);
export const spendAlertListSchema = listSchema(spendAlertSchema);
export const auditEventListSchema = listSchema(auditEventSchema);
export const workerListSchema = z.object({ object: z.literal("list"), data: z.array(workerSchema) });
export const queueListSchema = z.object({
  object: z.literal("list"),
  data: z.array(z.discriminatedUnion("name", [queueSchema, webhookQueueSchema])),
});

/** Messages and references whose `type` is omitted: `inputItemSchema` accepts them. */
const optionalType = <T extends string>(type: T) => ({ type: z.literal(type).nullish() });
const [fromUser, fromAssistant, fromOthers] = inputMessageSchema.options;
export const untypedMessageSchema = z.discriminatedUnion("role", [
  fromUser.extend(optionalType("message")),
  fromAssistant.extend(optionalType("message")),
  fromOthers.extend(optionalType("message")),
]);
export const untypedItemReferenceSchema = itemReferenceSchema.extend(optionalType("item_reference"));

/** Every input item, after the step that adds omitted types. */
export const typedInputItemSchema = inputItemSchema.out;
