/** What is on the wire in a form that no parser of `protocol/` needs: made here, of its schemas, to be described. */
import { z } from "zod";
import { containerSchema } from "../protocol/container.ts";
import { responseStreamEventSchema } from "../protocol/event.ts";
import { inputItemSchema, outputItemSchema } from "../protocol/item.ts";
import { itemReferenceSchema } from "../protocol/items/context.ts";
import { inputMessageSchema } from "../protocol/items/message.ts";
import { listSchema } from "../protocol/list.ts";

export type EventSchema = z.ZodObject<{ type: z.ZodLiteral<string> }>;

/** The members of a union of events, and those of the unions in it. */
export function collectEventSchemas(options: readonly unknown[]): EventSchema[] {
  return options.flatMap((option) =>
    option instanceof z.ZodDiscriminatedUnion ? collectEventSchemas(option.options) : [option as EventSchema],
  );
}

/** With `include_obfuscation`, deltas are padded on their way (src/stream/fan-out/frame.ts). */
function withObfuscation(schema: EventSchema): EventSchema {
  const isDelta = schema.shape.type.value.endsWith(".delta");
  return isDelta ? schema.extend({ obfuscation: z.string().exactOptional() }) : schema;
}

const [firstEvent, ...otherEvents] = collectEventSchemas(responseStreamEventSchema.options).map(withObfuscation);
export const streamEventSchema = z.discriminatedUnion("type", [firstEvent!, ...otherEvents]);

/** Items as they are kept and listed: those of requests and those of responses, each with an id. */
export const storedItemSchema = z.intersection(
  z.union([inputItemSchema, outputItemSchema]),
  z.object({ id: z.string() }),
);
export const itemListSchema = listSchema(storedItemSchema);
export const containerListSchema = listSchema(containerSchema);

/** What `inputItemSchema` takes for a message, or for a reference, although it does not say so. */
const typeLeftOut = <T extends string>(type: T) => ({ type: z.literal(type).nullish() });
const [fromUser, fromAssistant, fromOthers] = inputMessageSchema.options;
export const untypedMessageSchema = z.discriminatedUnion("role", [
  fromUser.extend(typeLeftOut("message")),
  fromAssistant.extend(typeLeftOut("message")),
  fromOthers.extend(typeLeftOut("message")),
]);
export const untypedItemReferenceSchema = itemReferenceSchema.extend(typeLeftOut("item_reference"));

/** Behind the step that names those two, every input item has its type. */
export const typedInputItemSchema = inputItemSchema.out;
